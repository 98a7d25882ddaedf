// Reading from PostgreSQL: exact, read-only by the server's own means, stopped when told, in bounded memory.
#include <catch2/catch.hpp>

#include <cmath>
#include <fstream>
#include <thread>

#ifdef __SANITIZE_ADDRESS__
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();  // gcc does not ship the header
#endif

#include "../../support/late_proxy.hpp"
#include "../../support/postgres_server.hpp"
#include "../../support/rows.hpp"

using namespace vmc;
using namespace vmc::test;
using data::Kind;
using data::Value;
using sources::Access;

namespace {

// A database of its own for each test.
struct Shop {
  std::string name;
  Shop() {
    static int next = 0;
    name = "read_" + std::to_string(next++);
    PostgresServer::instance().create_database(name);
  }
  std::string run(const std::string& sql) const { return PostgresServer::instance().run(sql, name); }
  std::unique_ptr<sources::Session> open(Access access = Access::read,
                                         const std::string& user = "postgres") const {
    auto session = sources::make_postgres_source(PostgresServer::instance().settings(name, user))
                       ->open(access, std::chrono::seconds{10});
    if (!session) FAIL(session.error().text());
    return std::move(*session);
  }
  int busy(const std::string& part) const {
    return std::stoi(
        PostgresServer::instance().run("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid "
                                       "<> pg_backend_pid() AND datname = '" +
                                       name + "' AND query LIKE '%" + part + "%'"));
  }
};

Result<void> read_into(sources::Session& session, const data::TableInfo& table,
                       const std::vector<std::string>& columns, Rows& rows,
                       Duration timeout = std::chrono::seconds{30}) {
  return session.read(intent_for(table, columns), table, {timeout}, into(rows));
}

// KiB this process holds. AddressSanitizer keeps freed memory resident on purpose, but knows what is in use.
std::size_t held_kib() {
#ifdef __SANITIZE_ADDRESS__
  return __sanitizer_get_current_allocated_bytes() / 1024;
#else
  std::ifstream in{"/proc/self/statm"};
  std::size_t size = 0, resident = 0;
  in >> size >> resident;
  return resident * 4;
#endif
}

}  // namespace

