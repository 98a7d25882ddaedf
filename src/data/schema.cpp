#include "data/schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "core/text.hpp"
#include "data/json_lists.hpp"
#include "data/text_rules.hpp"

namespace vmc::data {
namespace {

constexpr std::size_t kTablesMax = 20'000;
constexpr std::size_t kKeysMax = 1024;  // unique keys, or foreign keys, of one table
constexpr std::size_t kEnumValuesMax = 10'000;
constexpr std::size_t kPrintDigits = 64;

Error invalid(const std::string& path, std::string_view what) {
  return fail(Code::invalid_request, fmt::format("'{}' {}", path, what));
}

Json to_json(const ColumnInfo& column) {
  Json json{{"name", column.name},
            {"sqlType", column.sql_type},
            {"type", to_string(column.type)},
            {"nullable", column.nullable}};
  if (column.default_value) json["default"] = *column.default_value;
  if (!column.enum_values.empty()) json["enum"] = column.enum_values;
  if (!column.reads.empty()) json["reads"] = column.reads;
  return json;
}

Json to_json(const ForeignKey& key) {
  return Json{{"columns", key.columns}, {"table", key.table}, {"referenced", key.referenced}};
}

Result<Reads> read_reads(const Json& tables, const std::string& path) {
  if (tables.size() > kTablesMax) return invalid(path + ".reads", "has too many entries");
  Reads reads;
  for (const auto& [table, list] : tables.items()) {
    const Json wrapped{{"columns", list}};
    JsonReader reader{wrapped, path + ".reads"};
    const auto columns = names(reader, "columns", 0, kColumnsMax);
    VMC_CHECK(reader.finish(Code::invalid_request));
    if (!is_name(table)) return invalid(path + ".reads", "has a name that is none");
    reads[table] = {columns.begin(), columns.end()};
  }
  return reads;
}

bool reaches(const std::string& table, const std::set<std::string>& columns, const Parts& parts) {
  if (table == "*") return !parts.empty();
  const auto found = parts.find(lowered(table));
  if (found == parts.end()) return false;
  return columns.contains("*") || found->second.contains("*") ||
         std::any_of(columns.begin(), columns.end(),
                     [&](const std::string& column) { return found->second.contains(lowered(column)); });
}

Result<ColumnInfo> read_column(const Json& json, const std::string& path) {
  JsonReader reader{json, path};
  ColumnInfo column;
  column.name = reader.str("name");
  column.sql_type = reader.str_or("sqlType", "");
  const std::string type_name = reader.str("type");
  column.nullable = reader.boolean_or("nullable", true);
  if (reader.any("default")) column.default_value = reader.str_or("default", "");
  const Json* values = reader.array_or_null("enum");
  const Json* reads = reader.object_or_null("reads");
  VMC_CHECK(reader.finish(Code::invalid_request));
  if (!is_name(column.name)) return invalid(path + ".name", "is no name");
  const auto type = type_named(type_name);
  if (!type) return invalid(path + ".type", "is not a known type");
  column.type = *type;
  if (reads) {
    VMC_TRY(read, read_reads(*reads, path));
    column.reads = std::move(read);
  }
  if (!values) return column;
  if (values->size() > kEnumValuesMax) return invalid(path + ".enum", "has too many values");
  for (const auto& value : *values) {
    if (!value.is_string()) return invalid(path + ".enum", "must be a list of texts");
    column.enum_values.push_back(value.get<std::string>());
  }
  return column;
}

Result<ForeignKey> read_foreign_key(const Json& json, const std::string& path) {
  JsonReader reader{json, path};
  ForeignKey key;
  key.columns = names(reader, "columns", 1, kColumnsMax);
  key.table = reader.str("table");
  key.referenced = names(reader, "referenced", 0, kColumnsMax);
  VMC_CHECK(reader.finish(Code::invalid_request));
  if (!is_name(key.table)) return invalid(path + ".table", "is no name");
  // None where the database does not say: the other table's primary key is meant.
  if (!key.referenced.empty() && key.referenced.size() != key.columns.size())
    return invalid(path + ".referenced", "must have as many columns as 'columns'");
  return key;
}

Result<void> read_unique_keys(JsonReader& reader, const std::string& path, TableInfo& table) {
  const Json* keys = reader.array_or_null("uniqueKeys");
  VMC_CHECK(reader.finish(Code::invalid_request));
  if (!keys) return {};
  if (keys->size() > kKeysMax) return invalid(path + ".uniqueKeys", "has too many entries");
  for (const auto& key : *keys) {
    const Json wrapped{{"columns", key}};
    JsonReader columns{wrapped, fmt::format("{}.uniqueKeys[{}]", path, table.unique_keys.size())};
    table.unique_keys.push_back(names(columns, "columns", 1, kColumnsMax));
    VMC_CHECK(columns.finish(Code::invalid_request));
  }
  return {};
}

Result<void> read_foreign_keys(JsonReader& reader, const std::string& path, TableInfo& table) {
  const Json* keys = reader.array_or_null("foreignKeys");
  VMC_CHECK(reader.finish(Code::invalid_request));
  if (!keys) return {};
  if (keys->size() > kKeysMax) return invalid(path + ".foreignKeys", "has too many entries");
  for (const auto& key : *keys) {
    VMC_TRY(read, read_foreign_key(key, fmt::format("{}.foreignKeys[{}]", path, table.foreign_keys.size())));
    table.foreign_keys.push_back(std::move(read));
  }
  return {};
}

Result<void> read_columns(const Json& list, const std::string& path, TableInfo& table) {
  if (list.size() > kColumnsMax) return invalid(path + ".columns", "has too many entries");
  std::unordered_set<std::string> seen;
  for (const auto& json : list) {
    VMC_TRY(column, read_column(json, fmt::format("{}.columns[{}]", path, table.columns.size())));
    if (!seen.insert(column.name).second) return invalid(path + ".columns", "has the same name twice");
    table.columns.push_back(std::move(column));
  }
  return {};
}

// Keys speak of columns the table has.
Result<void> check_keys(const TableInfo& table, const std::string& path) {
  std::unordered_set<std::string_view> known;
  for (const auto& column : table.columns) known.insert(column.name);
  const auto all_known = [&](const std::vector<std::string>& columns) {
    return std::all_of(columns.begin(), columns.end(),
                       [&](const std::string& name) { return known.contains(name); });
  };
  if (!all_known(table.primary_key)) return invalid(path + ".primaryKey", "names a column the table lacks");
  for (const auto& key : table.unique_keys)
    if (!all_known(key)) return invalid(path + ".uniqueKeys", "names a column the table lacks");
  for (const auto& key : table.foreign_keys)
    if (!all_known(key.columns)) return invalid(path + ".foreignKeys", "names a column the table lacks");
  return {};
}

Result<TableInfo> read_table(const Json& json, const std::string& path) {
  JsonReader reader{json, path};
  TableInfo table;
  table.name = reader.str("name");
  table.view = reader.boolean_or("view", false);
  const Json* columns = reader.array("columns");
  table.primary_key = names(reader, "primaryKey", 0, kColumnsMax);
  const std::int64_t estimate = reader.integer_or("rowEstimate", -1);
  const Json* reads = reader.object_or_null("reads");
  table.definition = reader.str_or("definition", "");
  VMC_CHECK(reader.finish(Code::invalid_request));
  if (!is_name(table.name)) return invalid(path + ".name", "is no name");
  if (reader.any("rowEstimate")) {
    if (estimate < 0) return invalid(path + ".rowEstimate", "must be a whole number from 0");
    table.row_estimate = estimate;
  }
  VMC_CHECK(read_columns(*columns, path, table));
  VMC_CHECK(read_unique_keys(reader, path, table));
  VMC_CHECK(read_foreign_keys(reader, path, table));
  VMC_CHECK(check_keys(table, path));
  if (reads) {
    VMC_TRY(read, read_reads(*reads, path));
    table.reads = std::move(read);
  }
  const bool hex = table.definition.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!hex || (!table.definition.empty() && table.definition.size() != kPrintDigits))
    return invalid(path + ".definition", "is no SHA-256 in lower case hexadecimal");
  return table;
}

}  // namespace

