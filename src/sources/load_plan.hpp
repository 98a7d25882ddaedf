// What every source checks and decides about a load before it touches its database.
#pragma once

#include <vector>

#include "sources/source.hpp"
#include "sql/dialect.hpp"

namespace vmc::sources {

inline constexpr const char* kAppliedTable = "vmc_applied";
inline constexpr const char* kStagingPrefix = "vmc_staging_";
inline constexpr std::string_view kAsidePrefix = "vmc_aside_";

// How a run that replaces a table ended, in vmc_applied beside its parts.
inline constexpr std::int64_t kSwapPart = -1;
inline constexpr std::int64_t kDropPart = -2;

// Our own tables in a customer's database: never part of its schema.
bool is_own_table(std::string_view bare_name);

// A table's name as it is written: "schema.table" or "table".
struct TableName {
  std::optional<std::string> schema;
  std::string table;
  std::string text() const { return schema ? *schema + "." + table : table; }
};
TableName table_name(const std::string& table);
// The name that all tables with rows laid aside for `table` begin with, without schema.
std::string aside_family(const std::string& table);
// The table beside `table` that keeps one run's rows until the swap.
TableName aside_name(const std::string& table, const std::string& scope);

// Of a load, quoted: the table, what one run lays aside for it, and vmc_applied beside them.
struct LoadNames {
  std::string table, aside, applied;
};
Result<LoadNames> load_names(sql::Target dialect, const LoadRequest& request);

// What a swap clears away beside its own: of the tables of this family those that belong to none of the runs alive,
// which are those with a part applied within this time.
inline constexpr auto kAsideKept = std::chrono::hours{24};
std::vector<std::string> abandoned(const std::vector<std::string>& family, const std::string& table,
                                   const std::vector<std::string>& scopes_alive);

Result<void> check_loading(Access access);                                          // WRITE_NOT_PERMITTED
Error ended_run(const LoadRequest& request);                                        // its rows are not wanted any more
Error newer_attempt(const LoadRequest& request);                                    // has written this part already
Result<void> check_swapped(const LoadRequest& request, std::int64_t wanted, std::int64_t found);
Error reached_by_cascade(const LoadRequest& request, std::string_view other_table);  // what a DELETE would do there

struct LoadPlan {
  std::vector<const data::ColumnInfo*> columns;  // as in request.columns
  std::vector<bool> key;                         // is columns[i] part of the key?
  bool upsert = false;
  bool aside = false;      // rows go to aside_name()
  bool only_keys = false;  // nothing to update when the row is there
};

// INVALID_REQUEST names what does not fit: an unknown column, another type than the table's, a key that no
// unique key of the table covers. SCHEMA_ACCESS_DENIED for a table that is not the one described.
Result<LoadPlan> plan_load(const LoadRequest& request, const data::TableInfo& table);
// A batch of the announced columns with no null in a key or a column that takes none.
Result<void> check_batch(const LoadPlan& plan, const LoadRequest& request, const data::Batch& batch);

Result<std::string> column_list(sql::Target dialect, const LoadPlan& plan);  // quoted, with commas

// Has the run applied one of these parts? `applied` is a database's vmc_applied.
template <class Applied>
Result<bool> has_any(Applied& applied, std::initializer_list<std::int64_t> parts) {
  for (const auto part : parts) {
    VMC_TRY(found, applied.has(part));
    if (found) return true;
  }
  return false;
}
template <class Applied>
Result<void> refuse_ended(Applied& applied, const LoadRequest& request, std::initializer_list<std::int64_t> parts) {
  VMC_TRY(ended, has_any(applied, parts));
  if (ended) return ended_run(request);
  return {};
}

// The row type of columns as read() streams them; SCHEMA_ACCESS_DENIED for one the table lacks.
Result<data::RowTypePtr> row_type(const std::vector<std::string>& columns, const data::TableInfo& table);
// SCHEMA_ACCESS_DENIED unless the columns found now are the approved ones, in their order.
Result<void> check_columns(const data::TableInfo& approved, const std::vector<std::string>& found);
// INVALID_REQUEST unless the batch has the key's columns, in their order and of their types.
Result<void> check_keys(const data::Batch& batch, const data::RowType& key);
// Hands the keys on in groups of at most `at_once`, without those that hold a null: they find nothing.
using KeyGroup = std::vector<std::vector<data::Value>>;
Result<void> in_groups(const BatchSource& keys, const data::RowType& type, std::size_t at_once,
                       const std::function<Result<void>(KeyGroup)>& look_up);
Error null_key(const data::TableInfo& table);  // there are rows that fit no part
// Consecutive ranges that end at the given keys; without keys one open range.
Split parts_ending_at(const std::vector<std::string>& key, const std::vector<data::Batch>& ends);

Error unfit_cell(std::string_view table, std::string_view column, std::uint64_t row, std::string_view why);

}  // namespace vmc::sources
