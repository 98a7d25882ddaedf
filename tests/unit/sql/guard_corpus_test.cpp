// The guard against the corpora in tests/corpora/guard: no statement of escaping.ndjson passes, every one of honest.ndjson
// does, and private.ndjson is judged as it says.
#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <map>

#include <fmt/format.h>

#include "core/json.hpp"
#include "sql/guard/guard.hpp"

using namespace vmc;
using sql::Dialect;

namespace {

struct Corpus {
  Dialect dialect;
  std::string name;
};

// The view staff_pay shows salaries: that makes it private too.
const std::vector<std::string> kPrivate{"customers.email", "salaries.*"};

std::filesystem::path folder_of(const Corpus& corpus) {
  return std::filesystem::path{VMC_SOURCE_DIR} / "tests/corpora/guard" / corpus.name;
}

data::Schema schema_of(const Corpus& corpus) {
  std::ifstream in{folder_of(corpus) / "schema.json"};
  auto schema = data::schema_from_json(Json::parse(in));
  if (!schema) FAIL(schema.error().text());
  return std::move(*schema);
}

std::vector<Json> lines_of(const Corpus& corpus, const char* file) {
  std::ifstream in{folder_of(corpus) / file};
  std::vector<Json> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(Json::parse(line));
  REQUIRE(lines.size() > 100);
  return lines;
}

std::unique_ptr<sql::Guard> guard_of(const Corpus& corpus, const data::Schema* schema,
                                     const std::vector<std::string>& private_parts, bool keywords = true) {
  auto parts = sql::parts_in(private_parts);
  if (!parts) FAIL(parts.error().text());
  auto catalogue = sql::Catalogue::make(corpus.dialect, schema, std::move(*parts), "shop");
  auto guard = sql::make_guard(corpus.dialect, {std::move(catalogue), {}, keywords});
  if (!guard) FAIL(guard.error().text());
  return std::move(*guard);
}

// One line for each statement that is judged otherwise than the corpus says, but for those of the class `but`.
std::string wrong(const sql::Guard& guard, const std::vector<Json>& lines, const std::string& expected,
                  const std::string& but = "") {
  std::string list;
  for (const auto& line : lines) {
    if (line.at("class") == but) continue;
    const auto statement = line.at("sql").get<std::string>();
    const auto verdict = guard.judge(statement);
    const auto want = expected.empty() ? line.at("verdict").get<std::string>() : expected;
    if (verdict.accepted() == (want == "accept")) continue;
    list += fmt::format("{} ({}) is {}: {}\n    {}\n", line.at("id").get<std::string>(), line.at("class").get<std::string>(),
                        verdict.accepted() ? "accepted" : "refused", statement.substr(0, 300),
                        verdict.accepted() ? line.at("reason").get<std::string>() : describe(*verdict.refusal, statement));
  }
  return list;
}

void judge_corpora(const Corpus& corpus) {
  const auto schema = schema_of(corpus);
  const auto open = guard_of(corpus, nullptr, {});
  const auto closed = guard_of(corpus, &schema, {});
  const auto narrow = guard_of(corpus, &schema, kPrivate);
  CHECK(wrong(*closed, lines_of(corpus, "escaping.ndjson"), "reject") == "");
  CHECK(wrong(*narrow, lines_of(corpus, "escaping.ndjson"), "reject") == "");
  CHECK(wrong(*closed, lines_of(corpus, "honest.ndjson"), "accept") == "");
  CHECK(wrong(*open, lines_of(corpus, "honest.ndjson"), "accept") == "");
  CHECK(wrong(*narrow, lines_of(corpus, "private.ndjson"), "") == "");
}

std::size_t refused_by_keyword(const sql::Guard& guard, const std::vector<Json>& lines) {
  return static_cast<std::size_t>(std::count_if(lines.begin(), lines.end(), [&](const Json& line) {
    const auto verdict = guard.judge(line.at("sql").get<std::string>());
    return verdict.refusal && verdict.refusal->code == Code::write_keyword_detected;
  }));
}

void judge_without_keywords(const Corpus& corpus) {
  const auto schema = schema_of(corpus);
  const auto escaping = lines_of(corpus, "escaping.ndjson"), honest = lines_of(corpus, "honest.ndjson");
  const auto open = guard_of(corpus, nullptr, {}, false);
  const auto closed = guard_of(corpus, &schema, {}, false);
  const auto narrow = guard_of(corpus, &schema, kPrivate, false);
  CHECK(wrong(*closed, escaping, "reject") == "");
  CHECK(wrong(*narrow, escaping, "reject") == "");
  CHECK(wrong(*closed, honest, "accept") == "");
  CHECK(wrong(*open, honest, "accept") == "");
  CHECK(wrong(*narrow, lines_of(corpus, "private.ndjson"), "") == "");
  CHECK(refused_by_keyword(*guard_of(corpus, &schema, {}), escaping) > 20);
  CHECK(refused_by_keyword(*closed, escaping) == 0);
}

}  // namespace

