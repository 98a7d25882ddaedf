#include "sources/load_plan.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "crypto/hash.hpp"

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

std::string short_hash(std::string_view text, std::size_t bytes) {
  const auto hash = crypto::sha256(as_bytes(text));
  return to_hex(ByteView{hash}.first(bytes));
}

}  // namespace

bool is_own_table(std::string_view bare_name) {
  return bare_name == kAppliedTable || bare_name.starts_with(kStagingPrefix) || bare_name.starts_with(kAsidePrefix);
}

TableName table_name(const std::string& table) {
  const auto dot = table.find('.');
  if (dot == table.npos) return {std::nullopt, table};
  return {table.substr(0, dot), table.substr(dot + 1)};
}

std::string aside_family(const std::string& table) {
  return fmt::format("{}{}_", kAsidePrefix, short_hash(table, 4));
}

TableName aside_name(const std::string& table, const std::string& scope) {
  return {table_name(table).schema, aside_family(table) + short_hash(scope, 8)};
}

std::vector<std::string> abandoned(const std::vector<std::string>& family, const std::string& table,
                                   const std::vector<std::string>& scopes_alive) {
  std::set<std::string> alive;
  for (const auto& scope : scopes_alive) alive.insert(aside_name(table, scope).table);
  std::vector<std::string> out;
  for (const auto& name : family)
    if (name.starts_with(aside_family(table)) && !alive.contains(name)) out.push_back(name);
  return out;
}

Result<void> check_loading(Access access) {
  if (access == Access::load) return {};
  return fail(Code::write_not_permitted, "this session was opened for reading");
}

Result<LoadNames> load_names(sql::Target dialect, const LoadRequest& request) {
  const auto beside = aside_name(request.table, request.applied_scope);
  VMC_TRY(table, sql::quote_table(dialect, request.table));
  VMC_TRY(aside, sql::quote_table(dialect, beside.text()));
  VMC_TRY(applied, sql::quote_table(dialect, TableName{beside.schema, kAppliedTable}.text()));
  return LoadNames{std::move(table), std::move(aside), std::move(applied)};
}

Result<std::string> column_list(sql::Target dialect, const LoadPlan& plan) {
  std::string out;
  for (const auto* column : plan.columns) {
    VMC_TRY(name, sql::quote(dialect, column->name));
    out += (out.empty() ? "" : ", ") + name;
  }
  return out;
}

Error newer_attempt(const LoadRequest& request) {
  return fail(Code::conflict, "a newer attempt has already written to '" + request.table + "'");
}

Error ended_run(const LoadRequest& request) {
  return fail(Code::conflict, "load into '" + request.table + "': this run has ended, what it had laid aside is gone",
              "Start the workflow again.");
}

Result<void> check_swapped(const LoadRequest& request, std::int64_t wanted, std::int64_t found) {
  if (wanted == found) return {};
  return fail(Code::conflict,
              fmt::format("table '{}' would have {} rows and not the {} that were laid aside; it was left as it was",
                          request.table, found, wanted),
              "A table named vmc_aside_… was removed, or a trigger of the table holds rows back or adds some. Start "
              "the workflow again.");
}

Error reached_by_cascade(const LoadRequest& request, std::string_view other_table) {
  return invalid(
      request,
      fmt::format("replacing its rows would change table '{}', whose foreign key to it has an ON DELETE action",
                  other_table),
      "Load with mode upsert.");
}

Result<LoadPlan> plan_load(const LoadRequest& request, const data::TableInfo& table) {
  if (request.table != table.name)
    return fail(Code::schema_access_denied, "table '" + request.table + "' is not in the approved schema");
  if (table.view) return invalid(request, "it is a view");
  if (!request.columns || request.columns->empty()) return invalid(request, "no columns are named");
  LoadPlan plan;
  plan.upsert = request.mode == LoadRequest::Mode::upsert;
  plan.aside = request.mode == LoadRequest::Mode::replace;
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
  if (plan.upsert && request.key.empty()) return invalid(request, "mode upsert needs a key");
  if (plan.upsert || (plan.aside && !request.key.empty())) {
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

Result<void> in_groups(const BatchSource& keys, const data::RowType& type, std::size_t at_once,
                       const std::function<Result<void>(KeyGroup)>& look_up) {
  KeyGroup group;
  for (;;) {
    VMC_TRY(batch, keys());
    if (!batch) break;
    VMC_CHECK(check_keys(*batch, type));
    for (std::size_t row = 0; row < batch->rows; ++row) {
      std::vector<data::Value> one;
      for (const auto& column : batch->columns) one.push_back(data::value_at(column, row));
      if (std::any_of(one.begin(), one.end(), data::is_null)) continue;
      group.push_back(std::move(one));
      if (group.size() >= at_once) VMC_CHECK(look_up(std::exchange(group, {})));
    }
  }
  if (!group.empty()) VMC_CHECK(look_up(std::move(group)));
  return {};
}

Error null_key(const data::TableInfo& table) {
  return fail(Code::invalid_request, "table '" + table.name + "' has rows whose key is null; they fit no part",
              "Choose another key, or read the table in one part.");
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
