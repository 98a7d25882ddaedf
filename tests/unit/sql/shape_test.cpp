// What two statements have in common for an owner who says yes to one of them.
#include "sql/guard/shape.hpp"

#include <catch2/catch.hpp>

#include "sql/guard/pieces.hpp"
#include "support/show_result.hpp"

using namespace vmc;
using sql::Dialect;

namespace {

const std::vector<Dialect> kAll{Dialect::postgres, Dialect::mysql, Dialect::mssql, Dialect::sqlite};

sql::Shape shape(Dialect dialect, std::string_view statement, const data::Reads& reads = {},
                 const data::Schema& schema = {}) {
  auto made = sql::shape_of(dialect, "erp", statement, reads, schema);
  if (!made) FAIL(made.error().text());
  return *made;
}

std::string text(Dialect dialect, std::string_view statement) { return shape(dialect, statement).text; }

bool alike(Dialect dialect, std::string_view one, std::string_view other) {
  return shape(dialect, one).fingerprint == shape(dialect, other).fingerprint;
}

data::TableInfo table(std::string name, std::vector<std::string> columns) {
  data::TableInfo made;
  made.name = std::move(name);
  for (auto& column : columns) {
    made.columns.emplace_back();
    made.columns.back().name = std::move(column);
  }
  return made;
}

}  // namespace

TEST_CASE("a shape holds no values, no comments and no layout") {
  for (const auto dialect : kAll) {
    CHECK(text(dialect, "SELECT Name FROM t -- who\n WHERE id = 17 /* x */ AND  city = 'Ulm'") ==
          "select name from t where id = ? and city = ?");
    CHECK(alike(dialect, "SELECT a FROM t WHERE b = 1.5", "select A\nfrom T where B = 'x'"));
    CHECK_FALSE(alike(dialect, "SELECT a FROM t WHERE b = 1", "SELECT a FROM t WHERE b > 1"));
    CHECK_FALSE(alike(dialect, "SELECT a FROM t", "SELECT c FROM t"));
    CHECK_FALSE(alike(dialect, "SELECT a FROM t WHERE b = 1", "SELECT a FROM t WHERE b = 1 OR b = 2"));
  }
}

TEST_CASE("a parameter is a value like another") {
  CHECK(alike(Dialect::postgres, "SELECT a FROM t WHERE b = $1 AND c = $2", "SELECT a FROM t WHERE b = 7 AND c = 'x'"));
  CHECK(alike(Dialect::mysql, "SELECT a FROM t WHERE b = ?", "SELECT a FROM t WHERE b = \"x\""));
  CHECK(alike(Dialect::mssql, "SELECT a FROM t WHERE b = @p1", "SELECT a FROM t WHERE b = N'x'"));
  CHECK(alike(Dialect::sqlite, "SELECT a FROM t WHERE b = ?1", "SELECT a FROM t WHERE b = x'00'"));
}

TEST_CASE("a list of values is one however long it is, and a subquery is none") {
  for (const auto dialect : kAll) {
    CHECK(text(dialect, "SELECT a FROM t WHERE b IN (1, -2, 3)") == "select a from t where b in (?)");
    CHECK(alike(dialect, "SELECT a FROM t WHERE b IN (1)", "SELECT a FROM t WHERE b IN ('x', 'y')"));
    CHECK_FALSE(alike(dialect, "SELECT a FROM t WHERE b IN (1, 2)", "SELECT a FROM t WHERE b IN (1, c)"));
    CHECK_FALSE(alike(dialect, "SELECT a FROM t WHERE b IN (1)", "SELECT a FROM t WHERE b IN (SELECT 1)"));
  }
  CHECK(alike(Dialect::postgres, "SELECT a FROM t WHERE b = ANY (ARRAY[1, 2])",
              "SELECT a FROM t WHERE b = ANY (ARRAY[3])"));
}

TEST_CASE("the place of a column and a number of rows are no values") {
  for (const auto dialect : kAll) {
    CHECK_FALSE(alike(dialect, "SELECT a, b FROM t ORDER BY 1", "SELECT a, b FROM t ORDER BY 2"));
    CHECK_FALSE(alike(dialect, "SELECT a, b FROM t ORDER BY a, 1", "SELECT a, b FROM t ORDER BY a, 2"));
    CHECK(alike(dialect, "SELECT a FROM t GROUP BY a HAVING count(*) > 5",
                "SELECT a FROM t GROUP BY a HAVING count(*) > 6"));
    CHECK(alike(dialect, "SELECT a FROM t ORDER BY b % 10", "SELECT a FROM t ORDER BY b % 11"));
  }
  CHECK_FALSE(alike(Dialect::postgres, "SELECT a FROM t GROUP BY (1)", "SELECT a FROM t GROUP BY (2)"));
  for (const auto dialect : {Dialect::postgres, Dialect::mysql, Dialect::sqlite}) {
    CHECK_FALSE(alike(dialect, "SELECT a FROM t LIMIT 10", "SELECT a FROM t LIMIT 1000"));
    CHECK(alike(dialect, "SELECT a FROM t LIMIT 10 OFFSET 10", "SELECT a FROM t LIMIT 10 OFFSET 20"));
  }
  CHECK_FALSE(alike(Dialect::mssql, "SELECT TOP 10 a FROM t", "SELECT TOP 20 a FROM t"));
  CHECK_FALSE(alike(Dialect::mssql, "SELECT TOP (10) a FROM t", "SELECT TOP (20) a FROM t"));
  CHECK(alike(Dialect::mssql, "SELECT a FROM t ORDER BY a OFFSET 10 ROWS FETCH NEXT 5 ROWS ONLY",
              "SELECT a FROM t ORDER BY a OFFSET 15 ROWS FETCH NEXT 5 ROWS ONLY"));
  CHECK_FALSE(alike(Dialect::mssql, "SELECT a FROM t ORDER BY a OFFSET 10 ROWS FETCH NEXT 5 ROWS ONLY",
                    "SELECT a FROM t ORDER BY a OFFSET 10 ROWS FETCH NEXT 6 ROWS ONLY"));
}

