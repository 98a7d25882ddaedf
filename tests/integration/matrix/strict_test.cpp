// SQLite's STRICT tables, which keep what they declare, and columns that it computes: those are read and never loaded.
#include <catch2/catch.hpp>

#include "passage.hpp"

using namespace vmc;
using namespace vmc::test;
using Mode = sources::LoadRequest::Mode;
using sources::Access;

namespace {

// clang-format off
const std::vector<TypeCase>& strict_types() {
  static const std::vector<TypeCase> cases{
      {"c_int", "INT", "int64", {{"-9223372036854775807 - 1", "-9223372036854775808"}, {"'12'", "12"}, {"2.0", "2"}}},
      {"c_integer", "INTEGER", "int64", {{"9223372036854775807", "9223372036854775807"}}},
      {"c_real", "REAL", "float64", {{"5e-324", "5e-324"}, {"-9e999", "-Infinity"}, {"7", "7"}}},
      {"c_text", "TEXT", "text", {{"CAST(x'610062' AS TEXT)", std::string{"a\0b", 3}}, {"12", "12"}}},
      {"c_blob", "BLOB", "bytes", {{"x'00ff5c'", "0x00ff5c"}, {"x''", "0x"}}},
      {"c_any", "ANY", "text", {{"'0012'", "0012"}, {"12", "refused"}, {"0.5", "refused"}, {"x'61'", "refused"}}},
  };
  return cases;
}
// clang-format on

}  // namespace

TEST_CASE("every value of a STRICT table of SQLite arrives equal in another, or is refused") {
  auto& sqlite = database_named("sqlite");
  const auto from = sqlite.fill("strict_from", strict_types(), " STRICT");
  check_read(sqlite, from, strict_types());
  sqlite.run("CREATE TABLE strict_to (id INTEGER NOT NULL PRIMARY KEY, c_int INT, c_integer INTEGER, c_real REAL, "
             "c_text TEXT, c_blob BLOB, c_any ANY) STRICT");
  auto reader = sqlite.open(Access::read);
  const auto to = table_named(*reader, "strict_to");
  Crossing crossing{{sqlite.open(Access::read), from}, std::nullopt, {sqlite.open(Access::load), to}, {std::move(reader), to}};
  Json found = Json::object();
  for (const auto& one : strict_types()) found[one.column + " " + one.type] = crossing.column(one);
  check_found("sqlite_strict", found);
}

TEST_CASE("what SQLite computes is read, and refused where it would be loaded") {
  auto& sqlite = database_named("sqlite");
  sqlite.run("CREATE TABLE computed (id INTEGER NOT NULL PRIMARY KEY, n INT, twice INT GENERATED ALWAYS AS (n * 2) STORED, "
             "half REAL AS (n / 2.0)); INSERT INTO computed (id, n) VALUES (1, 4611686018427387903)");
  auto reader = sqlite.open(Access::read), loader = sqlite.open(Access::load);
  const auto table = table_named(*reader, "computed");
  for (const auto* column : {"twice", "half"}) {
    const auto read = read_value(*reader, table, column, 1);
    REQUIRE(read);
    CHECK(shown(read->value) == (std::string{column} == "twice" ? "9223372036854775806" : "2305843009213693952"));
    Destination to{*loader, *reader, table, column};
    const auto row = one_row(read->batch.columns[1].type(), column, 2, read->value);
    for (const auto mode : {Mode::insert, Mode::upsert})
      CHECK(verdict(to, row, read->value, Way::cast, mode) ==
            "refused: load into 'computed', column '" + std::string{column} + "': the database computes it; leave it out");
  }
}
