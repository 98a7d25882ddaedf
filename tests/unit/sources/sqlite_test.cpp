// SQLite files of customers: what their declared types mean, what does not fit, and what a session cannot do.
#include <sqlite3.h>
#include <sys/stat.h>
#include <catch2/catch.hpp>

#include <fstream>

#include "sources/sqlite/database.hpp"
#include "sources/sqlite/declared_type.hpp"
#include "support/rows.hpp"
#include "support/temp_dir.hpp"

using namespace vmc;
using namespace vmc::test;
using data::Kind;
using sources::Access;

namespace {

struct File {
  TempDir directory;
  std::string path = directory.path() / "a.db";

  explicit File(const std::string& sql) { run(sql); }
  void run(const std::string& sql) {
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
    const int rc = sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr);
    INFO(sqlite3_errmsg(db));
    sqlite3_close(db);
    REQUIRE(rc == SQLITE_OK);
  }
  std::unique_ptr<sources::Session> open(Access access = Access::read) {
    auto session = sources::make_sqlite_source({path})->open(access, std::chrono::seconds{5});
    if (!session) FAIL(session.error().text());
    return std::move(*session);
  }
};

std::string bytes_of(const std::string& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

}  // namespace

TEST_CASE("declared types decide the type, as people declare them") {
  using sources::sqlite::type_of;
  CHECK(type_of("INTEGER") == data::Type{Kind::int64});
  CHECK(type_of("bigint unsigned") == data::Type{Kind::int64});
  CHECK(type_of("VARCHAR(20)") == data::Type{Kind::text});
  CHECK(type_of("double precision") == data::Type{Kind::float64});
  CHECK(type_of("DECIMAL(12, 2)") == data::Type{Kind::decimal, 12, 2});
  CHECK(type_of("decimal_text(38,38)") == data::Type{Kind::decimal, 38, 38});
  CHECK(type_of("NUMERIC(5)") == data::Type{Kind::decimal, 5, 0});
  CHECK(type_of("NUMERIC(39,2)") == data::Type{Kind::number});
  CHECK(type_of("NUMERIC(2,5)") == data::Type{Kind::number});
  CHECK(type_of("DECIMAL(") == data::Type{Kind::number});
  CHECK(type_of("NUMERIC") == data::Type{Kind::number});
  CHECK(type_of("BLOB") == data::Type{Kind::bytes});
  CHECK(type_of("BOOLEAN") == data::Type{Kind::boolean});
  CHECK(type_of("DATE") == data::Type{Kind::date});
  CHECK(type_of("TIME") == data::Type{Kind::time});
  CHECK(type_of("DATETIME") == data::Type{Kind::timestamp});
  CHECK(type_of("timestamp") == data::Type{Kind::timestamp});
  CHECK(type_of("TIMESTAMPTZ") == data::Type{Kind::timestamptz});
  CHECK(type_of("timestamp with time zone") == data::Type{Kind::timestamptz});
  CHECK(type_of("UUID") == data::Type{Kind::uuid});
  CHECK(type_of("JSON") == data::Type{Kind::json});
  CHECK(type_of("") == data::Type{Kind::text});
}

TEST_CASE("a cell that does not fit its declared type fails the read, naming place and not value") {
  const auto [type, value] =
      GENERATE(table<std::string, std::string>({{"INTEGER", "'canary'"},
                                                {"INTEGER", "1.5"},
                                                {"REAL", "'canary'"},
                                                {"DECIMAL(12,2)", "12.75"},
                                                {"DECIMAL_TEXT(12,2)", "'12.755'"},
                                                {"DECIMAL_TEXT(4,2)", "'123.00'"},
                                                {"NUMERIC", "0.5"},
                                                {"BOOLEAN", "2"},
                                                {"DATE", "'2023-02-29'"},
                                                {"DATE", "20230228"},
                                                {"TIMESTAMP", "'canary'"},
                                                {"TIMESTAMP", "1700000000"},
                                                {"TIMESTAMPTZ", "'2023-02-28 12:00:00'"},
                                                {"TIME", "'25'"},
                                                {"UUID", "'canary'"},
                                                {"JSON", "'{canary}'"},
                                                {"TEXT", "x'ff'"},
                                                {"TEXT", "CAST(x'63ff' AS TEXT)"},
                                                {"BLOB", "'canary'"}}));
  File file{"CREATE TABLE t (ok TEXT, c " + type + "); INSERT INTO t VALUES ('a', NULL), ('b', " + value +
            ")"};
  auto session = file.open();
  const auto table = table_named(*session, "t");
  Rows rows;
  auto outcome = session->read(intent_for(table, {"ok", "c"}), table, {}, into(rows));
  INFO(type << " " << value);
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == Code::database_error);
  CHECK(outcome.error().message.starts_with("table 't', column 'c', row 2 of this read: "));
  CHECK(outcome.error().text().find("canary") == std::string::npos);
}