TEST_CASE("values only PostgreSQL has are read exactly or as their own text") {
  Shop shop;
  shop.run(
      "CREATE TYPE mood AS ENUM ('calm', 'wild ''one'''); CREATE DOMAIN price AS numeric(6,2) NOT NULL; "
      "CREATE DOMAIN email AS varchar(40);"
      "CREATE TABLE odd (i2 smallint, i4 integer, f4 real, m mood, p price, e email, ip inet, iv interval, "
      "arr integer[], pad char(5),"
      " n name, mon money, tz timetz, r int4range, jb jsonb, neg numeric(5,-2), inf timestamptz, dinf date, "
      "nan numeric, fnan double precision, x xml, o oid);"
      "INSERT INTO odd VALUES (-32768, -2147483648, 0.1, 'wild ''one''', 12.50, 'a@b', '10.0.0.0/8', '1 day "
      "2 hours', '{1,NULL}', 'ab',"
      " 'n', 1234.5, '12:00+02', '[1,5)', '{\"b\": 1.50, \"a\": null}', 12345, 'infinity', '-infinity', "
      "'NaN', '-Infinity', '<a/>', 4294967295)");
  auto session = shop.open();
  const auto table = table_named(*session, "odd");
  CHECK(table.column("m")->enum_values == std::vector<std::string>{"calm", "wild 'one'"});
  CHECK(table.column("p")->type == data::Type{Kind::decimal, 6, 2});
  CHECK_FALSE(table.column("p")->nullable);
  CHECK(table.column("neg")->type == data::Type{Kind::number});
  std::vector<std::string> columns;
  for (const auto& column : table.columns) columns.push_back(column.name);
  const auto rows = read_all(*session, intent_for(table, columns), table);
  REQUIRE(rows.size() == 1);
  const auto at = [&](const std::string& name) {
    return rows[0]
               [static_cast<std::size_t>(std::find(columns.begin(), columns.end(), name) - columns.begin())];
  };
  CHECK(at("i2") == Value{std::int64_t{-32768}});
  CHECK(at("i4") == Value{std::int64_t{INT32_MIN}});
  CHECK(at("f4") == Value{static_cast<double>(0.1F)});
  CHECK(at("m") == Value{std::string{"wild 'one'"}});
  CHECK(at("p") == Value{data::Decimal{1250, 2}});
  CHECK(at("e") == Value{std::string{"a@b"}});
  CHECK(at("ip") == Value{std::string{"10.0.0.0/8"}});
  CHECK(at("iv") == Value{std::string{"P1DT2H"}});
  CHECK(at("arr") == Value{std::string{"{1,NULL}"}});
  CHECK(at("pad") == Value{std::string{"ab   "}});
  CHECK(at("n") == Value{std::string{"n"}});
  CHECK(at("mon") == Value{data::Number{"1234.5"}});
  CHECK(at("tz") == Value{std::string{"12:00:00+02"}});
  CHECK(at("r") == Value{std::string{"[1,5)"}});
  CHECK(at("jb") == Value{data::JsonText{R"({"a": null, "b": 1.50})"}});
  CHECK(at("neg") == Value{data::Number{"12300"}});
  CHECK(at("inf") == Value{data::TimestampTz{data::kInfinity}});
  CHECK(at("dinf") == Value{data::Date{INT32_MIN}});
  CHECK(at("nan") == Value{data::Number{"NaN"}});
  CHECK(at("fnan") == Value{-INFINITY});
  CHECK(at("x") == Value{std::string{"<a/>"}});
  CHECK(at("o") == Value{std::int64_t{4294967295}});

  auto intent = intent_for(table, {"i2"});
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, Value>>{{"m", std::string{"wild 'one'"}},
                                                  {"ip", std::string{"10.0.0.0/8"}},
                                                  {"pad", std::string{"ab   "}},
                                                  {"f4", static_cast<double>(0.1F)},
                                                  {"inf", data::TimestampTz{data::kInfinity}},
                                                  {"nan", data::Number{"NaN"}},
                                                  {"mon", data::Decimal{12345, 1}}}) {
    if (name == "mon") continue;  // money compares with money only; it is read, not filtered
    INFO(name);
    intent.filter = data::Filter{data::Filter::Op::eq, name, {value}, {}};
    CHECK(read_all(*session, intent, table).size() == 1);
  }
}

TEST_CASE("numbers of every shape survive") {
  Shop shop;
  shop.run(
      "CREATE TABLE n (d numeric(38,37), e numeric(38,0), f numeric(20,5), g numeric);"
      "INSERT INTO n VALUES (9.9999999999999999999999999999999999999, "
      "99999999999999999999999999999999999999, 10000.00001, 0.00001000),"
      "(-0.0000000000000000000000000000000000001, -1, 0, 1e30), (0, 10000, -99999.99999, -123456.789)");
  auto session = shop.open();
  const auto table = table_named(*session, "n");
  std::vector<std::string> read, expected;
  for (const auto& row : read_all(*session, intent_for(table, {"d", "e", "f", "g"}), table))
    for (const auto& value : row) read.push_back(data::format(value));
  expected = {"9.9999999999999999999999999999999999999",
              "99999999999999999999999999999999999999",
              "10000.00001",
              "0.00001",
              "-0.0000000000000000000000000000000000001",
              "-1",
              "0.00000",
              "1000000000000000000000000000000",
              "0.0000000000000000000000000000000000000",
              "10000",
              "-99999.99999",
              "-123456.789"};
  CHECK(read == expected);
}

