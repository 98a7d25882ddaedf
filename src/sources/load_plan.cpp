#include "sources/load_plan.hpp"

#include <algorithm>
#include <set>

namespace vmc::sources {
namespace {

using data::Kind;

std::set<std::string> as_set(const std::vector<std::string>& names) { return {names.begin(), names.end()}; }

bool is_unique_key(const data::TableInfo& table, const std::vector<std::string>& key) {
  const auto wanted = as_set(key);
  if (wanted.size() != key.size()) return false;
  if (!table.primary_key.empty() && as_set(table.primary_key) == wanted) return true;
  return std::any_of(table.unique_keys.begin(), table.unique_keys.end(),
                     [&](const auto& unique) { return as_set(unique) == wanted; });
}

bool fits(data::Type from, data::Type to) {
  if (from.kind != to.kind) return false;
  if (from.kind != Kind::decimal) return true;
  return from.scale <= to.scale && from.precision - from.scale <= to.precision - to.scale;
}

Error invalid(const LoadRequest& request, std::string what, std::string hint = {}) {
  return fail(Code::invalid_request, "load into '" + request.table + "': " + std::move(what),
              std::move(hint));
}

}  // namespace

bool is_own_table(std::string_view bare_name) {
  return bare_name == kAppliedTable || bare_name.starts_with(kStagingPrefix);
}

Result<LoadPlan> plan_load(const LoadRequest& request, const data::TableInfo& table) {
  if (request.table != table.name)
    return fail(Code::schema_access_denied, "table '" + request.table + "' is not in the approved schema");
  if (request.mode == LoadRequest::Mode::replace)
    return invalid(request, "this source offers the modes insert and upsert, not replace",
                   "Load with mode upsert, or empty the table first and use insert.");
  if (table.view) return invalid(request, "it is a view");
  if (!request.columns || request.columns->empty()) return invalid(request, "no columns are named");
  LoadPlan plan;
  plan.upsert = request.mode == LoadRequest::Mode::upsert;
  std::set<std::string_view> seen;
  for (const auto& field : *request.columns) {
    const auto* column = table.column(field.name);
    if (!column) return invalid(request, "the table has no column '" + field.name + "'");
    if (!seen.insert(field.name).second)
      return invalid(request, "column '" + field.name + "' is named twice");
    if (!fits(field.type, column->type))
      return invalid(request, "column '" + field.name + "' is " + data::to_string(column->type) +
                                  " in the table and " + data::to_string(field.type) + " in the rows");
    plan.columns.push_back(column);
    plan.key.push_back(std::find(request.key.begin(), request.key.end(), field.name) != request.key.end());
  }
  if (plan.upsert) {
    if (request.key.empty()) return invalid(request, "mode upsert needs a key");
    for (const auto& name : request.key)
      if (!seen.contains(name))
        return invalid(request, "key column '" + name + "' is not among the loaded columns");
    if (!is_unique_key(table, request.key))
      return invalid(request, "the key is neither the primary key nor a unique key of the table",
                     "Name the columns of a unique key, or create one.");
  }
  plan.only_keys = std::find(plan.key.begin(), plan.key.end(), false) == plan.key.end();
  return plan;
}

Result<void> check_batch(const LoadPlan& plan, const LoadRequest& request, const data::Batch& batch) {
  const auto announced = [&] {
    if (batch.columns.size() != plan.columns.size()) return false;
    return batch.type == request.columns || (batch.type && *batch.type == *request.columns);
  };
  if (!announced()) return invalid(request, "a batch has other columns than announced");
  for (std::size_t i = 0; i < batch.columns.size(); ++i) {
    if (!batch.columns[i].has_nulls()) continue;
    if (plan.upsert && plan.key[i])
      return invalid(request, "key column '" + plan.columns[i]->name + "' has a null");
    if (!plan.columns[i]->nullable)
      return invalid(request, "column '" + plan.columns[i]->name + "' takes no null and a row has one");
  }
  return {};
}

Result<data::RowTypePtr> row_type(const std::vector<std::string>& columns, const data::TableInfo& table) {
  auto out = std::make_shared<data::RowType>();
  for (const auto& name : columns) {
    const auto* column = table.column(name);
    if (!column)
      return fail(Code::schema_access_denied,
                  "column '" + name + "' of table '" + table.name + "' is not in the approved schema");
    out->push_back({column->name, column->type, column->nullable});
  }
  return data::RowTypePtr{std::move(out)};
}

Result<void> check_columns(const data::TableInfo& approved, const std::vector<std::string>& found) {
  const auto same = [](const data::ColumnInfo& column, const std::string& name) { return column.name == name; };
  if (std::equal(approved.columns.begin(), approved.columns.end(), found.begin(), found.end(), same)) return {};
  return fail(Code::schema_access_denied,
              "table '" + approved.name + "' has other columns now than the approved ones, and '*' would reach them",
              "Name the columns, or have the schema approved anew.");
}

Result<void> check_keys(const data::Batch& batch, const data::RowType& key) {
  bool fits = batch.columns.size() == key.size();
  for (std::size_t i = 0; fits && i < key.size(); ++i) fits = batch.columns[i].type() == key[i].type;
  if (fits) return {};
  return fail(Code::invalid_request, "the keys are not of the key's columns and types");
}

Split parts_ending_at(const std::vector<std::string>& key, const std::vector<data::Batch>& ends) {
  Split split;
  std::vector<data::Value> after;
  for (const auto& batch : ends) {
    for (std::size_t row = 0; row < batch.rows; ++row) {
      std::vector<data::Value> up_to;
      for (const auto& column : batch.columns) up_to.push_back(data::value_at(column, row));
      if (up_to == after) continue;  // more rows than a part share this key: they are all in the part before
      split.parts.push_back({key, std::move(after), up_to});
      after = std::move(up_to);
    }
  }
  if (split.parts.empty()) split.parts.push_back({key, {}, {}});
  return split;
}

Error unfit_cell(std::string_view table, std::string_view column, std::uint64_t row, std::string_view why) {
  return fail(Code::database_error,
              "table '" + std::string{table} + "', column '" + std::string{column} + "', row " +
                  std::to_string(row) + " of this read: " + std::string{why},
              "Mend the value in the database, or leave the column out.");
}

}  // namespace vmc::sources
