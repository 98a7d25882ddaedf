// What views and computed columns are said to reach, from their definitions as each server keeps them.
#include <catch2/catch.hpp>

#include "support/show_result.hpp"
#include "sql/guard/guard.hpp"
#include "sql/guard/views.hpp"

using namespace vmc;
using namespace vmc::sql;

namespace {

data::TableInfo table(const std::string& name, const std::vector<std::string>& columns, bool view = false) {
  data::TableInfo info;
  info.name = name;
  info.view = view;
  for (const auto& column : columns) info.columns.push_back({column, "text", {data::Kind::text}, true, {}, {}});
  return info;
}

// What is private of a view over people and hr.pay, where people.email is.
data::Parts shown_by(const std::string& view, const std::string& query) {
  data::Schema schema{{table("hr.pay", {"amount", "email"}), table("people", {"id", "name", "email"}),
                       table(view, {"x"}, true)}};
  REQUIRE(fill_reads(Dialect::mssql, schema, {{view, query}}));
  data::Parts parts{{"people", {"email"}}};
  data::add_derived(schema, parts);
  parts.erase("people");
  return parts;
}

bool accepts(const Guard& guard, const char* statement) { return guard.judge(statement).accepted(); }

const data::Reads kAnything{{"*", {"*"}}};

}  // namespace

TEST_CASE("the query of a T-SQL view is found behind any head") {
  const auto query = [](const char* module) { return mssql_view_query(module, true).value_or("none"); };
  CHECK(query("CREATE VIEW v AS SELECT 1 AS a") == " SELECT 1 AS a");
  CHECK(query("/* CREATE VIEW x AS */ create view [dbo].[a]]s].\"v\" (a, [b c]) with schemabinding, view_metadata as\n"
              "select 'as' as a, 2 as [b c];;") == " select 'as' as a, 2 as [b c]");
  CHECK(query("ALTER VIEW v AS WITH c AS (SELECT 1 a) SELECT a FROM c WITH CHECK OPTION") ==
        " WITH c AS (SELECT 1 a) SELECT a FROM c");
  CHECK(query("CREATE OR ALTER VIEW v AS -- why\nSELECT 1 a") == " SELECT 1 a");
  for (const char* other :
       {"CREATE PROCEDURE v AS SELECT 1", "CREATE VIEW AS SELECT 1", "CREATE OR VIEW v AS SELECT 1",
        "CREATE VIEW v (a AS SELECT 1", "CREATE VIEW v WITH AS SELECT 1", "SELECT 1", "", "CREATE VIEW v AS SELECT 'a"})
    CHECK(query(other) == "none");
}

TEST_CASE("in a view that was created without QUOTED_IDENTIFIER double quotes are strings") {
  CHECK(mssql_view_query("CREATE VIEW v AS SELECT \"it's \"\"so\"\"\" AS a, \"\" AS b", false) ==
        " SELECT 'it''s \"so\"' AS a, '' AS b");
  CHECK(mssql_view_query("CREATE VIEW v AS SELECT \"email\" AS a FROM people", true) ==
        " SELECT \"email\" AS a FROM people");
  CHECK(shown_by("v", *mssql_view_query("CREATE VIEW v AS SELECT \"email\" AS x FROM people", false)).empty());
  CHECK_FALSE(shown_by("v", *mssql_view_query("CREATE VIEW v AS SELECT \"email\" AS x FROM people", true)).empty());
}

TEST_CASE("a T-SQL view is private when its query reaches what is, or is not understood") {
  const data::Parts hidden{{"v", {"*"}}};
  CHECK(shown_by("v", "SELECT name AS x FROM people").empty());
  CHECK(shown_by("v", "SELECT p.name AS x FROM dbo.people AS p WHERE EXISTS (SELECT 1 FROM hr.pay)").empty());
  for (const char* query :
       {"SELECT EMAIL AS x FROM people", "SELECT * FROM people", "SELECT 1 AS x FROM people WHERE [émail] > ''",
        "SELECT dbo.label(id) AS x FROM people", "SELECT OBJECT_ID('hr.wages') AS x",
        "SELECT OBJECT_NAME(id) AS x FROM people", "SELECT name AS x FROM other", "SELECT x FROM OPENQUERY(a, 'b')",
        "SELECT name AS x FROM people; DELETE people", "not SQL"})
    CHECK(shown_by("v", query) == hidden);
}