const ColumnInfo* TableInfo::column(std::string_view column_name) const {
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [&](const ColumnInfo& column) { return column.name == column_name; });
  return found == columns.end() ? nullptr : &*found;
}

std::vector<std::string> TableInfo::row_key() const {
  const auto identifies = [&](const std::vector<std::string>& key) {
    return !key.empty() && std::all_of(key.begin(), key.end(), [&](const std::string& column_name) {
      const auto* known = column(column_name);
      return known && !known->nullable;
    });
  };
  if (identifies(primary_key)) return primary_key;
  for (const auto& key : unique_keys)
    if (identifies(key)) return key;
  return {};
}

const TableInfo* Schema::table(std::string_view name) const {
  const auto found =
      std::lower_bound(tables.begin(), tables.end(), name,
                       [](const TableInfo& table, std::string_view wanted) { return table.name < wanted; });
  return found == tables.end() || found->name != name ? nullptr : &*found;
}

bool has_part(const Parts& parts, std::string_view table, std::string_view column) {
  const auto found = parts.find(lowered(table));
  return found != parts.end() && (found->second.contains("*") || found->second.contains(lowered(column)));
}

void add_same_rows(TableInfo& one, TableInfo& other) {
  for (auto& column : one.columns) {
    const auto same = std::find_if(other.columns.begin(), other.columns.end(),
                                   [&](const ColumnInfo& its) { return its.name == column.name; });
    if (same == other.columns.end()) continue;
    column.reads[other.name].insert(same->name);
    same->reads[one.name].insert(column.name);
  }
}

