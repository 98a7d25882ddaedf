#include "sources/odbc/schema_builder.hpp"

#include <algorithm>

#include "core/log.hpp"
#include "sources/load_plan.hpp"

namespace vmc::sources::odbc {
namespace {

// Every column of the key is one that is known.
bool covers(const data::TableInfo& table, const std::vector<std::string>& columns) {
  return !columns.empty() && std::all_of(columns.begin(), columns.end(),
                                         [&](const auto& column) { return table.column(column) != nullptr; });
}

}  // namespace

// Bare in the default schema; a dot in a table's own name would read as a schema.
std::optional<std::string> SchemaBuilder::qualified(const TableName& name) const {
  const auto& schema = name.schema.empty() ? default_schema_ : name.schema;
  const bool dotted = name.table.find('.') != std::string::npos;
  if (schema.empty()) return dotted ? std::nullopt : std::optional{name.table};
  if (schema.find('.') != std::string::npos) return std::nullopt;
  return schema == default_schema_ && !dotted ? name.table : schema + "." + name.table;
}

void SchemaBuilder::table(const TableName& name, bool view, std::optional<std::int64_t> rows) {
  if (is_own_table(name.table)) return;
  const auto full = qualified(name);
  if (!full) {
    log::warn("odbc", "a table was left out: a dot in its name or its schema's would be read as another",
              {{"schema", name.schema}, {"table", name.table}});
    return;
  }
  data::TableInfo info;
  info.name = *full;
  info.view = view;
  if (!view) info.row_estimate = rows;
  // A view's definition is not read: it may reach anything.
  if (view) info.reads = data::Reads{{"*", {"*"}}};
  tables_[name] = std::move(info);
}

void SchemaBuilder::row_estimate(const TableName& of, std::int64_t rows) {
  const auto table = tables_.find(of);
  if (table != tables_.end() && !table->second.view && rows >= 0) table->second.row_estimate = rows;
}

std::vector<TableName> SchemaBuilder::base_tables() const {
  std::vector<TableName> out;
  for (const auto& [name, info] : tables_)
    if (!info.view) out.push_back(name);
  return out;
}

void SchemaBuilder::column(const TableName& of, Column column) {
  const auto table = tables_.find(of);
  if (table == tables_.end()) return;
  if (!column.type) {
    log::warn("odbc", "a column was left out: its type has no form that can be carried",
              {{"table", table->second.name}, {"column", column.name}, {"type", column.sql_type}});
    return;
  }
  data::ColumnInfo info;
  info.name = std::move(column.name);
  info.sql_type = std::move(column.sql_type);
  info.type = *column.type;
  info.nullable = column.nullable;
  info.default_value = std::move(column.default_value);
  table->second.columns.push_back(std::move(info));
}

void SchemaBuilder::key(const TableName& of, const std::string& key, std::int64_t position,
                        const std::string& column, bool primary) {
  auto& known = keys_[{of, key}];
  known.primary = known.primary || primary;
  known.columns[position] = column;
}

void SchemaBuilder::reference(const std::string& constraint, std::int64_t position, const End& from,
                              const End& to) {
  auto& known = references_[{from.table, constraint}];
  known.from = from.table;
  known.to = to.table;
  known.columns[position] = {from.column, to.column};
}

void SchemaBuilder::add_keys() {
  for (const auto& [at, key] : keys_) {
    const auto table = tables_.find(at.first);
    if (table == tables_.end()) continue;
    std::vector<std::string> columns;
    for (const auto& [position, column] : key.columns) columns.push_back(column);
    if (!covers(table->second, columns)) continue;
    if (key.primary)
      table->second.primary_key = std::move(columns);
    else
      table->second.unique_keys.push_back(std::move(columns));
  }
  for (auto& [name, info] : tables_) {
    auto& keys = info.unique_keys;
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    // A driver that orders a primary key by its table's columns orders the index behind it as it is.
    auto& primary = info.primary_key;
    for (const auto& key : keys)
      if (std::is_permutation(key.begin(), key.end(), primary.begin(), primary.end())) primary = key;
    std::erase(keys, primary);
  }
}

void SchemaBuilder::add_references() {
  for (const auto& [at, reference] : references_) {
    const auto from = tables_.find(reference.from), to = tables_.find(reference.to);
    if (from == tables_.end() || to == tables_.end()) continue;
    data::ForeignKey key;
    key.table = to->second.name;
    for (const auto& [position, pair] : reference.columns) {
      key.columns.push_back(pair.first);
      key.referenced.push_back(pair.second);
    }
    if (covers(from->second, key.columns) && covers(to->second, key.referenced))
      from->second.foreign_keys.push_back(std::move(key));
  }
}

data::Schema SchemaBuilder::finish() {
  add_keys();
  add_references();
  data::Schema schema;
  for (auto& [name, info] : tables_)
    if (!info.columns.empty()) schema.tables.push_back(std::move(info));
  std::sort(schema.tables.begin(), schema.tables.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return schema;
}

}  // namespace vmc::sources::odbc
