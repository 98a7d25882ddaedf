// Every type of every database through its ODBC driver, beside what the database's own source reads: the same value, the
// same in the driver's own words, or refused; tests/golden/matrix keeps which. No number, time or byte differs.
#include <catch2/catch.hpp>

#include "passage.hpp"

using namespace vmc;
using namespace vmc::test;

namespace {

// As it was written, where that was a number or a text.
std::string unquoted(const std::string& literal) {
  return literal.starts_with('\'') ? literal.substr(1, literal.size() - 2) : literal;
}

// The number that a bit string is.
std::optional<std::string> number_in(const Bytes& bits) {
  if (bits.size() > sizeof(std::uint64_t)) return std::nullopt;
  std::uint64_t number = 0;
  for (const auto byte : bits) number = number << 8 | byte;
  return std::to_string(number);
}

// Types of which the server's own words are read, which another session or driver may choose.
bool has_own_words(const TypeCase& one) { return one.type == "interval" || one.type == "money"; }

// What its own source reads as another kind, the driver has as a text of the same number, as what was written, as the
// bits of the number or, a truth value, as 0 or 1.
bool is_alike(const TypeCase& one, const std::string& literal, const data::Value& own, const data::Value& odbc) {
  if (has_own_words(one)) return true;
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
  else CHECK(shown(odbc->value) == unquoted(literal));
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
  const auto first = values.begin().value();
  const bool alike = std::all_of(values.begin(), values.end(), [&](const Json& each) { return each == first; });
  return {{"as", data::to_string(column->type)}, {"values", alike ? first : values}};
}

void compare(const std::string& name) {
  auto& database = database_named(name);
  database.types_table();
  auto own = database.open(sources::Access::read), odbc = database.open_over_odbc();
  const auto table = table_named(*odbc, "types");
  Json found = Json::object();
  for (const auto& one : database.types())
    found[one.column + " " + one.type] = column_of(database, table, *own, *odbc, one);
  check_found(name + "_over_odbc", found);
}

}  // namespace

TEST_CASE("PostgreSQL over ODBC: every value as its own source reads it, in words, or refused") { compare("postgres"); }
TEST_CASE("MariaDB over ODBC: every value as its own source reads it, in words, or refused") { compare("mysql"); }
TEST_CASE("SQL Server over ODBC: every value as its own source reads it, in words, or refused") { compare("mssql"); }
TEST_CASE("SQLite over ODBC: every value as its own source reads it, in words, or refused") { compare("sqlite"); }
