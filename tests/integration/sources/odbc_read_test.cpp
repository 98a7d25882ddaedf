// Reading through Debian's ODBC drivers: every type, in bounded memory, one state, stopped on the server.
#include <catch2/catch.hpp>

#include <sys/resource.h>

#include <cmath>
#include <fstream>
#include <thread>

#include "../../support/golden.hpp"
#include "../../support/mariadb_shop.hpp"
#include "../../support/odbc_driver.hpp"
#include "../../support/temp_dir.hpp"

using namespace vmc;
using namespace vmc::test;
using data::Kind;
using data::Value;
using sources::Access;

namespace {

std::unique_ptr<sources::Session> opened(sources::OdbcSettings settings) {
  auto session = sources::make_odbc_source(std::move(settings))->open(Access::read, std::chrono::seconds{10});
  if (!session) FAIL(session.error().text());
  return std::move(*session);
}

PostgresServer& postgres() { return PostgresServer::instance(); }

void in_sqlite(const std::string& file, const std::string& sql) {
  const auto script = file + ".sql";
  std::ofstream{script} << sql;
  REQUIRE(std::system(("sqlite3 '" + file + "' < '" + script + "'").c_str()) == 0);
}

// What discovery says of every column, and the rows in text.
std::string described(const data::TableInfo& table) {
  std::string out;
  for (const auto& column : table.columns)
    out += column.name + " " + column.sql_type + " " + data::to_string(column.type) + "\n";
  return out;
}

std::string shown(sources::Session& session, const data::TableInfo& table) {
  std::string out;
  for (const auto& row :
       read_all(session, intent_for(table, names_of(table), {{table.columns[0].name, false}}), table)) {
    for (std::size_t i = 0; i < row.size(); ++i)
      out += table.columns[i].name + "=" + (data::is_null(row[i]) ? "-" : data::format(row[i])) + "\n";
    out += "\n";
  }
  return out;
}

std::size_t peak_kib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::size_t>(usage.ru_maxrss);
}

}  // namespace

// AddressSanitizer holds back 256 MB of freed memory unless told otherwise; a peak measured here must be ours.
extern "C" const char* __asan_default_options() { return "quarantine_size_mb=4"; }

TEST_CASE("ODBC: a date that no calendar has is told by its place, not turned into a null") {
  const MariadbShop shop;
  auto session = opened(mariadb_over_odbc(shop.name));
  shop.run("CREATE TABLE zeros (d date); SET sql_mode = ''; INSERT INTO zeros VALUES ('0000-00-00')");
  const auto zeros = table_named(*session, "zeros");
  Rows rows;
  const auto outcome = session->read(intent_for(zeros, {"d"}), zeros, {}, into(rows));
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().text().find("column 'd', row 1") != std::string::npos);
}

TEST_CASE("ODBC: SQLite's integers, texts and bytes come exactly; what is no date of a date column is told") {
  const TempDir folder;
  const auto file = (folder.path() / "t.db").string();
  in_sqlite(
      file,
      "CREATE TABLE types (a integer PRIMARY KEY, i bigint, t text, v varchar(2), b blob, d decimal(12,2), "
      "day date, "
      "at timestamp); INSERT INTO types VALUES (1, -9223372036854775808, 'zażółć 日本 😀', 'longer than two', "
      "x'00ff', '9.50', '2024-02-29', '2024-02-29 13:00:00.123456'), (2, 9223372036854775807, '', '', x'', "
      "'', NULL, "
      "NULL); CREATE TABLE odd (day date); INSERT INTO odd VALUES ('yesterday')");
  auto session = opened(sqlite_over_odbc(file));
  const auto table = table_named(*session, "types");
  check_golden("odbc/sqlite_types.txt", described(table) + "\n" + shown(*session, table));
  const auto odd = table_named(*session, "odd");
  Rows rows;
  const auto outcome = session->read(intent_for(odd, {"day"}), odd, {}, into(rows));
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().text().find("yesterday") == std::string::npos);
}