void add_derived(const Schema& schema, Parts& parts) {
  const auto shows = [&](const Reads& reads) {
    return std::any_of(reads.begin(), reads.end(),
                       [&](const auto& read) { return reaches(read.first, read.second, parts); });
  };
  for (bool grown = true; grown;) {
    grown = false;
    const auto add = [&](const TableInfo& table, const std::string& column, const Reads& reads) {
      if (reads.empty() || has_part(parts, table.name, column) || !shows(reads)) return;
      parts[lowered(table.name)].insert(lowered(column));
      grown = true;
    };
    for (const auto& table : schema.tables) {
      add(table, "*", table.reads);
      for (const auto& column : table.columns) add(table, column.name, column.reads);
    }
  }
}

std::vector<const TableInfo*> with_what_they_read(const Schema& schema, const std::vector<std::string>& names) {
  std::set<const TableInfo*> seen;
  std::vector<const TableInfo*> found;
  bool all_views = false;
  const auto add = [&](const TableInfo* table) {
    if (table && seen.insert(table).second) found.push_back(table);
  };
  for (const auto& name : names) add(schema.table(name));
  for (std::size_t i = 0; i < found.size(); ++i) {
    for (const auto& [name, columns] : found[i]->reads) add(schema.table(name));
    if (!found[i]->reads.contains("*") || std::exchange(all_views, true)) continue;
    for (const auto& table : schema.tables)
      if (table.view) add(&table);
  }
  return found;
}

Json to_json(const TableInfo& table) {
  Json json{{"name", table.name}, {"view", table.view}, {"columns", Json::array()}};
  for (const auto& column : table.columns) json["columns"].push_back(to_json(column));
  if (!table.primary_key.empty()) json["primaryKey"] = table.primary_key;
  for (const auto& key : table.unique_keys) json["uniqueKeys"].push_back(key);
  for (const auto& key : table.foreign_keys) json["foreignKeys"].push_back(to_json(key));
  if (table.row_estimate) json["rowEstimate"] = *table.row_estimate;
  if (!table.reads.empty()) json["reads"] = table.reads;
  if (!table.definition.empty()) json["definition"] = table.definition;
  return json;
}

Result<TableInfo> table_from_json(const Json& json) { return read_table(json, "table"); }

Json to_json(const Schema& schema) {
  Json json{{"tables", Json::array()}};
  for (const auto& table : schema.tables) json["tables"].push_back(to_json(table));
  if (!schema.database.empty()) json["database"] = schema.database;
  if (schema.ignores_case) json["ignoresCase"] = true;
  return json;
}

Result<Schema> schema_from_json(const Json& json) {
  JsonReader reader{json};
  const Json* tables = reader.array("tables");
  Schema schema;
  schema.database = reader.str_or("database", "");
  schema.ignores_case = reader.boolean_or("ignoresCase", false);
  VMC_CHECK(reader.finish(Code::invalid_request));
  if (tables->size() > kTablesMax) return invalid("tables", "has too many entries");
  if (!schema.database.empty() && !is_name(schema.database)) return invalid("database", "is no name");
  for (const auto& table : *tables) {
    VMC_TRY(read, read_table(table, fmt::format("tables[{}]", schema.tables.size())));
    schema.tables.push_back(std::move(read));
  }
  std::sort(schema.tables.begin(), schema.tables.end(),
            [](const TableInfo& a, const TableInfo& b) { return a.name < b.name; });
  const auto twice =
      std::adjacent_find(schema.tables.begin(), schema.tables.end(),
                         [](const TableInfo& a, const TableInfo& b) { return a.name == b.name; });
  if (twice != schema.tables.end()) return invalid("tables", "has the same name twice");
  return schema;
}

}  // namespace vmc::data
