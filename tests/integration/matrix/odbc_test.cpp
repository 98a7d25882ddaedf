// Every type of every database through its ODBC driver, beside what the database's own source reads: the same value, the
// same in the driver's own words, or refused; and loaded through it into the same types, where the database's own source
// must find what it finds in the original. tests/golden/matrix keeps which. No number, time or byte differs.
#include <catch2/catch.hpp>

#include "passage.hpp"

using namespace vmc;
using namespace vmc::test;
using sources::Access;

namespace {

// As it was written, where that was a number or a text.
std::string unquoted(const std::string& literal) {
  return literal.starts_with('\'') ? literal.substr(1, literal.size() - 2) : literal;
}

bool is_as_written(const std::string& literal, const std::string& found) {
  const auto number = data::canonical_number(found), written = data::canonical_number(unquoted(literal));
  return found == unquoted(literal) || (number && written && *number == *written);
}

// The number that a bit string is.
std::optional<std::string> number_in(const Bytes& bits) {
  if (bits.size() > sizeof(std::uint64_t)) return std::nullopt;
  std::uint64_t number = 0;
  for (const auto byte : bits) number = number << 8 | byte;
  return std::to_string(number);
}

// Types of which the server's own words are read, which another session or driver may choose.
bool has_own_words(const TypeCase& one) {
  return one.type.starts_with("interval") || one.type == "money" || one.type == "regclass" || one.type == "regtype";
}

// What its own source reads as another kind, the driver has as a text of the same number, as what was written, as the
// bits of the number or, a truth value, as 0 or 1.
bool is_alike(const TypeCase& one, const std::string& literal, const data::Value& own, const data::Value& odbc) {
  if (has_own_words(one) || shown(odbc) == literal) return true;
  if (const auto* bits = std::get_if<Bytes>(&odbc)) return number_in(*bits) == shown(own);
  if (const auto* truth = std::get_if<bool>(&own)) return odbc == data::Value{std::int64_t{*truth}};
  const auto* words = std::get_if<std::string>(&odbc);
  if (!words || std::holds_alternative<std::string>(own)) return false;
  const auto number = data::canonical_number(*words), own_number = data::canonical_number(shown(own));
  return *words == unquoted(literal) || (number && own_number && *number == *own_number);
}

std::string seen(const TypeCase& one, const std::string& literal, const Result<Read>& own, const Result<Read>& odbc) {
  if (!odbc) return "refused: " + odbc.error().message;
  if (own && same(own->value, odbc->value)) return "equal";
  const auto found = label(odbc->value);
  INFO(found);
  // What its own source refuses is nothing of its type: only as it was written.
  if (own) CHECK(is_alike(one, literal, own->value, odbc->value));
  else CHECK(is_as_written(literal, shown(odbc->value)));
  return found;
}

Json column_of(Database& database, const data::TableInfo& table, sources::Session& own, sources::Session& odbc,
               const TypeCase& one) {
  const auto* column = table.column(one.column);
  if (!column) return "left out";
  Json values = Json::object();
  for (std::size_t i = 0; i <= one.values.size(); ++i) {
    const auto literal = i < one.values.size() ? one.values[i].literal : "NULL";
    INFO(database.name() << " " << one.type << " " << literal);
    const auto expected = read_value(own, database.types_table(), one.column, row_number(i));
    const auto read = read_value(odbc, table, one.column, row_number(i));
    values[literal] = seen(one, literal, expected, read);
    if (!expected) REQUIRE(own.reset());
    if (!read) REQUIRE(odbc.reset());
  }
  return {{"as", data::to_string(column->type)}, {"values", together(values)}};
}

void compare(const std::string& name) {
  auto& database = database_named(name);
  database.types_table();
  auto own = database.open(Access::read), odbc = database.open_over_odbc(Access::read);
  const auto table = table_named(*odbc, "types");
  Json found = Json::object();
  for (const auto& one : database.types())
    found[one.column + " " + one.type] = column_of(database, table, *own, *odbc, one);
  check_found(name + "_over_odbc", found);
}

void load(const std::string& name) {
  auto& database = database_named(name);
  database.types_table();
  std::string columns = "id bigint NOT NULL PRIMARY KEY";
  for (const auto& one : database.types()) columns += ", " + one.column + " " + one.type;
  database.run("CREATE TABLE loaded_over_odbc (" + columns + ")");
  auto from = database.open_over_odbc(Access::read);
  auto own = database.open(Access::read), back = database.open(Access::read);
  const auto types = table_named(*from, "types"), to = table_named(*from, "loaded_over_odbc");
  const auto loaded = table_named(*back, "loaded_over_odbc");
  Crossing crossing{{std::move(from), types},
                    Crossing::End{std::move(own), database.types_table()},
                    {database.open_over_odbc(Access::load), to},
                    {std::move(back), loaded}};
  Json found = Json::object();
  for (const auto& one : database.types()) found[one.column + " " + one.type] = crossing.column(one);
  check_found(name + "_over_odbc_to_" + name, found);
}

}  // namespace

TEST_CASE("PostgreSQL over ODBC: every value as its own source reads it, in words, or refused") { compare("postgres"); }
TEST_CASE("MariaDB over ODBC: every value as its own source reads it, in words, or refused") { compare("mysql"); }
TEST_CASE("SQL Server over ODBC: every value as its own source reads it, in words, or refused") { compare("mssql"); }
TEST_CASE("SQLite over ODBC: every value as its own source reads it, in words, or refused") { compare("sqlite"); }

TEST_CASE("PostgreSQL, read and loaded over ODBC: equal to the database's own source, or refused") { load("postgres"); }
TEST_CASE("MariaDB, read and loaded over ODBC: equal to the database's own source, or refused") { load("mysql"); }
TEST_CASE("SQL Server, read and loaded over ODBC: equal to the database's own source, or refused") { load("mssql"); }
TEST_CASE("SQLite, read and loaded over ODBC: equal to the database's own source, or refused") { load("sqlite"); }