TEST_CASE("integers stand exactly in decimal columns, and the forms of one instant are one value") {
  File file{
      "CREATE TABLE t (d DECIMAL(12,2), n NUMERIC, z TIMESTAMPTZ, u UUID);"
      "INSERT INTO t VALUES (12, 9223372036854775807, '2024-02-29T13:00:00+02:00', "
      "'0188F0B2-1234-7ABC-8DEF-001122334455'),"
      "(-3, 0, '2024-02-29 11:00:00Z', '0188f0b2-1234-7abc-8def-001122334455')"};
  auto session = file.open();
  const auto table = table_named(*session, "t");
  const auto rows = read_all(*session, intent_for(table, {"d", "n", "z", "u"}), table);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0][0] == data::Value{data::Decimal{1200, 2}});
  CHECK(rows[0][1] == data::Value{data::Number{"9223372036854775807"}});
  CHECK(rows[0][2] == rows[1][2]);
  CHECK(rows[0][3] == rows[1][3]);
  // Both spellings are found, and are one key.
  auto intent = intent_for(table, {"d"});
  intent.filter = data::Filter{data::Filter::Op::eq, "z", {rows[0][2]}, {}};
  CHECK(read_all(*session, intent, table).size() == 2);
  intent.filter = data::Filter{data::Filter::Op::eq, "u", {rows[0][3]}, {}};
  CHECK(read_all(*session, intent, table).size() == 2);
  auto split = session->split(intent_for(table, {"d"}), table, {"u"}, 1, {});
  REQUIRE(split);
  CHECK(split->parts.size() == 1);
}

TEST_CASE("columns that would round decimals are refused for loading, with the cure") {
  File file{"CREATE TABLE t (id INTEGER PRIMARY KEY, d DECIMAL(12,2))"};
  auto session = file.open(Access::load);
  const auto table = table_named(*session, "t");
  const auto request = load_request(table, {"id", "d"}, "run");
  auto outcome = session->load(request, table,
                               once(batch_of(request.columns, {{std::int64_t{1}, data::Decimal{1, 2}}})));
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == Code::invalid_request);
  CHECK(outcome.error().hint.find("DECIMAL_TEXT(12,2)") != std::string::npos);
}

TEST_CASE("a NaN that SQLite would turn into NULL is refused") {
  File file{"CREATE TABLE t (id INTEGER PRIMARY KEY, r REAL)"};
  auto session = file.open(Access::load);
  const auto table = table_named(*session, "t");
  const auto request = load_request(table, {"id", "r"}, "run");
  auto outcome =
      session->load(request, table, once(batch_of(request.columns, {{std::int64_t{1}, std::nan("")}})));
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().message.find("column 'r', row 1") != std::string::npos);
}

TEST_CASE(
    "the database itself refuses every statement that does more than reading, and the file stays as it is") {
  File file{"CREATE TABLE t (a INTEGER); CREATE INDEX i ON t (a); INSERT INTO t VALUES (1)"};
  const auto before = bytes_of(file.path);
  auto db = sources::sqlite::Database::open(file.path, Access::read, std::chrono::seconds{5});
  REQUIRE(db);
  REQUIRE((*db)->start(std::chrono::seconds{5}));
  const auto copy = (file.directory.path() / "copy.db").string();
  for (const auto& text : {std::string{"DELETE FROM t"},
                           std::string{"INSERT INTO t VALUES (2) RETURNING a"},
                           std::string{"UPDATE t SET a = 2"},
                           std::string{"DROP TABLE t"},
                           std::string{"CREATE TABLE u (a)"},
                           std::string{"CREATE TEMP TABLE u (a)"},
                           std::string{"VACUUM"},
                           "VACUUM INTO '" + copy + "'",
                           "ATTACH '" + copy + "' AS other",
                           std::string{"PRAGMA query_only=0"},
                           std::string{"PRAGMA journal_mode=DELETE"},
                           std::string{"PRAGMA writable_schema=1"},
                           std::string{"PRAGMA table_info(t)"},
                           std::string{"SELECT * FROM sqlite_schema"},
                           std::string{"SELECT * FROM pragma_table_info('t')"},
                           std::string{"SELECT load_extension('x')"},
                           std::string{"SELECT fts3_tokenizer('simple')"},
                           std::string{"EXPLAIN DELETE FROM t"},
                           std::string{"BEGIN; COMMIT"},
                           std::string{"COMMIT"},
                           std::string{"SAVEPOINT a"},
                           std::string{"SELECT 1; DELETE FROM t"},
                           std::string{"REINDEX"},
                           std::string{"ANALYZE"},
                           std::string{"SELECT randomblob(10)"},
                           std::string{""}}) {
    INFO(text);
    auto outcome = (*db)->run(text);
    CHECK_FALSE(outcome);
    if (!outcome) CHECK(outcome.error().code == Code::write_operation_rejected);
  }
  CHECK((*db)->run("SELECT count(*), upper('a') FROM t"));
  CHECK_FALSE(std::filesystem::exists(copy));
  CHECK(bytes_of(file.path) == before);
}