TEST_CASE("a path into a document names what is read, and is no value") {
  CHECK_FALSE(alike(Dialect::postgres, "SELECT d->>'name' FROM t", "SELECT d->>'salary' FROM t"));
  CHECK_FALSE(alike(Dialect::postgres, "SELECT d['name'] FROM t", "SELECT d['salary'] FROM t"));
  CHECK_FALSE(alike(Dialect::mysql, "SELECT d->'$.a' FROM t", "SELECT d->'$.b' FROM t"));
  for (const auto dialect : {Dialect::mysql, Dialect::sqlite})
    CHECK_FALSE(alike(dialect, "SELECT json_extract(d, '$.a') FROM t", "SELECT json_extract(d, '$.b') FROM t"));
  CHECK_FALSE(alike(Dialect::mssql, "SELECT JSON_VALUE(d, '$.a') FROM t", "SELECT JSON_VALUE(d, '$.b') FROM t"));
  CHECK_FALSE(
      alike(Dialect::mssql, "SELECT d.value('(/a)[1]', 'int') FROM t", "SELECT d.value('(/b)[1]', 'int') FROM t"));
}

TEST_CASE("a quoted name keeps its case, another one folds") {
  CHECK_FALSE(alike(Dialect::postgres, "SELECT \"Name\" FROM t", "SELECT \"name\" FROM t"));
  CHECK(alike(Dialect::postgres, "SELECT Name FROM T", "SELECT NAME FROM t"));
  CHECK(alike(Dialect::mysql, "SELECT o.Total FROM o", "SELECT o.TOTAL FROM o"));
}

TEST_CASE("another connection, or a statement that reaches more than before, is another shape") {
  const auto statement = "SELECT * FROM shown";
  const data::Reads reads{{"shown", {"*"}}};
  data::Schema schema{{table("customers", {"email", "name"}), table("shown", {"name"})}, ""};
  schema.tables[1].view = true;
  schema.tables[1].reads = {{"customers", {"name"}}};
  const auto first = shape(Dialect::postgres, statement, reads, schema);
  CHECK(first.reads == data::Reads{{"customers", {"name"}}, {"shown", {"*", "name"}}});
  CHECK(shape(Dialect::postgres, statement, reads, schema).fingerprint == first.fingerprint);
  CHECK(sql::shape_of(Dialect::postgres, "crm", statement, reads, schema)->fingerprint != first.fingerprint);

  auto wider = schema;
  wider.tables[1].reads["customers"].insert("email");
  CHECK(shape(Dialect::postgres, statement, reads, wider).fingerprint != first.fingerprint);
  wider = schema;
  wider.tables[1].columns.push_back(schema.tables[0].columns[0]);
  CHECK(shape(Dialect::postgres, statement, reads, wider).fingerprint != first.fingerprint);
  auto unknown = schema;
  unknown.tables[1].reads = {{"*", {"*"}}};
  unknown.tables[1].definition = "one";
  const auto before = shape(Dialect::postgres, statement, reads, unknown).fingerprint;
  unknown.tables[1].definition = "other";
  CHECK(shape(Dialect::postgres, statement, reads, unknown).fingerprint != before);
}

TEST_CASE("PostgreSQL's tokens are those of its own scanner") {
  auto pieces = sql::postgres_pieces("SELECT U&\"a\", $1, 1e5, B'1', $x$it's$x$ /* /* */ */ <-> \"B\"");
  REQUIRE(pieces);
  std::vector<sql::Piece::Kind> kinds;
  for (const auto& piece : *pieces) kinds.push_back(piece.kind);
  using Kind = sql::Piece::Kind;
  CHECK(kinds == std::vector<Kind>{Kind::word, Kind::quoted, Kind::symbol, Kind::parameter, Kind::symbol, Kind::number,
                                   Kind::symbol, Kind::text, Kind::symbol, Kind::text, Kind::symbol, Kind::quoted});
  CHECK(sql::pieces_of(Dialect::postgres, "SELECT 1")->size() == 2);
}