TEST_CASE("the corpus of PostgreSQL is judged as it says") { judge_corpora({Dialect::postgres, "postgres"}); }
TEST_CASE("the corpus of SQLite is judged as it says") { judge_corpora({Dialect::sqlite, "sqlite"}); }
TEST_CASE("the corpus of MySQL and MariaDB is judged as it says") { judge_corpora({Dialect::mysql, "mysql"}); }
TEST_CASE("the corpus of T-SQL is judged as it says") { judge_corpora({Dialect::mssql, "mssql"}); }

TEST_CASE("without its keywords the guard for PostgreSQL lets nothing else through") {
  judge_without_keywords({Dialect::postgres, "postgres"});
}
TEST_CASE("without its keywords the guard for SQLite lets nothing else through") {
  judge_without_keywords({Dialect::sqlite, "sqlite"});
}
TEST_CASE("without its keywords the guard for MySQL and MariaDB lets nothing else through") {
  judge_without_keywords({Dialect::mysql, "mysql"});
}
TEST_CASE("without its keywords the guard for T-SQL lets nothing else through") {
  judge_without_keywords({Dialect::mssql, "mssql"});
}

TEST_CASE("the corpus of T-SQL is judged alike where capitals do not count, but for what they would hide") {
  const Corpus corpus{Dialect::mssql, "mssql"};
  auto schema = schema_of(corpus);
  schema.ignores_case = true;
  const auto guard = guard_of(corpus, &schema, kPrivate);
  CHECK(wrong(*guard, lines_of(corpus, "escaping.ndjson"), "reject", "two-spellings") == "");
  CHECK(wrong(*guard, lines_of(corpus, "private.ndjson"), "", "two-spellings") == "");
  CHECK(wrong(*guard_of(corpus, &schema, {}), lines_of(corpus, "honest.ndjson"), "accept") == "");
}

TEST_CASE("a customer's table that is called like a sequence of MariaDB's is a table") {
  const Corpus corpus{Dialect::mysql, "mysql"};
  auto schema = schema_of(corpus);
  data::TableInfo table;
  table.name = "seq_2023_to_2024";
  for (const auto* column : {"id", "word"}) table.columns.push_back({column, "text", {data::Kind::text}, true, {}, {}});
  schema.tables.push_back(std::move(table));
  const auto guard = guard_of(corpus, &schema, {"seq_2023_to_2024.word"});
  CHECK_FALSE(guard->judge("SELECT * FROM seq_2023_to_2024").accepted());
  CHECK_FALSE(guard->judge("SELECT s.word FROM seq_2023_to_2024 s").accepted());
  CHECK(guard->judge("SELECT id FROM seq_2023_to_2024").accepted());
  const auto open = guard_of(corpus, nullptr, {"seq_1_to_9.*"});
  CHECK_FALSE(open->judge("SELECT seq FROM seq_1_to_9").accepted());
  const auto verdict = open->judge("SELECT seq, nvl(seq, 1), concat(seq) FROM seq_1_to_3");
  CHECK(verdict.accepted());
  CHECK(verdict.calls == data::Calls{{"nvl", -1}, {"seq_1_to_3", -1}});  // to be looked for where it runs
}

TEST_CASE("a column of PostgreSQL that names tables is private where any part is") {
  const Corpus corpus{Dialect::postgres, "postgres"};
  auto schema = schema_of(corpus);
  data::TableInfo table;
  table.name = "audited";
  table.columns = {{"id", "integer", {data::Kind::int64}, false, {}, {}}, {"tbl", "regclass", {data::Kind::text}, true, {}, {}}};
  schema.tables.push_back(std::move(table));
  const auto guard = guard_of(corpus, &schema, kPrivate);
  for (const auto* statement : {"SELECT CASE WHEN id > 5 THEN tbl ELSE 16420 END FROM audited",
                                "SELECT tbl FROM audited UNION ALL SELECT g::oid FROM generate_series(16420,16423) g",
                                "SELECT (json_populate_record(null::audited,'{\"tbl\":\"16420\"}')).tbl"}) {
    INFO(statement);
    CHECK_FALSE(guard->judge(statement).accepted());
  }
  CHECK(guard->judge("SELECT id FROM audited").accepted());
  CHECK(guard_of(corpus, &schema, {})->judge("SELECT tbl FROM audited").accepted());
}