TEST_CASE("what cannot be carried fails the read, naming the column") {
  Shop shop;
  shop.run(
      "CREATE TABLE bad (id int, n numeric(5,2), u numeric); INSERT INTO bad VALUES (1, 1, 1), (2, 'NaN', "
      "'Infinity')");
  auto session = shop.open();
  const auto table = table_named(*session, "bad");
  Rows rows;
  auto outcome = read_into(*session, table, {"id", "n"}, rows);
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().message.starts_with("table 'bad', column 'n', row 2 of this read"));
  REQUIRE_FALSE(read_into(*session, table, {"u"}, rows));
  // A type changed behind our back is cast by the server or refused, never misread.
  shop.run("DELETE FROM bad WHERE id = 2; ALTER TABLE bad ALTER n TYPE text");
  CHECK(read_all(*session, intent_for(table, {"n"}), table) == Rows{{data::Decimal{100, 2}}});
  shop.run("UPDATE bad SET n = 'canary'");
  auto changed = read_into(*session, table, {"n"}, rows);
  REQUIRE_FALSE(changed);
  CHECK(changed.error().text().find("canary") == std::string::npos);
}

TEST_CASE("what a parent table keeps back its children do too, and the other way") {
  Shop shop;
  shop.run(
      "CREATE TABLE people (id int, email text, shown text GENERATED ALWAYS AS (lower(email)) STORED);"
      "CREATE TABLE staff (grade text) INHERITS (people); CREATE TABLE chiefs (bonus int) INHERITS (staff);"
      "CREATE TABLE guests (id int, email text)");
  const auto schema = shop.open()->discover();
  REQUIRE(schema);
  const auto hidden = [&](data::Parts parts) {
    data::add_derived(*schema, parts);
    return parts;
  };
  const std::set<std::string> both{"email", "shown"};
  CHECK(hidden({{"people", {"email"}}}) == data::Parts{{"chiefs", both}, {"people", both}, {"staff", both}});
  CHECK(hidden({{"people", {"shown"}}}) ==
        data::Parts{{"chiefs", {"shown"}}, {"people", {"shown"}}, {"staff", {"shown"}}});
  CHECK(hidden({{"chiefs", {"bonus", "id"}}}) ==
        data::Parts{{"chiefs", {"bonus", "id"}}, {"people", {"id"}}, {"staff", {"id"}}});
}

TEST_CASE("a view that writes is refused by the database itself") {
  Shop shop;
  shop.run(
      "CREATE SEQUENCE counter; CREATE TABLE log (a int); CREATE FUNCTION note() RETURNS int LANGUAGE "
      "plpgsql AS "
      "$$ BEGIN INSERT INTO public.log VALUES (1); RETURN 1; END $$;"
      "CREATE FUNCTION reopen() RETURNS int LANGUAGE plpgsql AS "
      "$$ BEGIN SET TRANSACTION READ WRITE; INSERT INTO public.log VALUES (2); RETURN 1; END $$;"
      "CREATE VIEW bump AS SELECT nextval('public.counter') AS v; CREATE VIEW noted AS SELECT public.note() "
      "AS v;"
      "CREATE VIEW reopened AS SELECT public.reopen() AS v;"
      "CREATE VIEW opened AS SELECT set_config('transaction_read_only', 'off', false) AS v");
  auto session = shop.open();
  for (const char* view : {"bump", "noted", "reopened", "opened"}) {
    INFO(view);
    const auto table = table_named(*session, view);
    Rows rows;
    auto outcome = read_into(*session, table, {"v"}, rows);
    REQUIRE_FALSE(outcome);
    if (std::string_view{view} == "bump" || std::string_view{view} == "noted")
      CHECK(outcome.error().code == Code::write_operation_rejected);
    CHECK(session->reset());
  }
  CHECK(shop.run("SELECT is_called FROM counter") == "f");
  CHECK(shop.run("SELECT count(*) FROM log") == "0");
}

