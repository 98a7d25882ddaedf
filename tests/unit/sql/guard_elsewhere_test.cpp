// What a refusal advises to somebody who writes as another database has it.
#include <catch2/catch.hpp>

#include "sql/guard/guard.hpp"

using namespace vmc;
using sql::Dialect;

namespace {

std::string advice(Dialect dialect, const std::string& statement) {
  const auto guard = sql::make_guard(dialect, {});
  REQUIRE(guard.has_value());
  const auto verdict = (*guard)->judge(statement);
  INFO(statement);
  REQUIRE(verdict.refusal);
  return verdict.refusal->hint;
}

}  // namespace

TEST_CASE("who writes as another database has it is told how this one does") {
  struct Case {
    Dialect dialect;
    const char *statement, *word;
  };
  constexpr auto kTsql = Dialect::mssql, kMysql = Dialect::mysql, kPostgres = Dialect::postgres;
  for (const auto& [dialect, statement, word] : std::vector<Case>{
           {kTsql, "SELECT * FROM orders LIMIT 5", "TOP (5)"},
           {kTsql, "SELECT id FROM orders o ORDER BY id LIMIT 5", "TOP (5)"},
           {kTsql, "SELECT `id` FROM orders", "[brackets]"},
           {kTsql, "SELECT id FROM orders WHERE id = ?", "@p1"},
           {kTsql, "SELECT id::int FROM orders", "CAST(x AS type)"},
           {kTsql, "SELECT a || b FROM orders", "CONCAT"},
           {kTsql, "SELECT id FROM orders WHERE name ILIKE 'a%'", "LIKE"},
           {kTsql, "SELECT NOW()", "GETDATE()"},
           {kTsql, "SELECT IFNULL(id, 3) FROM orders", "ISNULL"},
           {kTsql, "SELECT id FROM a JOIN b USING (id)", "ON a.id"},
           {kMysql, "SELECT TOP 5 * FROM orders", "LIMIT 5"},
           {kMysql, "SELECT [id] FROM orders", "`backticks`"},
           {kMysql, "SELECT id FROM orders WHERE id = @p1", "are written ?"},
           {kMysql, "SELECT GETDATE()", "NOW()"},
           {kMysql, "SELECT COUNT(*) FILTER (WHERE id > 1) FROM orders", "CASE WHEN"},
           {kPostgres, "SELECT TOP 5 * FROM orders", "LIMIT 5"},
           {kPostgres, "SELECT [id] FROM orders", "double quotes"},
           {kPostgres, "SELECT `id` FROM orders", "double quotes"},
           {kPostgres, "SELECT id FROM orders WHERE id = ?", "$1"},
           {kPostgres, "SELECT id FROM orders LIMIT 5, 10", "OFFSET 5"},
           {kPostgres, "SELECT ifnull(id, 3) FROM orders", "COALESCE"},
           // What knows better stays as it is.
           {kPostgres, "SELECT ARRAY[my_fn(1)]", "functions = [...]"},
           {kPostgres, "SELECT id FROM orders LIMIT my_fn(1)", "functions = [...]"},
           {kMysql, "SELECT id FROM orders ORDER BY top FOR UPDATE", "lock"},
           {kMysql, "SELECT id FROM orders filter INTO OUTFILE 'x'", "Leave it out"},
           {kTsql, "SELECT o.id AS limit INTO x FROM orders o", "Leave INTO out"},
           {kTsql, "-- as of now\nDELETE FROM orders", "SELECT"}})
    CHECK(advice(dialect, statement).find(word) != std::string::npos);
  CHECK(advice(kTsql, "SELECT geography::Foo(1)").find("CAST") == std::string::npos);
}