TEST_CASE("a star over private columns is refused with its place, in every dialect") {
  for (const auto& corpus : {Corpus{Dialect::postgres, "postgres"}, {Dialect::sqlite, "sqlite"}, {Dialect::mysql, "mysql"},
                             {Dialect::mssql, "mssql"}}) {
    const auto schema = schema_of(corpus);
    const auto guard = guard_of(corpus, &schema, kPrivate);
    for (const std::string statement : {"SELECT o.id, c.* FROM orders o JOIN customers c ON c.id = o.customer_id",
                                        "SELECT o.id, o.n, * FROM (SELECT id, 1 AS n FROM orders) o JOIN customers c ON c.id = o.id"}) {
      INFO(corpus.name << ": " << statement);
      const auto verdict = guard->judge(statement);
      REQUIRE(verdict.refusal);
      CHECK(verdict.refusal->at == std::min(statement.find("c.*"), statement.find("* FROM (")));
    }
  }
}

TEST_CASE("a private key of SQLite is not reached as the row number of a table that has none") {
  const Corpus corpus{Dialect::sqlite, "sqlite"};
  const auto schema = schema_of(corpus);
  const auto guard = guard_of(corpus, &schema, {"customers.id"});
  for (const auto* statement :
       {"SELECT (SELECT rowid FROM stock) FROM customers", "SELECT (SELECT oid FROM stock LIMIT 1) FROM customers c",
        "SELECT name FROM customers WHERE EXISTS (SELECT 1 FROM stock WHERE _rowid_ = 2)",
        "SELECT name FROM customers ORDER BY (SELECT max(rowid) FROM stock)"}) {
    INFO(statement);
    CHECK_FALSE(guard->judge(statement).accepted());
  }
  CHECK(guard->judge("SELECT rowid FROM orders").accepted());
  CHECK(guard->judge("SELECT name FROM customers WHERE EXISTS (SELECT 1 FROM stock)").accepted());
}

TEST_CASE("what PostgreSQL gives no name stands before no private column") {
  const Corpus corpus{Dialect::postgres, "postgres"};
  auto schema = schema_of(corpus);
  for (auto& table : schema.tables)
    if (table.name == "customers") table.columns.push_back({"document", "xml", {data::Kind::text}, true, {}, {}});
  const auto guard = guard_of(corpus, &schema, {"customers.document"});
  CHECK_FALSE(
      guard->judge("SELECT (SELECT document FROM (SELECT '<a/>'::xml IS DOCUMENT) z) FROM customers").accepted());
  CHECK(guard->judge("SELECT '<a/>'::xml IS DOCUMENT FROM customers").accepted());
}

TEST_CASE("where a view of PostgreSQL has no system column, the name of one is not its row") {
  const Corpus corpus{Dialect::postgres, "postgres"};
  const auto schema = schema_of(corpus);
  const auto guard = guard_of(corpus, &schema, {"customer_totals.total"});
  for (const auto* statement :
       {"SELECT xmin FROM customer_totals AS xmin", "SELECT to_jsonb(ctid) FROM customer_totals AS ctid",
        "SELECT tableoid::text FROM customer_totals AS tableoid", "SELECT to_jsonb(xmax) FROM customer_totals AS xmax",
        "SELECT (SELECT to_jsonb(ctid)->>'total' FROM customer_totals t2 LIMIT 1) FROM customer_totals AS ctid"}) {
    INFO(statement);
    const auto verdict = guard->judge(statement);
    REQUIRE(verdict.refusal);
    CHECK(verdict.refusal->code == Code::schema_access_denied);
  }
  CHECK(guard->judge("SELECT ctid, xmin FROM orders AS ctid").accepted());
}