TEST_CASE("a customer's function of a built-in one's name is not called for it") {
  const Shop shop;
  auto session = shop.open();
  const auto outcome = [&](const char* text, data::Calls calls, std::vector<std::string> functions = {}) {
    sources::SqlQuery query;
    query.text = text;
    query.calls = std::move(calls);
    query.functions = std::move(functions);
    Rows rows;
    const auto found = session->query(query, {}, into(rows));
    return found ? std::string{"runs"} : found.error().text();
  };
  const auto* log = "SELECT log('x')::text AS v";
  CHECK(outcome(log, {{"log", 1}}).find("invalid input syntax") != std::string::npos);  // the server's own takes numbers
  shop.run("CREATE FUNCTION public.log(text) RETURNS text LANGUAGE sql AS 'SELECT $1';"
           "CREATE FUNCTION public.total(integer, integer DEFAULT 2) RETURNS integer LANGUAGE sql AS 'SELECT $1';"
           "CREATE FUNCTION public.joined(text, integer) RETURNS text LANGUAGE sql STABLE AS 'SELECT $1';"
           "CREATE OPERATOR public.+ (LEFTARG = text, RIGHTARG = integer, FUNCTION = public.joined);"
           "CREATE OPERATOR public.|| (LEFTARG = integer, RIGHTARG = integer, FUNCTION = pg_catalog.int4pl)");
  CHECK(outcome(log, {}) == "runs");  // what the names are for
  const auto refused = outcome(log, {{"abs", 1}, {"log", 1}});
  CHECK(refused.find("'log'") != std::string::npos);
  CHECK(refused.find("pg_catalog.log") != std::string::npos);
  CHECK(outcome(log, {{"log", 2}}) == "runs");
  CHECK(outcome(log, {{"log", -1}}).find("'log'") != std::string::npos);
  CHECK(outcome(log, {{"log", 1}}, {"vat_of", "log"}) == "runs");
  CHECK(outcome(log, {{"log", 1}}, {"public.log"}) == "runs");
  CHECK(outcome("SELECT pg_catalog.log(2) AS v", {}) == "runs");
  const auto own = outcome("SELECT g.total FROM generate_series(1, 3) g", {{"generate_series", 2}, {"total", 1}});
  CHECK(own.find("'total'") != std::string::npos);
  CHECK(own.find("pg_catalog.total") == std::string::npos);
  const auto* plus = "SELECT 'a'::text + 1 AS v";
  CHECK(outcome(plus, {{"+", -1}}).find("public.joined(text,integer)") != std::string::npos);
  CHECK(outcome(plus, {{"+", -1}}, {"joined"}) == "runs");
  CHECK(outcome("SELECT 1 || 2 AS v", {{"||", -1}}) == "runs");
  shop.run("CREATE EXTENSION citext SCHEMA public");
  CHECK(outcome("SELECT replace('Abc'::public.citext, 'B', 'x') AS v", {{"replace", 3}, {"=", 2}}) == "runs");
}

