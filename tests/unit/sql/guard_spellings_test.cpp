// A server may tell capitals apart: then a name that the guard could take for an inner table or column goes past it, to a
// private one around.
#include <catch2/catch.hpp>

#include "sql/guard/guard.hpp"

using namespace vmc;
using sql::Dialect;

namespace {

data::TableInfo table(const std::string& name, const std::vector<std::string>& columns) {
  data::TableInfo out;
  out.name = name;
  for (const auto& column : columns) {
    auto& one = out.columns.emplace_back();
    one.name = column;
    one.type = {data::Kind::text};
  }
  return out;
}

bool accepts(const std::string& statement, bool ignores_case = false, Dialect dialect = Dialect::mssql) {
  data::Schema schema;
  schema.ignores_case = ignores_case;
  schema.tables = {table("employees", {"id", "email"}), table("customers", {"id", "Email", "phone"}),
                   table("archive.orders", {"id", "total"}), table("Orders", {"id", "Total", "note"})};
  const auto parts = sql::parts_in({"customers.Email", "Orders.Total"});
  REQUIRE(parts.has_value());
  sql::GuardSettings settings;
  settings.catalogue = sql::Catalogue::make(dialect, &schema, *parts);
  const auto guard = sql::make_guard(dialect, std::move(settings));
  REQUIRE(guard.has_value());
  return (*guard)->judge(statement).accepted();
}

}  // namespace

TEST_CASE("T-SQL: a column of another spelling in an inner table does not hide a private one around it") {
  CHECK_FALSE(accepts("SELECT (SELECT Email FROM employees e WHERE e.id = 1) AS v FROM customers c"));
  CHECK_FALSE(accepts("SELECT (SELECT Email FROM (SELECT * FROM employees) e) AS v FROM customers c"));
  CHECK_FALSE(accepts("SELECT (SELECT MAX(Orders.total) FROM archive.orders) AS v FROM dbo.Orders"));
  CHECK_FALSE(accepts("SELECT id FROM dbo.Orders WHERE EXISTS (SELECT Orders.* FROM archive.orders)"));
  CHECK(accepts("SELECT (SELECT email FROM employees e WHERE e.id = 1) AS v FROM Orders o"));
  CHECK(accepts("SELECT (SELECT MAX(o.id) FROM archive.orders o) AS v, Phone FROM customers ORDER BY phone"));
  CHECK(accepts("SELECT EMAIL FROM employees ORDER BY Email"));
}

TEST_CASE("T-SQL: where the database is known to ignore capitals, names may be written in any") {
  for (const auto* statement :
       {"WITH CTE AS (SELECT id FROM employees) SELECT id FROM cte",
        "SELECT O.id FROM archive.orders O UNION ALL SELECT o.id FROM archive.orders o",
        "SELECT c.id FROM customers c WHERE EXISTS (SELECT 1 FROM archive.orders C WHERE c.id = 1)",
        "SELECT T.C.value('.', 'int') AS v FROM (SELECT CAST('<a>1</a>' AS xml) AS d) s CROSS APPLY s.d.nodes('/a') AS t(c)",
        "SELECT (SELECT EMAIL FROM (SELECT 1 AS Email) t) AS v FROM customers", "SELECT id AS EMAIL FROM customers ORDER BY email",
        "SELECT (SELECT Email FROM employees e WHERE e.id = 1) AS v FROM customers c"}) {
    INFO(statement);
    CHECK(accepts(statement, true));
    CHECK_FALSE(accepts(statement, false));
  }
}

TEST_CASE("T-SQL: capitals beyond A to Z may be told apart, whatever the database says of those") {
  CHECK(accepts("WITH Zahl AS (SELECT id FROM employees) SELECT id FROM zahl", true));
  CHECK_FALSE(accepts("WITH Ärzte AS (SELECT id FROM employees) SELECT id FROM ärzte", true));
  CHECK_FALSE(accepts("SELECT (SELECT Ä.email FROM (SELECT 1 AS email) ä) AS v FROM customers Ä", true));
  CHECK_FALSE(accepts("WITH dŽ AS (SELECT id FROM employees) SELECT id FROM DŽ", true));
  CHECK_FALSE(accepts("SELECT c.Email FROM customers C", true));
  CHECK_FALSE(accepts("SELECT (SELECT c.EMAIL FROM employees e) AS v FROM customers C", true));
}

TEST_CASE("T-SQL: without a schema capitals count as soon as something is private") {
  const auto judged = [](const std::vector<std::string>& hidden) {
    sql::GuardSettings settings;
    settings.catalogue = sql::Catalogue::make(Dialect::mssql, nullptr, *sql::parts_in(hidden));
    return (*sql::make_guard(Dialect::mssql, std::move(settings)))
        ->judge("WITH Salaries AS (SELECT 1 AS amount) SELECT amount FROM salaries")
        .accepted();
  };
  CHECK(judged({}));
  CHECK_FALSE(judged({"salaries.*"}));
}

TEST_CASE("MySQL: where the server is known to ignore capitals, tables may be called in any") {
  for (const auto* statement :
       {"WITH Cte AS (SELECT id FROM employees) SELECT id FROM cte",
        "WITH a AS (SELECT 1 AS x), A AS (SELECT 2 AS x) SELECT x FROM a",
        "SELECT (SELECT c.id FROM employees c) AS v FROM customers C WHERE C.id = 1"}) {
    INFO(statement);
    CHECK(accepts(statement, true, Dialect::mysql));
    CHECK_FALSE(accepts(statement, false, Dialect::mysql));
  }
  CHECK_FALSE(accepts("SELECT c.Email FROM customers C", true, Dialect::mysql));
}
