// What discovery found and the owner shares: tables, columns, keys. Metadata only, never rows.
// The JSON form is schemas/schema.json.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/json.hpp"
#include "data/type.hpp"

namespace vmc::data {

// Tables by name, and their columns that are reached; "*" stands for all of them, as a table for anything at all.
using Reads = std::map<std::string, std::set<std::string>>;

// Functions and operators by name, with the number of their arguments, or -1 where it is not known.
using Calls = std::set<std::pair<std::string, int>>;

struct ColumnInfo {
  std::string name;
  std::string sql_type;                       // as the database calls it
  Type type;                                  // how its values travel
  bool nullable = true;
  std::optional<std::string> default_value;   // the owner may leave it out
  std::vector<std::string> enum_values;       // the owner may leave them out
  Reads reads = {};                           // of one that shows what others hold; never leaves the agent
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
  Reads reads;                                // of a view; never leaves the agent
  std::string definition = {};                // of a view: a print of its text, "" if unknown; never leaves the agent
  bool operator==(const TableInfo&) const = default;

  const ColumnInfo* column(std::string_view column_name) const;
  // The columns that identify a row and are never null: primary key, else a not-null unique key, else empty.
  std::vector<std::string> row_key() const;
};

struct Schema {
  std::vector<TableInfo> tables;              // sorted by name
  std::string database = {};                  // whose they are, where its name may stand before theirs; never published
  bool ignores_case = false;                  // "Cte" and "cte" are known to be one name to it (MySQL, SQL Server); never published
  bool operator==(const Schema&) const = default;
  const TableInfo* table(std::string_view name) const;
};

// Tables, each with columns or "*", in lower case: they are compared without case.
using Parts = std::map<std::string, std::set<std::string>>;
bool has_part(const Parts& parts, std::string_view table, std::string_view column);
// Two tables whose rows may be read through one another: a parent's and a child's, a table's and its history's.
void add_same_rows(TableInfo& one, TableInfo& other);
// Adds the views and columns that show one of the parts, themselves or through others.
void add_derived(const Schema& schema, Parts& parts);
// The named tables and views, and all that these views stand on; of a view that may reach anything, every view.
std::vector<const TableInfo*> with_what_they_read(const Schema& schema, const std::vector<std::string>& names);

Json to_json(const Schema& schema);
Result<Schema> schema_from_json(const Json& json);
Json to_json(const TableInfo& table);
Result<TableInfo> table_from_json(const Json& json);

}  // namespace vmc::data