TEST_CASE("what a view did to the session is gone when it is used again") {
  Shop shop;
  shop.run(
      "CREATE TABLE t (a int); INSERT INTO t VALUES (1); CREATE VIEW nasty AS SELECT "
      "set_config('default_transaction_read_only', 'off', false) AS v, "
      "set_config('statement_timeout', '0', false) AS w, pg_advisory_lock(42) IS NULL AS x");
  auto session = shop.open();
  const auto nasty = table_named(*session, "nasty");
  Rows rows;
  REQUIRE(read_into(*session, nasty, {"v", "w", "x"}, rows));
  REQUIRE(session->reset());
  CHECK(shop.run("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == "0");
  shop.run(
      "CREATE VIEW look AS SELECT current_setting('transaction_read_only') AS ro, "
      "current_setting('statement_timeout') AS t, "
      "current_setting('search_path') AS s, current_setting('transaction_isolation') AS i");
  const auto look = table_named(*session, "look");
  rows.clear();
  REQUIRE(read_into(*session, look, {"ro", "t", "s", "i"}, rows, std::chrono::seconds{7}));
  CHECK(rows == Rows{{std::string{"on"}, std::string{"7s"}, std::string{"pg_catalog, pg_temp"},
                      std::string{"repeatable read"}}});
}

TEST_CASE("a timeout and a cancel stop the query on the server") {
  Shop shop;
  shop.run("CREATE VIEW slow AS SELECT pg_sleep(600)::text AS v");
  auto session = shop.open();
  const auto table = table_named(*session, "slow");
  Rows rows;
  auto timed = read_into(*session, table, {"v"}, rows, std::chrono::milliseconds{100});
  REQUIRE_FALSE(timed);
  CHECK(timed.error().code == Code::query_timeout);
  CHECK(shop.busy("slow") == 0);
  CHECK(session->reset());

  std::thread other{[&] {
    while (shop.busy("slow") == 0) std::this_thread::yield();
    session->interrupt();
  }};
  auto cancelled = read_into(*session, table, {"v"}, rows, std::chrono::minutes{5});
  other.join();
  REQUIRE_FALSE(cancelled);
  CHECK(cancelled.error().code == Code::cancelled);
  CHECK(shop.busy("slow") == 0);
  CHECK_FALSE(session->reset());  // a late cancel request must not hit the next user
}

TEST_CASE("a cancel that comes before its query stops it all the same") {
  Shop shop;
  shop.run("CREATE VIEW slow AS SELECT pg_sleep(600)::text AS v");
  const auto table = table_named(*shop.open(), "slow");
  std::unique_ptr<sources::Session> session;
  const LateProxy proxy{PostgresServer::instance().port(), "COPY (SELECT", [&] { session->interrupt(); }};
  auto settings = PostgresServer::instance().settings(shop.name);
  settings.host = "127.0.0.1";
  settings.port = proxy.port();
  settings.sslmode = "disable";  // the proxy reads along
  session = std::move(sources::make_postgres_source(settings)->open(Access::read, std::chrono::seconds{10}).value());
  Rows rows;
  auto cancelled = read_into(*session, table, {"v"}, rows, std::chrono::minutes{5});
  REQUIRE_FALSE(cancelled);
  CHECK(cancelled.error().code == Code::cancelled);
  CHECK(shop.busy("slow") == 0);
}

TEST_CASE("a sink that gives up stops a long query on the server") {
  Shop shop;
  shop.run(
      "CREATE VIEW long AS SELECT i::bigint AS i FROM generate_series(1, 10000) i, generate_series(1, "
      "100000)");
  auto session = shop.open();
  const auto table = table_named(*session, "long");
  const auto full = [](data::Batch) -> Result<void> { return fail(Code::quota_exceeded, "no room"); };
  auto outcome = session->read(intent_for(table, {"i"}), table, {std::chrono::minutes{5}}, full);
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == Code::quota_exceeded);
  CHECK(shop.busy("long") == 0);
}

TEST_CASE("a server that ends the connection is told as unavailable and the session is thrown away") {
  Shop shop;
  shop.run("CREATE VIEW slow AS SELECT pg_sleep(600)::text AS v");
  auto session = shop.open();
  const auto table = table_named(*session, "slow");
  std::thread other{[&] {
    while (shop.busy("slow") == 0) std::this_thread::yield();
    PostgresServer::instance().run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + shop.name + "'");
  }};
  Rows rows;
  auto outcome = read_into(*session, table, {"v"}, rows);
  other.join();
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == Code::unavailable);
  CHECK_FALSE(session->reset());
}

