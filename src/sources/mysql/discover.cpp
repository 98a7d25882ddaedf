// Discovery of the connection's own database: five questions to the catalogue, however many tables there are.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <unordered_map>

#include "sources/load_plan.hpp"
#include "sources/mysql/parts.hpp"
#include "sources/mysql/types.hpp"
#include "sources/unchanged.hpp"
#include "sql/guard/views.hpp"

namespace vmc::sources::mysql {
namespace {

constexpr auto kDiscoverLimit = std::chrono::minutes{2};

// Engines that reach other servers are left out: a read-only transaction here is none over there.
constexpr const char* kTables =
    "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, CAST(TABLE_ROWS AS CHAR) FROM information_schema.TABLES"
    " WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE IN ('BASE TABLE', 'VIEW', 'SYSTEM VERSIONED')"
    " AND (ENGINE IS NULL OR ENGINE NOT IN ('FEDERATED', 'CONNECT', 'SPIDER', 'SPHINX'))";

// An invisible column is no part of a star, and so none of what is shared.
constexpr const char* kColumns =
    "SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, IS_NULLABLE, COLUMN_DEFAULT, "
    "GENERATION_EXPRESSION"
    " FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND PRIVILEGES LIKE '%select%'"
    " AND EXTRA NOT LIKE '%INVISIBLE%' ORDER BY TABLE_NAME, ORDINAL_POSITION";

constexpr const char* kKeys =
    "SELECT TABLE_NAME, INDEX_NAME, COLUMN_NAME, SUB_PART IS NOT NULL FROM information_schema.STATISTICS"
    " WHERE TABLE_SCHEMA = DATABASE() AND NON_UNIQUE = 0 ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX";

constexpr const char* kReferences =
    "SELECT TABLE_NAME, CONSTRAINT_NAME, COLUMN_NAME, REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME"
    " FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA = DATABASE()"
    " AND REFERENCED_TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION";

// In MariaDB JSON is LONGTEXT with a check.
constexpr const char* kJsonChecks =
    "SELECT TABLE_NAME, CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS"
    " WHERE CONSTRAINT_SCHEMA = DATABASE() AND CHECK_CLAUSE LIKE 'json\\_valid(`%`)'";

constexpr const char* kViews =
    "SELECT TABLE_SCHEMA, TABLE_NAME, VIEW_DEFINITION FROM information_schema.VIEWS WHERE TABLE_SCHEMA = DATABASE()";

using Row = std::vector<std::optional<std::string>>;
using Tables = std::unordered_map<std::string, data::TableInfo>;  // by bare name

const std::string& word(const Row& row, std::size_t i) {
  static const std::string none;
  return row[i] ? *row[i] : none;
}

// A dot in a name of its own would read as a schema.
std::string qualified(const std::string& schema, const std::string& table) {
  return table.find('.') == table.npos ? table : schema + "." + table;
}

Result<Tables> read_tables(Connection& db) {
  VMC_TRY(rows, ask(db, kTables));
  Tables tables;
  for (const auto& row : rows) {
    const auto& schema = word(row, 0);
    const auto& name = word(row, 1);
    if (is_own_table(name)) continue;
    if (name.find('.') != name.npos && schema.find('.') != schema.npos) continue;  // no way to name it
    auto& info = tables[name];
    info.name = qualified(schema, name);
    info.view = word(row, 2) == "VIEW";
    if (!info.view && row[3]) info.row_estimate = std::strtoll(row[3]->c_str(), nullptr, 10);
  }
  return tables;
}

Result<std::set<std::pair<std::string, std::string>>> read_json_columns(Connection& db) {
  std::set<std::pair<std::string, std::string>> out;
  if (!db.is_mariadb()) return out;
  VMC_TRY(rows, ask(db, kJsonChecks));
  for (const auto& row : rows) {
    const auto& clause = word(row, 1);
    const auto from = clause.find('`'), to = clause.rfind('`');
    out.emplace(word(row, 0), clause.substr(from + 1, to - from - 1));
  }
  return out;
}

Result<void> read_columns(Connection& db, Tables& tables, sql::Computed& computed) {
  VMC_TRY(json, read_json_columns(db));
  VMC_TRY(rows, ask(db, kColumns));
  for (const auto& row : rows) {
    const auto table = tables.find(word(row, 0));
    if (table == tables.end()) continue;
    data::ColumnInfo column;
    column.name = word(row, 1);
    column.sql_type = word(row, 3);
    column.type = type_of(word(row, 2), column.sql_type);
    if (word(row, 2) == "longtext" && json.contains({word(row, 0), column.name})) column.type = {data::Kind::json};
    column.nullable = word(row, 4) == "YES";
    if (row[5] && *row[5] != "NULL") column.default_value = *row[5];
    column.enum_values = members_of(column.sql_type);
    if (!word(row, 6).empty()) computed[table->second.name][column.name] = word(row, 6);
    // DEFAULT(column) works a default out for the row it reads.
    else if (column.default_value && column.default_value->find('`') != column.default_value->npos)
      computed[table->second.name][column.name] = *column.default_value;
    table->second.columns.push_back(std::move(column));
  }
  return {};
}

struct UniqueKey {
  std::string table, name;
  std::vector<std::string> columns;
  bool whole = true;  // over whole columns that the user may read
};

Result<std::vector<UniqueKey>> read_unique_keys(Connection& db, const Tables& tables) {
  VMC_TRY(rows, ask(db, kKeys));
  std::vector<UniqueKey> keys;
  for (const auto& row : rows) {
    const auto table = tables.find(word(row, 0));
    if (table == tables.end()) continue;
    if (keys.empty() || keys.back().table != word(row, 0) || keys.back().name != word(row, 1))
      keys.push_back({word(row, 0), word(row, 1), {}, true});
    auto& key = keys.back();
    key.columns.push_back(word(row, 2));
    key.whole = key.whole && word(row, 3) == "0" && table->second.column(word(row, 2));
  }
  return keys;
}

Result<void> read_keys(Connection& db, Tables& tables) {
  VMC_TRY(keys, read_unique_keys(db, tables));
  for (auto& key : keys) {
    if (!key.whole) continue;
    auto& info = tables[key.table];
    if (key.name == "PRIMARY")
      info.primary_key = std::move(key.columns);
    else
      info.unique_keys.push_back(std::move(key.columns));
  }
  for (auto& [name, info] : tables) {
    auto& unique = info.unique_keys;
    std::sort(unique.begin(), unique.end());
    unique.erase(std::unique(unique.begin(), unique.end()), unique.end());
    std::erase(unique, info.primary_key);
  }
  return {};
}

Result<void> read_references(Connection& db, Tables& tables) {
  VMC_TRY(rows, ask(db, kReferences));
  std::string current;
  for (const auto& row : rows) {
    const auto from = tables.find(word(row, 0)), to = tables.find(word(row, 3));
    if (from == tables.end() || to == tables.end()) continue;
    auto& keys = from->second.foreign_keys;
    const auto name = word(row, 0) + "\n" + word(row, 1);
    if (std::exchange(current, name) != name) keys.push_back({{}, to->second.name, {}});
    keys.back().columns.push_back(word(row, 2));
    keys.back().referenced.push_back(word(row, 4));
  }
  const auto lacks = [](const data::TableInfo& info, const std::vector<std::string>& columns) {
    return std::any_of(columns.begin(), columns.end(), [&](const auto& name) { return !info.column(name); });
  };
  for (auto& [name, info] : tables)
    std::erase_if(info.foreign_keys, [&, &table = info](const data::ForeignKey& key) {
      const auto bare = key.table.find('.') == key.table.npos ? key.table : key.table.substr(key.table.find('.') + 1);
      return lacks(table, key.columns) || lacks(tables[bare], key.referenced);
    });
  return {};
}

// Names in a definition are qualified. It is empty for a user without SHOW VIEW.
Result<void> read_views(Connection& db, data::Schema& schema) {
  VMC_TRY(rows, ask(db, kViews));
  std::map<std::string, std::string> definitions;
  for (const auto& row : rows)
    if (!word(row, 2).empty()) definitions[qualified(word(row, 0), word(row, 1))] = word(row, 2);
  set_prints(schema, definitions);
  return sql::fill_reads(sql::Dialect::mysql, schema, definitions);
}

}  // namespace

Result<Cells> ask_of_table(Connection& db, const std::string& text, const TableName& name) {
  Params params;
  if (name.schema)
    params.text(*name.schema);
  else
    params.null();
  params.text(name.table);
  return ask(db, text, std::move(params));
}

Result<bool> ignores_case(Connection& db) {
  VMC_TRY(rows, ask(db, "SELECT @@lower_case_table_names"));
  return !rows.empty() && (word(rows.front(), 0) == "1" || word(rows.front(), 0) == "2");
}

Result<data::Schema> discover(Connection& db) {
  VMC_TRY(transaction, Transaction::begin(db, kDiscoverLimit));
  VMC_TRY(tables, read_tables(db));
  sql::Computed computed;
  VMC_CHECK(read_columns(db, tables, computed));
  VMC_CHECK(read_keys(db, tables));
  VMC_CHECK(read_references(db, tables));
  VMC_TRY(names, ask(db, "SELECT DATABASE()"));
  data::Schema schema;
  if (!names.empty()) schema.database = word(names.front(), 0);
  VMC_TRY(ignores, ignores_case(db));
  schema.ignores_case = ignores;
  for (auto& [name, info] : tables)
    if (!info.columns.empty()) schema.tables.push_back(std::move(info));
  std::sort(schema.tables.begin(), schema.tables.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  VMC_CHECK(read_views(db, schema));
  VMC_CHECK(sql::fill_computed(sql::Dialect::mysql, schema, computed));
  return schema;
}

}  // namespace vmc::sources::mysql