TEST_CASE("one value larger than 16 MiB is an error, not a process without memory") {
  File file{"CREATE VIEW big AS SELECT hex(zeroblob(450000000)) AS h"};
  auto session = file.open();
  data::TableInfo table;
  table.name = "big";
  table.view = true;
  table.columns = {{"h", "", {Kind::text}, true, {}, {}}};
  Rows rows;
  auto outcome = session->read(intent_for(table, {"h"}), table, {}, into(rows));
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == Code::database_error);
}

TEST_CASE("what is wrong with the file is said when it is opened") {
  TempDir directory;
  const auto opened = [](const std::string& path, Access access = Access::read) {
    auto session = sources::make_sqlite_source({path})->open(access, std::chrono::seconds{1});
    REQUIRE_FALSE(session);
    INFO(session.error().text());
    return session.error().code;
  };
  CHECK(opened(directory.path() / "missing.db") == Code::not_found);
  CHECK_FALSE(std::filesystem::exists(directory.path() / "missing.db"));
  CHECK(opened(directory.path() / "missing.db", Access::load) == Code::not_found);
  CHECK(opened(directory.path()) == Code::invalid_request);
  const auto text = directory.path() / "text.db";
  std::ofstream{text} << std::string(4096, 'x');
  CHECK(opened(text) == Code::database_error);
}

TEST_CASE("a file another program writes is waited for, and then told as unavailable") {
  File file{"CREATE TABLE t (id INTEGER PRIMARY KEY)"};
  auto session = file.open(Access::load);
  const auto table = table_named(*session, "t");
  sqlite3* other = nullptr;
  REQUIRE(sqlite3_open(file.path.c_str(), &other) == SQLITE_OK);
  REQUIRE(sqlite3_exec(other, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr) == SQLITE_OK);
  auto request = load_request(table, {"id"}, "run");
  request.timeout = std::chrono::milliseconds{100};
  auto outcome = session->load(request, table, once(batch_of(request.columns, {{std::int64_t{1}}})));
  sqlite3_close(other);
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == Code::unavailable);
  REQUIRE(session->reset());
  request.timeout = std::chrono::seconds{10};
  CHECK(session->load(request, table, once(batch_of(request.columns, {{std::int64_t{1}}}))));
}

TEST_CASE("a database in WAL mode is read while another program writes") {
  File file{"PRAGMA journal_mode=WAL; CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)"};
  sqlite3* other = nullptr;
  REQUIRE(sqlite3_open(file.path.c_str(), &other) == SQLITE_OK);
  REQUIRE(sqlite3_exec(other, "BEGIN IMMEDIATE; INSERT INTO t VALUES (2)", nullptr, nullptr, nullptr) ==
          SQLITE_OK);
  auto session = file.open();
  const auto table = table_named(*session, "t");
  CHECK(read_all(*session, intent_for(table, {"id"}), table).size() == 1);
  sqlite3_close(other);
}