TEST_CASE("ODBC: a cell longer than a piece is put together, pairs of UTF-16 included") {
  postgres().create_database("odbc_long");
  postgres().run(
      "CREATE TABLE t AS SELECT 1 AS a, repeat('x😀', 100000) AS t, decode(repeat('00ff', 100000), 'hex') AS "
      "b",
      "odbc_long");
  auto session = opened(postgres_over_odbc("odbc_long"));
  const auto table = table_named(*session, "t");
  const auto rows = read_all(*session, intent_for(table, {"t", "b"}), table);
  REQUIRE(rows.size() == 1);
  std::string text;
  Bytes bytes;
  for (int i = 0; i < 100'000; ++i) {
    text += "x😀";
    bytes.push_back(0), bytes.push_back(0xff);
  }
  CHECK((rows[0][0] == Value{text}));
  CHECK((rows[0][1] == Value{bytes}));
}

TEST_CASE("ODBC: rows of bounded columns come many at a time, and all of them") {
  const MariadbShop shop;
  shop.run(
      "CREATE TABLE t (i int PRIMARY KEY, v varchar(40), d decimal(12,2)); INSERT INTO t SELECT seq, IF(seq "
      "% 3 = 0, "
      "NULL, concat('ü', seq)), seq * 1.25 FROM seq_1_to_10000");
  auto session = opened(mariadb_over_odbc(shop.name));
  const auto table = table_named(*session, "t");
  const auto rows = read_all(*session, intent_for(table, {"i", "v", "d"}, {{"i", false}}), table);
  REQUIRE(rows.size() == 10'000);
  CHECK(rows[9'999] == Row{std::int64_t{10'000}, std::string{"ü10000"}, data::Decimal{1'250'000, 2}});
  CHECK(rows[2] == Row{std::int64_t{3}, {}, data::Decimal{375, 2}});
  auto intent = intent_for(table, {"i"}, {{"i", true}});
  intent.limit = 3;
  CHECK(read_all(*session, intent, table).size() == 3);
  intent.limit = 0;
  CHECK(read_all(*session, intent, table).empty());
}

