// A schema put together from the rows of catalogue questions, however they come: tables first, then columns,
// keys and references of those tables; what is about others is dropped.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "data/schema.hpp"
#include "sources/odbc/types.hpp"

namespace vmc::sources::odbc {

struct TableName {
  std::string schema, table;
  auto operator<=>(const TableName&) const = default;
};

class SchemaBuilder {
 public:
  explicit SchemaBuilder(std::string default_schema) : default_schema_{std::move(default_schema)} {}

  void table(const TableName& name, bool view, std::optional<std::int64_t> rows = std::nullopt);
  void row_estimate(const TableName& of, std::int64_t rows);
  bool has(const TableName& name) const { return tables_.contains(name); }
  std::vector<TableName> base_tables() const;

  struct Column {
    std::string name, sql_type;
    std::optional<data::Type> type = {};  // nothing: it cannot be read, and is left out
    bool nullable = true;
    std::optional<std::string> default_value = {};
  };
  void column(const TableName& of, Column column);  // in their order

  // Columns of a key or reference in any order; `position` sorts them.
  void key(const TableName& of, const std::string& key, std::int64_t position, const std::string& column,
           bool primary);
  struct End {
    TableName table;
    std::string column;
  };
  void reference(const std::string& constraint, std::int64_t position, const End& from, const End& to);

  data::Schema finish();

 private:
  struct Key {
    bool primary = false;
    std::map<std::int64_t, std::string> columns;
  };
  struct Reference {
    TableName from, to;
    std::map<std::int64_t, std::pair<std::string, std::string>> columns;
  };
  std::optional<std::string> qualified(const TableName& name) const;
  void add_keys();
  void add_references();

  std::string default_schema_;
  std::map<TableName, data::TableInfo> tables_;
  std::map<std::pair<TableName, std::string>, Key> keys_;
  std::map<std::pair<TableName, std::string>, Reference> references_;
};

}  // namespace vmc::sources::odbc