TEST_CASE("outside dbo a bare name in a T-SQL view may mean a table of the view's own schema") {
  CHECK(shown_by("hr.v", "SELECT name AS x FROM people") == data::Parts{{"hr.v", {"*"}}});
  CHECK(shown_by("hr.v", "SELECT name AS x FROM dbo.people").empty());
  CHECK(shown_by("hr.v", "WITH c AS (SELECT amount FROM hr.pay) SELECT amount AS x FROM c").empty());
}

TEST_CASE("a computed column reads what its expression names, in every dialect") {
  for (const auto dialect : {Dialect::sqlite, Dialect::postgres, Dialect::mysql, Dialect::mssql}) {
    data::Schema schema{{table("people", {"id", "name", "email", "shown", "plain", "odd", "hidden"})}};
    REQUIRE(fill_computed(dialect, schema, {{"people", {{"shown", "lower(email)"}, {"plain", "upper(name)"},
                                                        {"odd", "my_own(id)"}, {"hidden", ""}}}}));
    const auto& columns = schema.tables[0].columns;
    CHECK(columns[2].reads.empty());
    CHECK(columns[3].reads == data::Reads{{"people", {"email"}}});
    CHECK(columns[4].reads == data::Reads{{"people", {"name"}}});
    CHECK(columns[5].reads == kAnything);
    CHECK(columns[6].reads == kAnything);
    auto guard = make_guard(dialect, {Catalogue::make(dialect, &schema, {{"people", {"email"}}}), {}});
    REQUIRE(guard);
    CHECK(accepts(**guard, "SELECT id, name, plain FROM people"));
    for (const char* statement :
         {"SELECT shown FROM people", "SELECT id FROM people WHERE odd = 'a'", "SELECT max(hidden) FROM people"})
      CHECK_FALSE(accepts(**guard, statement));
  }
}

TEST_CASE("the expressions of SQLite's generated columns are found in CREATE TABLE") {
  const auto found = sqlite_expressions(
      "CREATE TABLE \"people (a, b)\" (-- , shown AS (id)\n id INTEGER PRIMARY KEY DEFAULT (1 + (2)), [name] TEXT "
      "CHECK (length(name) < 9),"
      " Shown TEXT GENERATED ALWAYS AS (lower(\"email\") || ')') STORED NOT NULL, 'plain' DECIMAL(10, 2) AS (id /* ) "
      "*/ + 1),"
      " \"as\" TEXT, email TEXT REFERENCES x(y), UNIQUE (id, email), CHECK (id > 0))",
      {"shown", "plain", "as", "none"});
  CHECK(found == std::map<std::string, std::string>{
                     {"shown", "lower(\"email\") || ')'"}, {"plain", "id /* ) */ + 1"}, {"as", ""}, {"none", ""}});
  CHECK(sqlite_expressions("CREATE TABLE t (a 'open", {"a"}) == std::map<std::string, std::string>{{"a", ""}});
  CHECK(sqlite_expressions("", {"a"}) == std::map<std::string, std::string>{{"a", ""}});
}

TEST_CASE("a table of which every column is private is private") {
  data::Schema schema{{table("people", {"id", "name"})}};
  auto guard =
      make_guard(Dialect::postgres, {Catalogue::make(Dialect::postgres, &schema, {{"people", {"id", "name"}}}), {}});
  REQUIRE(guard);
  CHECK_FALSE(accepts(**guard, "SELECT count(*) FROM people"));
}

TEST_CASE("a type is known by the columns that have it, however it is written") {
  data::Schema schema{{table("people", {"id", "grade"})}};
  schema.tables[0].columns[1].sql_type = "hr.\"Grade\"(3)[]";
  auto guard = make_guard(Dialect::postgres, {Catalogue::make(Dialect::postgres, &schema, {{"people", {"id"}}}), {}});
  REQUIRE(guard);
  CHECK(accepts(
      **guard, "SELECT 'a'::hr.\"Grade\", '{}'::\"Grade\"[], 'a'::citext, 'POINT(1 2)'::public.geometry(Point, 4326)"));
  CHECK_FALSE(accepts(**guard, "SELECT 'a'::grade"));
  CHECK_FALSE(accepts(**guard, "SELECT 'a'::hr.other"));
}