TEST_CASE("ODBC: half a million rows pass through in a few megabytes") {
  postgres().create_database("odbc_many");
  postgres().run("CREATE VIEW many AS SELECT g AS i, repeat('x', 60) AS t FROM generate_series(1, 500000) g",
                 "odbc_many");
  const TempDir folder;
  const auto file = (folder.path() / "t.db").string();
  in_sqlite(file, "CREATE TABLE many AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 500000) SELECT "
                  "i, printf('%060d', i) AS t FROM n");
  for (const auto& settings : {postgres_over_odbc("odbc_many"), sqlite_over_odbc(file)}) {
    INFO(settings.driver);
    auto session = opened(settings);
    const auto table = table_named(*session, "many");
    auto intent = intent_for(table, {"i", "t"});
    intent.filter = data::Filter{data::Filter::Op::ne, "t", {std::string{"it's {fn 'x'} -- ?"}}, {}};
    std::size_t rows = 0;
    const auto before = peak_kib();
    const auto count = [&](data::Batch batch) -> Result<void> {
      rows += batch.rows;
      return {};
    };
    auto outcome = session->read(intent, table, {std::chrono::minutes{2}}, count);
    if (!outcome) FAIL(outcome.error().text());
    CHECK(rows == 500'000);
    CHECK(peak_kib() - before < 24 * 1024);
  }
}

TEST_CASE("ODBC: an interrupt and a time limit stop the statement on the server") {
  postgres().create_database("odbc_stop");
  postgres().run("CREATE VIEW odbc_slow AS SELECT count(*) AS n FROM generate_series(1, 100000000000) a",
                 "odbc_stop");
  const MariadbShop shop;
  shop.run(
      "CREATE VIEW odbc_slow AS SELECT count(a.seq + b.seq) AS n FROM seq_1_to_1000000000 a, "
      "seq_1_to_1000000000 b");
  const auto busy_postgres = [] {
    return std::stoi(
        postgres().run("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%odbc_slow%' AND state = "
                       "'active' AND pid <> pg_backend_pid()",
                       "odbc_stop"));
  };
  const auto busy_mariadb = [&] { return shop.busy("odbc_slow"); };
  const std::vector<std::pair<sources::OdbcSettings, std::function<int()>>> servers{
      {postgres_over_odbc("odbc_stop"), busy_postgres}, {mariadb_over_odbc(shop.name), busy_mariadb}};
  for (const auto& [settings, busy] : servers) {
    INFO(settings.driver);
    for (const bool interrupts : {true, false}) {
      auto session = opened(settings);
      const auto table = table_named(*session, "odbc_slow");
      std::thread other{[&, &busy = busy] {
        const auto limit = Steady::now() + std::chrono::seconds{30};
        while (interrupts && busy() == 0 && Steady::now() < limit) std::this_thread::yield();
        if (interrupts) session->interrupt();
      }};
      Rows rows;
      const Duration limit = interrupts ? Duration{std::chrono::minutes{5}} : std::chrono::milliseconds{300};
      const auto outcome = session->read(intent_for(table, {"n"}), table, {limit}, into(rows));
      other.join();
      REQUIRE_FALSE(outcome);
      INFO(outcome.error().text());
      CHECK(outcome.error().code == (interrupts ? Code::cancelled : Code::query_timeout));
      CHECK_FALSE(session->reset());
      const auto gone_by = Steady::now() + std::chrono::seconds{30};
      while (busy() != 0 && Steady::now() < gone_by) std::this_thread::yield();
      CHECK(busy() == 0);
    }
  }
}

TEST_CASE("ODBC: SQLite's statement is stopped before its first row and between rows, wherever that finds the driver") {
  const TempDir folder;
  const auto file = (folder.path() / "t.db").string();
  in_sqlite(file, "CREATE VIEW silent AS WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n) SELECT count(*) AS v "
                  "FROM n; CREATE VIEW endless AS WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n) SELECT v, "
                  "printf('%0500d', v) AS t FROM n");
  const auto open_view = [&](const char* name) {
    auto session = opened(sqlite_over_odbc(file));
    auto view = table_named(*session, name);
    return std::pair{std::move(session), std::move(view)};
  };
  const auto [slow, silent] = open_view("silent");
  Rows none;
  const auto late = slow->read(intent_for(silent, {"v"}), silent, {std::chrono::milliseconds{300}}, into(none));
  REQUIRE_FALSE(late);
  CHECK(late.error().code == Code::query_timeout);
  CHECK_FALSE(slow->reset());
  for (int round = 0; round < 30; ++round) {
    const auto [session, endless] = open_view("endless");
    int batches = 0;
    std::thread other;
    const auto sink = [&, &session = session](data::Batch) -> Result<void> {
      if (++batches == 1) other = std::thread{[&session] { session->interrupt(); }};
      return {};
    };
    const auto outcome =
        session->read(intent_for(endless, {"v", "t"}), endless, {std::chrono::minutes{5}}, sink);
    if (other.joinable()) other.join();
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().code == Code::cancelled);
    CHECK_FALSE(session->reset());
  }
}

TEST_CASE("ODBC: one slow connection keeps no other waiting") {
  postgres().create_database("odbc_two");
  postgres().run(
      "CREATE VIEW slow AS SELECT count(*) AS n FROM generate_series(1, 100000000000) a; CREATE TABLE t AS "
      "SELECT 1 AS a",
      "odbc_two");
  auto slow = opened(postgres_over_odbc("odbc_two")), quick = opened(postgres_over_odbc("odbc_two"));
  const auto view = table_named(*slow, "slow"), table = table_named(*quick, "t");
  Rows none;
  std::thread other{[&] {
    const auto outcome = slow->read(intent_for(view, {"n"}), view, {std::chrono::minutes{5}}, into(none));
    CHECK_FALSE(outcome);
  }};
  CHECK(read_all(*quick, intent_for(table, {"a"}), table) == Rows{{std::int64_t{1}}});
  slow->interrupt();
  other.join();
}