// In each of these, SQLite follows the name to the full-text table, whose search looks into its private column.
TEST_CASE("a full-text search of SQLite looks into no private column from further away") {
  const Corpus corpus{Dialect::sqlite, "sqlite"};
  auto schema = schema_of(corpus);
  auto view = *schema.table("note_search");
  view.name = "notes_shown";
  view.view = true;
  std::erase_if(view.columns, [](const auto& column) { return column.name != "subject"; });
  schema.tables.push_back(view);
  const auto guard = guard_of(corpus, &schema, {"product_search.body", "note_search.body"});
  for (const auto* statement :
       {"SELECT highlight(x, 2, '', '') FROM (SELECT rowid AS x FROM product_search) WHERE x = 180",
        "WITH t AS (SELECT sku AS x FROM product_search) SELECT snippet(x, 2, '', '', '', 64) FROM t WHERE x = '120'",
        "SELECT (SELECT highlight(p.rowid, 2, '', '')) FROM product_search p WHERE p.rowid = 60",
        "SELECT (SELECT highlight((p.rowid), 2, '', '')) FROM product_search p WHERE p.rowid = 60",
        "SELECT (SELECT highlight(sku, 2, '', '')) FROM product_search",
        "SELECT title FROM product_search p WHERE EXISTS (SELECT 1 WHERE highlight(p.sku, 2, '', '') LIKE 'S%')",
        "SELECT (SELECT highlight(p.sku,2,'','') FROM orders p LIMIT 1) FROM product_search p WHERE p.sku='30'",
        "SELECT (SELECT highlight(sku,2,'','') FROM orders sku LIMIT 1) FROM product_search WHERE sku='50'",
        "SELECT title FROM product_search p WHERE EXISTS (SELECT 1 FROM orders p WHERE snippet(p.sku,2,'','','',64) LIKE 's%')",
        "SELECT bm25(x) FROM (SELECT rowid AS x FROM product_search)",
        "SELECT subject FROM note_search WHERE match('body:tops*', subject)",
        "SELECT subject FROM note_search WHERE match(?, subject)",
        "SELECT \"subject\" FROM note_search WHERE \"match\"('body:tops*', subject)",
        "SELECT subject FROM (SELECT subject FROM note_search) t WHERE subject MATCH 'body:topsecret'",
        "SELECT subject FROM (SELECT * FROM (SELECT subject FROM note_search)) t WHERE subject MATCH 'body:topsecret'",
        "WITH t AS (SELECT subject AS a FROM note_search) SELECT a FROM t WHERE a MATCH 'body:tops*'",
        "SELECT (SELECT count(*) FROM (SELECT subject AS s FROM note_search) WHERE s MATCH 'body:t*') FROM orders LIMIT 1",
        "SELECT subject FROM notes_shown WHERE subject MATCH 'body:tops*'",
        "SELECT title, rank FROM product_search WHERE match('hello', title)",
        "SELECT t.title, r FROM (SELECT title, rank AS r FROM product_search) t WHERE t.title MATCH 'hello'"}) {
    INFO(statement);
    const auto verdict = guard->judge(statement);
    REQUIRE(verdict.refusal);
    CHECK(verdict.refusal->code == Code::schema_access_denied);
  }
  const auto open = guard_of(corpus, &schema, {"customers.email"});
  for (const auto* statement :
       {"SELECT c.name FROM customers c WHERE EXISTS (SELECT 1 FROM note_search WHERE note_search MATCH 'late')",
        "SELECT c.name FROM customers c JOIN note_search n ON n.subject = c.name WHERE n.body MATCH ?",
        "SELECT c.name FROM customers c JOIN note_search n ON n.subject = c.name WHERE body MATCH 'late'",
        "SELECT snippet(note_search, '<', '>', ?, -1, 6) FROM note_search, customers c WHERE note_search MATCH 'late'",
        "SELECT n.subject FROM (SELECT subject FROM note_search) n WHERE n.subject MATCH 'late'"}) {
    INFO(statement);
    CHECK(open->judge(statement).accepted());
  }
  CHECK_FALSE(open->judge("SELECT subject FROM notes_shown WHERE subject MATCH 'late'").accepted());
}

TEST_CASE("a column that a function's rows are not known to have is a call to PostgreSQL") {
  const Corpus corpus{Dialect::postgres, "postgres"};
  const auto schema = schema_of(corpus);
  const auto guard = guard_of(corpus, &schema, {});
  for (const auto* statement : {"SELECT x.touch_row FROM jsonb_populate_record(NULL::customers, '{\"id\":2}') x",
                                "SELECT c.row_to_json FROM pg_class c", "SELECT (o).to_jsonb FROM orders o"}) {
    INFO(statement);
    CHECK_FALSE(guard->judge(statement).accepted());
  }
  for (const auto* statement :
       {"SELECT x.name FROM jsonb_populate_record(NULL::customers, '{\"id\":2}') x", "SELECT c.relname FROM pg_class c",
        "SELECT x.a FROM jsonb_to_recordset('[]') AS x(a int, b text)", "SELECT g.g FROM generate_series(1, 3) AS g",
        "SELECT e.key, e.value FROM jsonb_each('{}') e",
        "WITH RECURSIVE t AS (SELECT 1 AS depth UNION ALL SELECT t.depth + 1 FROM t WHERE t.depth < 3) SELECT t.depth FROM t",
        "SELECT x.n FROM XMLTABLE('/r' PASSING ('<r/>'::xml) COLUMNS n int PATH '.') AS x"}) {
    INFO(statement);
    CHECK(guard->judge(statement).accepted());
  }
}

