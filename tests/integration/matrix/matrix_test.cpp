// Every type of every database into the same and into each other database: equal at the end, or refused with a reason
// that tests/golden/matrix keeps. Nothing is ever changed in silence.
#include <catch2/catch.hpp>

#include "passage.hpp"

using namespace vmc;
using namespace vmc::test;
using Mode = sources::LoadRequest::Mode;
using sources::Access;

namespace {

data::TableInfo make_table(Database& from, Database& to) {
  const bool itself = &from == &to;
  std::string columns = "id bigint NOT NULL PRIMARY KEY";
  for (const auto& one : from.types())
    columns += ", " + one.column + " " +
               (itself ? one.type : to.type_for(from.types_table().column(one.column)->type));
  to.run("CREATE TABLE from_" + from.name() + " (" + columns + ")");
  auto session = to.open(Access::read);
  return table_named(*session, "from_" + from.name());
}

void cross(const std::string& from, const std::string& to) {
  auto &source = database_named(from), &destination = database_named(to);
  const auto table = make_table(source, destination);
  Crossing crossing{{source.open(Access::read), source.types_table()},
                    std::nullopt,
                    {destination.open(Access::load), table},
                    {destination.open(Access::read), table}};
  Json found = Json::object();
  for (const auto& one : source.types()) found[one.column + " " + one.type] = crossing.column(one);
  check_found(from + "_to_" + to, found);
}

}  // namespace

TEST_CASE("every type of each database is read as what it is, or refused") {
  for (const auto& database : databases()) check_read(*database, database->types_table(), database->types());
}

TEST_CASE("from PostgreSQL, every value arrives equal or is refused", "[matrix]") {
  for (const char* to : {"postgres", "mysql", "mssql", "sqlite"}) cross("postgres", to);
}

TEST_CASE("from MariaDB, every value arrives equal or is refused", "[matrix]") {
  for (const char* to : {"postgres", "mysql", "mssql", "sqlite"}) cross("mysql", to);
}

TEST_CASE("from SQL Server, every value arrives equal or is refused", "[matrix]") {
  for (const char* to : {"postgres", "mysql", "mssql", "sqlite"}) cross("mssql", to);
}

TEST_CASE("from SQLite, every value arrives equal or is refused", "[matrix]") {
  for (const char* to : {"postgres", "mysql", "mssql", "sqlite"}) cross("sqlite", to);
}

TEST_CASE("the matrix notices a value that was changed on the way") {
  auto& sqlite = database_named("sqlite");
  sqlite.run(
      "CREATE TABLE broken (id bigint NOT NULL PRIMARY KEY, v TEXT); "
      "CREATE TRIGGER rounds AFTER INSERT ON broken BEGIN UPDATE broken SET v = 'another' WHERE id = new.id; END");
  auto loader = sqlite.open(Access::load), reader = sqlite.open(Access::read);
  Destination to{*loader, *reader, table_named(*reader, "broken"), "v"};
  const data::Value value{std::string{"one"}};
  const auto row = one_row({data::Kind::text}, "v", 1, value);
  CHECK(verdict(to, row, value, Way::cast, Mode::insert) == "changed into another");
}