TEST_CASE("ODBC: one call sees one state, however the table changes meanwhile") {
  postgres().create_database("odbc_state");
  postgres().run("CREATE TABLE t AS SELECT g AS id, 0 AS v FROM generate_series(1, 1000) g", "odbc_state");
  auto session = opened(postgres_over_odbc("odbc_state"));
  const auto table = table_named(*session, "t");
  Rows keys;
  for (std::int64_t i = 1; i <= 1'000; ++i) keys.push_back({i});
  const auto all = batch_of(type_of(table, {"id"}), keys);
  int calls = 0;
  const auto source = [&]() -> Result<std::optional<data::Batch>> {
    if (++calls == 2) postgres().run("UPDATE t SET v = 1", "odbc_state");
    if (calls > 2) return std::optional<data::Batch>{};
    return std::optional{all};
  };
  Rows rows;
  REQUIRE(session->read_keys(table, {"v"}, {"id"}, source, {}, into(rows)));
  CHECK(rows.size() == 2'000);
  CHECK(
      std::all_of(rows.begin(), rows.end(), [](const Row& row) { return row[0] == Value{std::int64_t{0}}; }));
}

TEST_CASE("ODBC: error texts carry no values") {
  postgres().create_database("odbc_quiet");
  postgres().run(
      "CREATE VIEW raised AS SELECT CAST('canary@example.com' || g::text AS integer) AS v FROM "
      "generate_series(1, 2) g",
      "odbc_quiet");
  auto session = opened(postgres_over_odbc("odbc_quiet"));
  const auto table = table_named(*session, "raised");
  Rows rows;
  const auto outcome = session->read(intent_for(table, {"v"}), table, {}, into(rows));
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == Code::database_error);
  CHECK(outcome.error().text().find("canary") == std::string::npos);
  CHECK(outcome.error().text().find("22P02") != std::string::npos);
}

TEST_CASE("ODBC: a lost connection is told, and serves nobody else") {
  postgres().create_database("odbc_lost");
  postgres().run("CREATE TABLE t (a int)", "odbc_lost");
  auto session = opened(postgres_over_odbc("odbc_lost"));
  const auto table = table_named(*session, "t");
  postgres().run("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = 'odbc_lost'");
  Rows rows;
  const auto outcome = session->read(intent_for(table, {"a"}), table, {}, into(rows));
  REQUIRE_FALSE(outcome);
  INFO(outcome.error().text());
  CHECK(outcome.error().code == Code::unavailable);
  CHECK_FALSE(session->reset());
  CHECK_FALSE(session->alive());
}

TEST_CASE(
    "ODBC: a schema of 2,000 tables is discovered, with keys, other schemas and no catalogue of the "
    "server's") {
  postgres().create_database("odbc_wide");
  postgres().run(
      "DO $$ BEGIN FOR i IN 1..2000 LOOP EXECUTE format('CREATE TABLE many_%s (id int PRIMARY KEY, v "
      "varchar(10) DEFAULT ''x'')', i); END LOOP; END $$; CREATE SCHEMA other; CREATE TABLE other.t (a int "
      "UNIQUE)",
      "odbc_wide");
  auto session = opened(postgres_over_odbc("odbc_wide"));
  const auto begun = Steady::now();
  auto schema = session->discover();
  if (!schema) FAIL(schema.error().text());
  WARN("2,000 tables in " << std::chrono::duration<double>(Steady::now() - begun).count() << " s");
  CHECK(schema->tables.size() == 2'001);
  CHECK(schema->table("many_2000")->primary_key == std::vector<std::string>{"id"});
  CHECK(schema->table("many_2000")->unique_keys.empty());
  REQUIRE(schema->table("other.t"));
  CHECK(schema->table("other.t")->unique_keys == std::vector<std::vector<std::string>>{{"a"}});
}
