// What discovery found and the owner shares: tables, columns, keys. Metadata only, never rows.
// The JSON form is schemas/schema.json.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/json.hpp"
#include "data/type.hpp"

namespace vmc::data {

struct ColumnInfo {
  std::string name;
  std::string sql_type;                       // as the database calls it
  Type type;                                  // how its values travel
  bool nullable = true;
  std::optional<std::string> default_value;   // the owner may leave it out
  std::vector<std::string> enum_values;       // the owner may leave them out
  bool operator==(const ColumnInfo&) const = default;
};

struct ForeignKey {
  std::vector<std::string> columns;
  std::string table;                          // qualified name of the table referred to
  std::vector<std::string> referenced;
  bool operator==(const ForeignKey&) const = default;
};

struct TableInfo {
  std::string name;                           // "orders", or "schema.orders" outside the default schema
  bool view = false;
  std::vector<ColumnInfo> columns;
  std::vector<std::string> primary_key;
  std::vector<std::vector<std::string>> unique_keys;
  std::vector<ForeignKey> foreign_keys;
  std::optional<std::int64_t> row_estimate;
  bool operator==(const TableInfo&) const = default;

  const ColumnInfo* column(std::string_view column_name) const;
  // The columns that identify a row and are never null: primary key, else a not-null unique key, else empty.
  std::vector<std::string> row_key() const;
};

struct Schema {
  std::vector<TableInfo> tables;              // sorted by name
  bool operator==(const Schema&) const = default;
  const TableInfo* table(std::string_view name) const;
};

Json to_json(const Schema& schema);
Result<Schema> schema_from_json(const Json& json);
Json to_json(const TableInfo& table);
Result<TableInfo> table_from_json(const Json& json);

}  // namespace vmc::data