TEST_CASE("a million rows pass through in a few megabytes") {
  Shop shop;
  shop.run(
      "CREATE VIEW many AS SELECT i::bigint AS i, repeat('x', 60) AS t, (i * 1.25)::numeric(12,2) AS d FROM "
      "generate_series(1, 1000000) i");
  auto session = shop.open();
  const auto table = table_named(*session, "many");
  std::size_t rows = 0, peak = 0;
  const auto before = held_kib();
  const auto count = [&](data::Batch batch) -> Result<void> {
    rows += batch.rows;
    peak = std::max(peak, held_kib());
    return {};
  };
  auto outcome = session->read(intent_for(table, {"i", "t", "d"}), table, {std::chrono::minutes{2}}, count);
  if (!outcome) FAIL(outcome.error().text());
  CHECK(rows == 1'000'000);
  CHECK(peak - std::min(before, peak) < 24 * 1024);
}

TEST_CASE("error texts carry no values") {
  Shop shop;
  shop.run(
      "CREATE TABLE people (id int, email text); INSERT INTO people VALUES (1, 'canary@example.com');"
      "CREATE VIEW leak AS SELECT CAST(email AS integer) AS v FROM people;"
      "CREATE FUNCTION shout() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION "
      "'canary@example.com'; END $$;"
      "CREATE VIEW raised AS SELECT public.shout() AS v");
  auto session = shop.open();
  for (const char* view : {"leak", "raised"}) {
    const auto table = table_named(*session, view);
    Rows rows;
    auto outcome = read_into(*session, table, {"v"}, rows);
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().code == Code::database_error);
    CHECK(outcome.error().text().find("canary") == std::string::npos);
  }
}

TEST_CASE("what the user may not read is not discovered, and is denied when asked for") {
  Shop shop;
  shop.run(
      "DROP ROLE IF EXISTS partial; CREATE ROLE partial LOGIN PASSWORD 'secret';"
      "CREATE TABLE hidden (a int); CREATE TABLE half (id int PRIMARY KEY, open text, closed text, ref int "
      "UNIQUE);"
      "GRANT SELECT (id, open) ON half TO partial; CREATE SCHEMA other; CREATE TABLE other.t (a int); GRANT "
      "SELECT ON other.t TO partial");
  auto session = shop.open(Access::read, "partial");
  auto schema = session->discover();
  REQUIRE(schema);
  CHECK(schema->tables.size() == 1);
  const auto* half = schema->table("half");
  REQUIRE(half);
  CHECK(half->columns.size() == 2);
  CHECK(half->unique_keys.empty());
  CHECK(half->primary_key == std::vector<std::string>{"id"});
  shop.run("INSERT INTO half VALUES (1, 'yes', 'no', 1)");
  Rows open;
  const sources::ReadLimits limits{std::chrono::seconds{30}, {half}};
  auto read = session->read(intent_for(*half, {"id", "open"}), *half, limits, into(open));
  if (!read) FAIL(read.error().text());
  CHECK(open == Rows{{std::int64_t{1}, std::string{"yes"}}});
  data::TableInfo known = *half;
  known.name = "hidden";
  known.columns = {{"a", "integer", {Kind::int64}, true, {}, {}}};
  Rows rows;
  auto denied = read_into(*session, known, {"a"}, rows);
  REQUIRE_FALSE(denied);
  CHECK(denied.error().code == Code::schema_access_denied);
  shop.run("DROP OWNED BY partial; DROP ROLE partial");
}

