// Statements made to be deep or large: each ends with a verdict, whatever the dialect, and what is nested too deeply is
// refused. The largest are kStatementBytesMax long.
#include <catch2/catch.hpp>

#include "sql/guard/guard.hpp"

using namespace vmc;
using sql::Dialect;

namespace {

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  out.reserve(text.size() * times);
  while (times-- > 0) out += text;
  return out;
}

// `open` `inner` `close`, nested as deep as the longest statement allows.
std::string nested(std::string_view open, std::string_view inner, std::string_view close, std::string_view before = "SELECT ",
                   std::string_view after = "") {
  const auto times = (sql::kStatementBytesMax - 200) / (open.size() + close.size());
  return std::string{before} + repeated(open, times) + std::string{inner} + repeated(close, times) + std::string{after};
}

std::vector<std::string> deep() {
  return {
      nested("(", "1", ")"),
      nested("((", "1", "))"),
      nested("(SELECT ", "1", ")"),
      nested("(SELECT * FROM ", "orders", ") q", "SELECT * FROM "),
      nested("CASE WHEN 1 = 1 THEN ", "1", " END"),
      nested("coalesce(1, ", "1", ")"),
      nested("EXISTS (SELECT 1 WHERE ", "1 = 1", ")", "SELECT 1 WHERE "),
      nested("WITH a AS (", "SELECT 1", ") SELECT 1", ""),
      nested("(", "SELECT 1", ")", ""),
      nested("(orders JOIN ", "orders", ")", "SELECT 1 FROM "),
      nested("(", "", ""),
      nested("SELECT (", "", "", ""),
      nested("CAST(", "1", " AS int)"),
  };
}

// Long, but not deep where a reader takes them in a loop: whatever the verdict, it comes.
std::vector<std::string> wide() {
  const auto most = sql::kStatementBytesMax - 200;
  return {
      "SELECT " + repeated("- ", most / 2) + "1",
      "SELECT 1 WHERE " + repeated("NOT ", most / 4) + "1 = 1",
      "SELECT 1" + repeated(" + 1", most / 4),
      "SELECT 1" + repeated(" UNION ALL SELECT 1", most / 19),
      "SELECT 1 WHERE 1 = 1" + repeated(" AND 1 = 1", most / 10),
      "SELECT 1" + repeated(", 1", most / 3),
      "SELECT 1 WHERE 1 IN (1" + repeated(", 1", most / 3) + ")",
      "SELECT 1 FROM orders" + repeated(" CROSS JOIN orders", most / 18),
      "WITH a AS (SELECT 1)" + repeated(", a AS (SELECT 1)", most / 17) + " SELECT 1",
      "SELECT '" + std::string(most, 'x') + "'",
      "SELECT 1 " + repeated("/* */", most / 5),
      "SELECT 1 " + repeated("/*", most / 2),
      "SELECT 1 " + repeated("/**/", most / 4),
      "SELECT 1 " + repeated("+", most),
      "SELECT 1 " + repeated("*+", most / 2) + " 1",
      "SELECT 1 " + repeated("/*" + std::string(400, '*') + "/", most / 403),
      "SELECT " + std::string(most, 'x'),
      "SELECT " + std::string(most, '9'),
      repeated("SELECT ", most / 7),
      repeated(";", most),
      repeated("'", most),
      repeated("\"", most),
      repeated("[", most),
      repeated("`", most),
      repeated("$", most),
      repeated("@", most),
      std::string(most, ' ') + "SELECT 1",
      std::string(4 * sql::kStatementBytesMax, 'x'),
  };
}

std::unique_ptr<sql::Guard> guard_of(Dialect dialect) {
  auto guard = sql::make_guard(dialect, {sql::Catalogue::make(dialect, nullptr, {}), {}});
  if (!guard) FAIL(guard.error().text());
  return std::move(*guard);
}

}  // namespace

TEST_CASE("what is nested deeper than anyone writes is refused, and what is long is judged") {
  for (const auto dialect : {Dialect::postgres, Dialect::mysql, Dialect::mssql, Dialect::sqlite}) {
    const auto guard = guard_of(dialect);
    for (const auto& statement : deep()) {
      INFO(static_cast<int>(dialect) << ": " << statement.substr(0, 60));
      CHECK_FALSE(guard->judge(statement).accepted());
    }
    for (const auto& statement : wide()) {
      INFO(static_cast<int>(dialect) << ": " << statement.substr(0, 60));
      const auto verdict = guard->judge(statement);
      CHECK((verdict.accepted() || !verdict.refusal->what.empty()));
    }
    CHECK(guard->judge("SELECT 1").accepted());
  }
}

TEST_CASE("a moderately nested statement is no bomb") {
  for (const auto dialect : {Dialect::postgres, Dialect::mysql, Dialect::mssql, Dialect::sqlite}) {
    const auto guard = guard_of(dialect);
    const auto deep = "SELECT " + repeated("(", 30) + "1" + repeated(")", 30) + " AS x FROM (SELECT 1 AS y) AS q";
    const auto verdict = guard->judge(deep);
    INFO(static_cast<int>(dialect) << ": " << (verdict.accepted() ? "" : sql::describe(*verdict.refusal, deep)));
    CHECK(verdict.accepted());
  }
}
