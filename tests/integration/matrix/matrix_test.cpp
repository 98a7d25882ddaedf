// Every type of every database into the same and into each other database: equal at the end, or refused with a reason
// that tests/golden/matrix keeps. Nothing is ever changed in silence.
#include <catch2/catch.hpp>

#include "passage.hpp"

using namespace vmc;
using namespace vmc::test;
using Mode = sources::LoadRequest::Mode;
using sources::Access;

namespace {

// The same row under another key.
data::Batch under(std::int64_t id, const Read& read) {
  return one_row(read.batch.columns[1].type(), (*read.batch.type)[1].name, id, read.value);
}

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

// A reason tells no row's value, unless the value is the limit that the reason names.
void check_tells_nothing(const std::string& found, const std::string& value) {
  if (value.size() < 4 || value == "24:00:00") return;
  INFO(found);
  CHECK(found.find(value) == std::string::npos);
}

class Crossing {
 public:
  Crossing(Database& from, Database& to)
      : from_{from},
        source_{from.open(Access::read)},
        loader_{to.open(Access::load)},
        reader_{to.open(Access::read)},
        to_{to, *loader_, *reader_, make_table(from, to), ""} {}

  // What became of each value, or one word when it is the same for all.
  Json column(const TypeCase& one) {
    to_.column = one.column;
    Json out = Json::object();
    for (std::size_t i = 0; i <= one.values.size(); ++i) {
      const auto read = read_value(*source_, from_.types_table(), one.column, row_number(i));
      if (!read) continue;  // the other test case sees to it
      out[label(read->value)] = value(*read);
    }
    const auto first = out.begin().value();
    const bool alike = std::all_of(out.begin(), out.end(), [&](const Json& each) { return each == first; });
    return alike ? first : out;
  }

 private:
  std::string value(const Read& read) {
    const auto by_cast = verdict(to_, under(++id_, read), read.value, Way::cast, Mode::insert);
    const auto by_script = verdict(to_, under(++id_, read), read.value, Way::script, Mode::upsert);
    INFO(to_.column << " of " << from_.name() << ", " << label(read.value) << ": " << by_cast);
    INFO("by a script: " << by_script);
    CHECK((by_cast == "equal" || by_cast.starts_with("refused: ")));
    CHECK((by_script == "equal" || by_script.starts_with("refused: ")));
    CHECK((by_cast == "equal") == (by_script == "equal"));
    if (by_cast != "equal") check_tells_nothing(by_cast, shown(read.value));
    if (by_script != "equal") check_tells_nothing(by_script, shown(read.value));
    return by_cast;
  }

  Database& from_;
  std::unique_ptr<sources::Session> source_, loader_, reader_;
  Destination to_;
  std::int64_t id_ = 0;
};

void cross(const std::string& from, const std::string& to) {
  Crossing crossing{database_named(from), database_named(to)};
  Json found = Json::object();
  for (const auto& one : database_named(from).types()) found[one.column + " " + one.type] = crossing.column(one);
  check_found(from + "_to_" + to, found);
}

}  // namespace

TEST_CASE("every type of each database is read as what it is, or refused") {
  for (const auto& database : databases()) {
    auto session = database->open(Access::read);
    for (const auto& one : database->types()) {
      const auto& table = database->types_table();
      CHECK(one.column + ": " + data::to_string(table.column(one.column)->type) == one.column + ": " + one.travels_as);
      for (std::size_t i = 0; i <= one.values.size(); ++i) {
        const auto read = read_value(*session, table, one.column, row_number(i));
        const auto expected = i < one.values.size() ? one.values[i].read : "NULL";
        INFO(database->name() << " " << one.type << " " << (i < one.values.size() ? one.values[i].literal : "NULL"));
        if (read) {
          CHECK(shown(read->value) == expected);
          continue;
        }
        INFO(read.error().text());
        CHECK(expected == "refused");
        CHECK(read.error().message.find("column '" + one.column + "'") != std::string::npos);
        REQUIRE(session->reset());
      }
    }
  }
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
  Destination to{sqlite, *loader, *reader, table_named(*reader, "broken"), "v"};
  const data::Value value{std::string{"one"}};
  const auto row = one_row({data::Kind::text}, "v", 1, value);
  CHECK(verdict(to, row, value, Way::cast, Mode::insert) == "changed into another");
}
