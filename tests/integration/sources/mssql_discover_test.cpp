// What SQL Server tells of views, computed columns and history tables, and what it keeps to itself.
#include <catch2/catch.hpp>

#include "../../support/mssql_server.hpp"
#include "../../support/rows.hpp"

using namespace vmc;
using namespace vmc::test;

namespace {

data::Schema discovered(const std::string& database) {
  auto session = sources::make_mssql_source(MssqlServer::instance().settings(database))
                     ->open(sources::Access::read, std::chrono::seconds{10});
  if (!session) FAIL(session.error().text());
  auto schema = (*session)->discover();
  if (!schema) FAIL(schema.error().text());
  return std::move(*schema);
}

const data::Reads kAnything{{"*", {"*"}}};

}  // namespace

TEST_CASE("SQL Server: a view's definition is read as it was created, and one that is not shown may reach anything") {
  const auto& server = MssqlServer::instance();
  server.create_database("modules");
  server.run(
      "CREATE TABLE people (id int NOT NULL PRIMARY KEY, name nvarchar(20), email nvarchar(40));"
      "CREATE VIEW plain AS SELECT id, name FROM people;CREATE VIEW secret AS SELECT id FROM people;"
      "CREATE VIEW texts AS SELECT id FROM people;CREATE VIEW headed AS SELECT id FROM people;"
      "CREATE TABLE tds_modules (view, definition, quoted);"
      "INSERT INTO tds_modules VALUES ('secret', NULL, 1),"
      " ('texts', 'CREATE VIEW texts AS SELECT id FROM people WHERE name <> \"email\"', 0),"
      " ('headed', 'CREATE VIEW [dbo].[headed] ([id]) WITH SCHEMABINDING AS SELECT p.email FROM dbo.people AS p WITH "
      "CHECK OPTION', 1)",
      "modules");
  const auto schema = discovered("modules");
  CHECK(schema.table("plain")->reads == data::Reads{{"people", {"id", "name"}}});
  CHECK(schema.table("secret")->reads == kAnything);
  CHECK(schema.table("texts")->reads == data::Reads{{"people", {"id", "name"}}});
  CHECK(schema.table("headed")->reads == data::Reads{{"people", {"email"}}});
}

TEST_CASE("SQL Server: a history table keeps back what its table does, and the other way") {
  const auto& server = MssqlServer::instance();
  server.create_database("history");
  server.run(
      "CREATE TABLE people (id int NOT NULL PRIMARY KEY, email nvarchar(40));"
      "CREATE TABLE people_history (id int NOT NULL, email nvarchar(40));"
      "CREATE TABLE tds_history (name, history);INSERT INTO tds_history VALUES ('people', 'people_history')",
      "history");
  const auto schema = discovered("history");
  for (const auto& [from, to] : {std::pair{"people", "people_history"}, std::pair{"people_history", "people"}}) {
    data::Parts parts{{from, {"email"}}};
    data::add_derived(schema, parts);
    CHECK(parts == data::Parts{{from, {"email"}}, {to, {"email"}}});
  }
}

TEST_CASE("SQL Server: whether names ignore capitals is asked, and a statement judged for that runs nowhere else") {
  const auto& server = MssqlServer::instance();
  server.create_database("capitals");
  server.run("CREATE TABLE people (id int NOT NULL PRIMARY KEY)", "capitals");
  CHECK(discovered("capitals").ignores_case);
  sources::SqlQuery query;
  query.text = "SELECT id FROM people";
  query.ignores_case = true;
  const auto outcome = [&] {
    auto session = sources::make_mssql_source(server.settings("capitals"))->open(sources::Access::read, std::chrono::seconds{10});
    if (!session) FAIL(session.error().text());
    const auto found = (*session)->query(query, {}, [](data::Batch) -> Result<void> { return {}; });
    return found ? std::string{"runs"} : std::string{info(found.error().code).name};
  };
  CHECK(outcome() == "runs");
  for (const char* collation : {"Latin1_General_CS_AS", "Turkish_CI_AS", "Hungarian_CI_AS"}) {
    INFO(collation);
    server.control({{"do", "collate"}, {"database", "capitals"}, {"collation", collation}});
    CHECK_FALSE(discovered("capitals").ignores_case);
    CHECK(outcome() == "SCHEMA_ACCESS_DENIED");
  }
  query.ignores_case = false;
  CHECK(outcome() == "runs");
}