TEST_CASE("discovery knows which keys may be null, leaves out broken views and takes 2,000 tables") {
  std::string sql =
      "CREATE TABLE a (k TEXT PRIMARY KEY); CREATE TABLE b (k TEXT PRIMARY KEY) WITHOUT ROWID;"
      "CREATE TABLE c (id INTEGER PRIMARY KEY, p TEXT REFERENCES a); CREATE TABLE gone (x);"
      "CREATE TABLE d (x INTEGER, y TEXT, UNIQUE (y, x)); CREATE UNIQUE INDEX part ON d (x) WHERE y IS NOT "
      "NULL;"
      "CREATE UNIQUE INDEX expr ON d (lower(y)); CREATE VIEW broken AS SELECT x FROM gone; DROP TABLE gone;"
      "INSERT INTO c (id) VALUES (1), (2), (40);";
  for (int i = 0; i < 2'000; ++i)
    sql += "CREATE TABLE many_" + std::to_string(i) + " (id INTEGER PRIMARY KEY, v TEXT);";
  File file{"PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY; BEGIN;" + sql + "COMMIT;"};
  auto session = file.open();
  auto schema = session->discover();
  if (!schema) FAIL(schema.error().text());
  CHECK(schema->tables.size() == 2'004);
  CHECK(schema->table("a")->column("k")->nullable);
  CHECK_FALSE(schema->table("b")->column("k")->nullable);
  CHECK_FALSE(schema->table("c")->column("id")->nullable);
  CHECK(schema->table("c")->row_estimate == 40);
  CHECK(schema->table("c")->foreign_keys == std::vector<data::ForeignKey>{{{"p"}, "a", {"k"}}});
  CHECK(schema->table("d")->unique_keys == std::vector<std::vector<std::string>>{{"y", "x"}});
}

TEST_CASE("tables in which virtual ones keep their rows are not shared, whether SQLite knows their module or not") {
  File file{
      "CREATE VIRTUAL TABLE notes USING fts5(body); CREATE TABLE notes_archive (a); CREATE TABLE places_rowids (a);"
      "CREATE TABLE Places_chunks (a); CREATE TABLE place (a); PRAGMA writable_schema = ON;"
      "INSERT INTO sqlite_master VALUES ('table', 'places', 'places', 0, 'CREATE VIRTUAL TABLE places USING "
      "unheard_of(a)')"};
  const auto schema = file.open()->discover();
  REQUIRE(schema);
  std::vector<std::string> names;
  for (const auto& table : schema->tables) names.push_back(table.name);
  CHECK(names == std::vector<std::string>{"notes_archive", "place"});
}

TEST_CASE("a view's columns without a type are read as text, exactly") {
  File file{
      "CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (9007199254740993); CREATE VIEW v AS SELECT a + 0 AS "
      "s, 0.1 AS r FROM t"};
  auto session = file.open();
  const auto table = table_named(*session, "v");
  const auto rows = read_all(*session, intent_for(table, {"s", "r"}), table);
  REQUIRE(rows.size() == 1);
  CHECK(data::format(rows[0][0]) == "9007199254740993");
  CHECK(data::format(rows[0][1]) == "0.1");
}

TEST_CASE("an interrupted session refuses until it is reset and works afterwards") {
  File file{"CREATE TABLE t (a INTEGER)"};
  auto session = file.open();
  const auto table = table_named(*session, "t");
  session->interrupt();
  Rows rows;
  auto outcome = session->read(intent_for(table, {"a"}), table, {}, into(rows));
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == Code::cancelled);
  REQUIRE(session->reset());
  CHECK(session->read(intent_for(table, {"a"}), table, {}, into(rows)));
}

TEST_CASE("large results come in bounded batches") {
  File file{
      "CREATE TABLE t (a INTEGER, s TEXT); WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n "
      "WHERE v < 50000) "
      "INSERT INTO t SELECT v, hex(zeroblob(100)) FROM n"};
  auto session = file.open();
  const auto table = table_named(*session, "t");
  std::size_t rows = 0;
  const auto sink = [&](data::Batch batch) -> Result<void> {
    CHECK(batch.rows <= data::kBatchRows);
    CHECK(batch.bytes() < 2 * data::kBatchBytes);
    rows += batch.rows;
    return {};
  };
  REQUIRE(session->read(intent_for(table, {"a", "s"}), table, {}, sink));
  CHECK(rows == 50'000);
}

TEST_CASE("the rights of a file say whether the system would let it be written") {
  File file{"CREATE TABLE t (a INTEGER)"};
  auto session = file.open();
  auto report = session->rights();
  REQUIRE(report);
  CHECK(report->can_write == (access(file.path.c_str(), W_OK) == 0));
  CHECK(report->findings.empty() != report->can_write);
}
