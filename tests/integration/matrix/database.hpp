// The four kinds of database of the matrix: every type each has, at its extremes, and which type it has for one that
// comes from elsewhere.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "../../support/rows.hpp"

namespace vmc::test {

struct Stored {
  std::string literal;  // SQL
  std::string read;     // data::format() of what must be read, bytes in hexadecimal; "refused" for what is not carried
};

struct TypeCase {
  std::string column;
  std::string type;  // as declared
  std::string travels_as;
  std::vector<Stored> values;
};

const std::vector<TypeCase>& postgres_types();
const std::vector<TypeCase>& mysql_types();
const std::vector<TypeCase>& mssql_types();
const std::vector<TypeCase>& sqlite_types();

class Database {
 public:
  virtual ~Database() = default;
  virtual std::string name() const = 0;
  virtual const std::vector<TypeCase>& types() const = 0;
  virtual void run(const std::string& sql) = 0;
  // The type an owner would declare here for values that travel as `type`.
  virtual std::string type_for(data::Type type) const = 0;
  std::unique_ptr<sources::Session> open(sources::Access access);
  std::unique_ptr<sources::Session> open_over_odbc(sources::Access access);  // Debian's driver for it
  // The table "types" with a row for each value of each type and one of nulls; made once.
  const data::TableInfo& types_table();
  // Another such table, of these types.
  data::TableInfo fill(const std::string& name, const std::vector<TypeCase>& types, const std::string& options = "");

 protected:
  virtual std::unique_ptr<sources::Source> source() = 0;
  virtual sources::OdbcSettings over_odbc() = 0;

 private:
  std::optional<data::TableInfo> types_table_;
};

// One of each, each with one database for the whole program.
const std::vector<std::unique_ptr<Database>>& databases();
Database& database_named(std::string_view name);

// Of a value, as `Stored::read` has it.
std::string shown(const data::Value& value);
// The value a type can be asked for by the same row number everywhere.
inline std::int64_t row_number(std::size_t value) { return static_cast<std::int64_t>(value) + 1; }

}  // namespace vmc::test
