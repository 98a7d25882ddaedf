#include "sql/guard/mysql/system.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace vmc::sql::mysql {
namespace {

// Left out: ROUTINES, TRIGGERS, EVENTS, VIEWS (source), PROCESSLIST and the InnoDB tables (other sessions, values),
// COLUMN_STATISTICS (values), the tables of rights and accounts, FILES, PLUGINS and the settings.
constexpr auto kOpenCatalogueTables = std::to_array<std::string_view>({
    "character_sets", "check_constraints", "collation_character_set_applicability", "collations", "columns", "engines",
    "key_column_usage", "keywords", "partitions", "referential_constraints", "schemata", "st_geometry_columns",
    "statistics", "table_constraints", "tables",
});
static_assert(std::ranges::is_sorted(kOpenCatalogueTables));

constexpr auto kSystemSchemas = std::to_array<std::string_view>({
    "mariadb_schema", "mysql", "mysql_innodb_cluster_metadata", "ndbinfo", "oracle_schema", "performance_schema",
    "sys",
});
static_assert(std::ranges::is_sorted(kSystemSchemas));

// What drivers, pools and reports ask for. Left out: paths, hosts, keys, logs, and texts such as init_connect.
constexpr auto kOpenVariables = std::to_array<std::string_view>({
    "auto_increment_increment", "auto_increment_offset", "autocommit", "character_set_client",
    "character_set_connection", "character_set_database", "character_set_results", "character_set_server",
    "character_set_system", "collation_connection", "collation_database", "collation_server",
    "cte_max_recursion_depth", "default_collation_for_utf8mb4", "default_storage_engine", "default_week_format", "div_precision_increment", "error_count",
    "explicit_defaults_for_timestamp", "foreign_key_checks", "group_concat_max_len", "identity", "in_transaction", "innodb_version",
    "interactive_timeout", "last_insert_id", "lc_time_names", "license", "lower_case_file_system", "lower_case_table_names",
    "max_allowed_packet", "max_connections", "max_execution_time", "max_recursive_iterations", "max_statement_time", "net_buffer_length",
    "net_read_timeout", "net_write_timeout", "performance_schema", "protocol_version", "query_cache_size",
    "query_cache_type", "read_only", "sql_auto_is_null", "sql_big_selects", "sql_mode", "sql_safe_updates",
    "sql_select_limit", "storage_engine", "super_read_only", "system_time_zone", "time_zone", "timestamp",
    "transaction_isolation", "transaction_read_only", "tx_isolation", "tx_read_only", "unique_checks", "version",
    "version_comment", "version_compile_machine", "version_compile_os", "wait_timeout", "warning_count",
});
static_assert(std::ranges::is_sorted(kOpenVariables));

bool take(std::string_view& from, std::string_view what) {
  if (!from.starts_with(what)) return false;
  from.remove_prefix(what.size());
  return true;
}

// A number too large for 64 bits counts as the largest.
bool take_number(std::string_view& from, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(from.data(), from.data() + from.size(), number);
  if (error == std::errc::invalid_argument) return false;
  if (error == std::errc::result_out_of_range) number = std::numeric_limits<std::uint64_t>::max();
  from.remove_prefix(static_cast<std::size_t>(end - from.data()));
  return true;
}

}  // namespace

bool is_system_schema(std::string_view schema) { return std::ranges::binary_search(kSystemSchemas, schema); }

bool is_open_catalogue_table(std::string_view table) {
  return std::ranges::binary_search(kOpenCatalogueTables, table);
}

bool is_open_variable(std::string_view name) { return std::ranges::binary_search(kOpenVariables, name); }

std::optional<std::uint64_t> sequence_rows(std::string_view table) {
  std::uint64_t from = 0, to = 0, step = 1;
  if (!take(table, "seq_") || !take_number(table, from) || !take(table, "_to_") || !take_number(table, to))
    return std::nullopt;
  if (!table.empty() && (!take(table, "_step_") || !take_number(table, step) || !table.empty())) return std::nullopt;
  const auto span = from < to ? to - from : from - to;
  const auto rows = step == 0 ? std::numeric_limits<std::uint64_t>::max() : span / step;
  return rows == std::numeric_limits<std::uint64_t>::max() ? rows : rows + 1;
}

}  // namespace vmc::sql::mysql