TEST_CASE("a property of a column has no name in T-SQL, and ORDER BY means the column that has it") {
  const Corpus corpus{Dialect::mssql, "mssql"};
  auto schema = schema_of(corpus);
  for (auto& table : schema.tables)
    if (table.name == "customers")
      for (const auto* name : {"place", "Lat"}) table.columns.push_back({name, "geography", {data::Kind::text}, true, {}, {}});
  const auto guard = guard_of(corpus, &schema, {"customers.Lat"});
  CHECK_FALSE(guard->judge("SELECT c.place.Lat FROM customers c ORDER BY Lat").accepted());
  CHECK(guard->judge("SELECT c.place.Lat FROM customers c ORDER BY c.name").accepted());
  CHECK(guard->judge("SELECT t.lat FROM (SELECT c.place.Lat AS lat FROM customers c) t ORDER BY lat").accepted());
  const auto open = guard_of(corpus, &schema, {});
  CHECK(open->judge("SELECT t.Lat FROM (SELECT c.Lat FROM customers c) t ORDER BY Lat").accepted());
}

TEST_CASE("PostgreSQL: the functions and operators that one of the customer's may take over are told") {
  const Corpus corpus{Dialect::postgres, "postgres"};
  const auto schema = schema_of(corpus);
  const auto guard = guard_of(corpus, &schema, {});
  const auto calls = [&](const char* statement) {
    const auto verdict = guard->judge(statement);
    CHECK(verdict.accepted());
    return verdict.calls;
  };
  using Calls = data::Calls;
  CHECK(calls("SELECT log(2), pg_catalog.abs(1), \"upper\"('a'), round(1.5, 1)") == Calls{{"log", 1}, {"upper", 1}, {"round", 2}});
  CHECK(calls("SELECT 1 + 2, 3 OPERATOR(pg_catalog.-) 4 WHERE 1 BETWEEN 0 AND 2") ==
        Calls{{"+", -1}, {"<", 2}, {"<=", 2}, {">", 2}, {">=", 2}});
  CHECK(calls("SELECT name FROM customers c WHERE EXISTS (SELECT 1 FROM generate_series(1, 2) g WHERE c.id = g)") ==
        Calls{{"=", -1}, {"generate_series", 2}});
  const Calls equals{{"=", 2}};
  CHECK(calls("SELECT id FROM customers WHERE id IN (SELECT customer_id FROM orders)") == equals);
  CHECK(calls("SELECT CASE id WHEN 1 THEN 2 END FROM customers") == equals);
  CHECK(calls("SELECT name FROM customers JOIN orders USING (id)") == equals);
  CHECK(calls("SELECT a FROM (SELECT 1 AS a) x NATURAL JOIN (SELECT 1 AS a) y") == equals);
  // x.f is a call of f unless x has such a column.
  CHECK(calls("SELECT g.total FROM generate_series(1, 3) g") == Calls{{"generate_series", 2}, {"total", 1}});
  CHECK(calls("SELECT (o.id).value, (o.id).total FROM orders o") == Calls{{"total", 1}, {"value", 1}});
  CHECK(calls("SELECT o.total FROM orders o (a, b)") == Calls{{"total", 1}});
  CHECK(calls("SELECT o.total, t.n FROM orders o, (SELECT 1 AS n) t") == Calls{});
  CHECK(calls("SELECT mode() WITHIN GROUP (ORDER BY id), concat(VARIADIC ARRAY['a']) FROM customers") ==
        Calls{{"concat", -1}, {"mode", -1}});
  CHECK(calls("SELECT id FROM customers") == Calls{});
}

TEST_CASE("a function that the owner lets be called is still judged as the built-in one whose name it bears") {
  const Corpus corpus{Dialect::postgres, "postgres"};
  auto catalogue = sql::Catalogue::make(corpus.dialect, nullptr, {}, "shop");
  auto guard = sql::make_guard(corpus.dialect, {std::move(catalogue), {"repeat", "current_setting", "vat_of"}});
  REQUIRE(guard.has_value());
  CHECK((*guard)->judge("SELECT repeat('x', 3), vat_of(1)").accepted());
  CHECK_FALSE((*guard)->judge("SELECT repeat('x', 1000000000)").accepted());
  CHECK_FALSE((*guard)->judge("SELECT current_setting('ssl_key_file')").accepted());
}