TEST_CASE("a schema of 2,000 tables is discovered, other schemas and partitions included once") {
  Shop shop;
  std::string sql;
  for (int i = 0; i < 2'000; ++i) {
    sql += "CREATE TABLE many_" + std::to_string(i) + " (id int PRIMARY KEY, v text DEFAULT 'x');";
    if (i % 250 == 249) shop.run(std::exchange(sql, ""));  // a transaction can lock only so many
  }
  shop.run(
      "CREATE SCHEMA sales; CREATE TABLE sales.orders (id int PRIMARY KEY); CREATE TABLE refs (o int "
      "REFERENCES sales.orders);"
      "CREATE TABLE parts (id int, d date) PARTITION BY RANGE (d); CREATE TABLE parts_1 PARTITION OF parts "
      "FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');"
      "CREATE MATERIALIZED VIEW frozen AS SELECT 1 AS one; CREATE TABLE partial (a int, b int); CREATE "
      "UNIQUE INDEX ON partial (a) WHERE b > 0;"
      "CREATE UNIQUE INDEX ON partial (b) INCLUDE (a); INSERT INTO partial VALUES (1, 1); ANALYZE partial");
  auto session = shop.open();
  auto schema = session->discover();
  REQUIRE(schema);
  CHECK(schema->tables.size() == 2'005);
  CHECK(schema->table("many_1999")->primary_key == std::vector<std::string>{"id"});
  CHECK(schema->table("refs")->foreign_keys ==
        std::vector<data::ForeignKey>{{{"o"}, "sales.orders", {"id"}}});
  CHECK(schema->table("frozen")->view);
  CHECK(schema->table("parts"));
  CHECK_FALSE(schema->table("parts_1"));
  CHECK(schema->table("partial")->unique_keys == std::vector<std::vector<std::string>>{{"b"}});
  CHECK(schema->table("partial")->row_estimate == 1);
  CHECK(read_all(*session, intent_for(*schema->table("sales.orders"), {"id"}), *schema->table("sales.orders"))
            .empty());
}

TEST_CASE("one call sees one state, however the table changes meanwhile") {
  Shop shop;
  shop.run(
      "CREATE TABLE t (id int PRIMARY KEY, g int); INSERT INTO t SELECT i, 0 FROM generate_series(1, 12000) "
      "i");
  auto session = shop.open();
  const auto table = table_named(*session, "t");
  // The keys come in two groups; between them every row changes.
  Rows keys;
  for (std::int64_t i = 1; i <= 12'000; ++i) keys.push_back({i});
  auto all = batch_of(type_of(table, {"id"}), keys);
  int calls = 0;
  const auto source = [&]() -> Result<std::optional<data::Batch>> {
    if (++calls == 2) shop.run("UPDATE t SET g = 1");
    if (calls > 2) return std::optional<data::Batch>{};
    return std::optional{all};
  };
  Rows rows;
  REQUIRE(session->read_keys(table, {"g"}, {"id"}, source, {}, into(rows)));
  CHECK(rows.size() == 24'000);
  CHECK(
      std::all_of(rows.begin(), rows.end(), [](const Row& row) { return row[0] == Value{std::int64_t{0}}; }));
}

TEST_CASE(
    "PostgreSQL: nobody redefines a view, nor what it stands on, between the look at it and the end of the read") {
  Shop shop;
  shop.run("CREATE TABLE t (a int, b int)");
  shop.run("INSERT INTO t VALUES (1, 2)");
  shop.run("CREATE VIEW under AS SELECT a FROM t");
  shop.run("CREATE VIEW shown AS SELECT a FROM under");
  auto reader = shop.open();
  auto schema = reader->discover();
  REQUIRE(schema);
  const auto& approved = *schema->table("shown");
  const sources::ReadLimits limits{std::chrono::seconds{30}, data::with_what_they_read(*schema, {"shown"})};
  std::string tried;
  const auto redefine = [&](const data::Batch&) -> Result<void> {
    for (const std::string view : {"under", "shown"}) {
      try {
        shop.run("SET lock_timeout = '50ms'; CREATE OR REPLACE VIEW " + view + " AS SELECT b AS a FROM t");
      } catch (const std::runtime_error& error) {
        tried += std::string{error.what()}.find("lock timeout") != std::string::npos ? view : error.what();
      }
    }
    return {};
  };
  REQUIRE(reader->read(intent_for(approved, {"a"}), approved, limits, redefine));
  CHECK(tried == "undershown");
  tried.clear();
  REQUIRE(reader->query({"SELECT a FROM shown", {}, true, {}, {}}, limits, redefine));
  CHECK(tried == "undershown");
}
