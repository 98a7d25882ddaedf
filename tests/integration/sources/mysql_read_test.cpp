// Reading from MariaDB: exact, read-only by the server's own means, stopped when told, in bounded memory.
#include <catch2/catch.hpp>

#include <fstream>
#include <thread>

#ifdef __SANITIZE_ADDRESS__
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();  // gcc does not ship the header
#endif

#include "../../support/late_proxy.hpp"
#include "../../support/mariadb_shop.hpp"

using namespace vmc;
using namespace vmc::test;
using data::Kind;
using data::Value;
using sources::Access;

namespace {

using Shop = MariadbShop;

Result<void> read_into(sources::Session& session, const data::TableInfo& table, const std::vector<std::string>& columns,
                       Rows& rows, Duration timeout = std::chrono::seconds{30}) {
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

std::string text_of(const Value& value) { return data::is_null(value) ? "NULL" : data::format(value); }

sources::SqlQuery statement(std::string text, std::vector<Value> params = {}) {
  sources::SqlQuery query;
  query.text = std::move(text);
  query.params = std::move(params);
  return query;
}

Error refused(sources::Session& session, const sources::SqlQuery& query) {
  Rows rows;
  auto outcome = session.query(query, {}, into(rows));
  REQUIRE_FALSE(outcome);
  return outcome.error();
}

}  // namespace

TEST_CASE("MariaDB: every type is read exactly at its extremes and as null") {
  struct Case {
    const char* type;
    std::vector<const char*> stored;  // as SQL
    data::Type kind;
    std::vector<std::string> read;
  };
  const std::vector<Case> cases{
      {"boolean", {"0", "1"}, {Kind::boolean}, {"false", "true"}},
      {"tinyint", {"-128", "127"}, {Kind::int64}, {"-128", "127"}},
      {"tinyint unsigned", {"0", "255"}, {Kind::int64}, {"0", "255"}},
      {"smallint", {"-32768", "32767"}, {Kind::int64}, {"-32768", "32767"}},
      {"smallint unsigned", {"65535"}, {Kind::int64}, {"65535"}},
      {"mediumint", {"-8388608", "8388607"}, {Kind::int64}, {"-8388608", "8388607"}},
      {"mediumint unsigned", {"16777215"}, {Kind::int64}, {"16777215"}},
      {"int", {"-2147483648", "2147483647"}, {Kind::int64}, {"-2147483648", "2147483647"}},
      {"int unsigned zerofill", {"7", "4294967295"}, {Kind::int64}, {"7", "4294967295"}},
      {"bigint",
       {"-9223372036854775808", "9223372036854775807"},
       {Kind::int64},
       {"-9223372036854775808", "9223372036854775807"}},
      {"bigint unsigned", {"0", "18446744073709551615"}, {Kind::decimal, 20, 0}, {"0", "18446744073709551615"}},
      {"decimal(65,30)",
       {"99999999999999999999999999999999999.999999999999999999999999999999", "-0.000000000000000000000000000001"},
       {Kind::number},
       {"99999999999999999999999999999999999.999999999999999999999999999999", "-0.000000000000000000000000000001"}},
      {"decimal(38,38)",
       {"0.99999999999999999999999999999999999999"},
       {Kind::decimal, 38, 38},
       {"0.99999999999999999999999999999999999999"}},
      {"decimal(38,0)",
       {"-99999999999999999999999999999999999999"},
       {Kind::decimal, 38, 0},
       {"-99999999999999999999999999999999999999"}},
      {"decimal(12,2) unsigned", {"0.05", "9999999999.99"}, {Kind::decimal, 12, 2}, {"0.05", "9999999999.99"}},
      {"float", {"0.1", "-3.40282347e38"}, {Kind::float64}, {"0.10000000149011612", "-3.4028234663852886e+38"}},
      {"double", {"0.1", "-1.7976931348623157e308"}, {Kind::float64}, {"0.1", "-1.7976931348623157e+308"}},
      {"bit(1)", {"b'0'", "b'1'"}, {Kind::boolean}, {"false", "true"}},
      {"bit(9)", {"b'100000001'"}, {Kind::int64}, {"257"}},
      {"bit(64)", {"18446744073709551615"}, {Kind::decimal, 20, 0}, {"18446744073709551615"}},
      {"year", {"1901", "2155", "0"}, {Kind::int64}, {"1901", "2155", "0"}},
      {"date", {"'0001-01-01'", "'9999-12-31'"}, {Kind::date}, {"0001-01-01", "9999-12-31"}},
      {"time", {"'-838:59:59'", "'838:59:59'", "'00:00:00'"}, {Kind::time}, {"-838:59:59", "838:59:59", "00:00:00"}},
      {"time(6)", {"'-00:00:00.000001'", "'23:59:59.999999'"}, {Kind::time}, {"-00:00:00.000001", "23:59:59.999999"}},
      {"datetime", {"'2024-02-29 00:00:00'"}, {Kind::timestamp}, {"2024-02-29 00:00:00"}},
      {"datetime(6)",
       {"'0001-01-01 00:00:00'", "'9999-12-31 23:59:59.999999'"},
       {Kind::timestamp},
       {"0001-01-01 00:00:00", "9999-12-31 23:59:59.999999"}},
      {"timestamp(6) NULL",
       {"'1970-01-01 00:00:01'", "'2038-01-19 03:14:07.999999'"},
       {Kind::timestamptz},
       {"1970-01-01 00:00:01+00", "2038-01-19 03:14:07.999999+00"}},
      {"char(5)", {"'ab   '", "'日本😀'"}, {Kind::text}, {"ab", "日本😀"}},
      {"varchar(20)", {"'ab  '", "''"}, {Kind::text}, {"ab  ", ""}},
      {"varchar(20) CHARACTER SET latin1", {"'zażółć'", "'é'"}, {Kind::text}, {"za?ó??", "é"}},
      {"varchar(20) CHARACTER SET utf8mb3", {"'日本'"}, {Kind::text}, {"日本"}},
      {"varchar(20) CHARACTER SET utf16", {"'日😀'"}, {Kind::text}, {"日😀"}},
      {"tinytext", {"'x'"}, {Kind::text}, {"x"}},
      {"longtext", {"'\\\\ \\t'"}, {Kind::text}, {"\\ \t"}},
      {"binary(4)", {"x'00ff'"}, {Kind::bytes}, {std::string{"\0\xff\0\0", 4}}},
      {"varbinary(4)", {"x''", "x'00'"}, {Kind::bytes}, {"", std::string{"\0", 1}}},
      {"longblob", {"x'00ff5c'"}, {Kind::bytes}, {std::string{"\0\xff\\", 3}}},
      {"enum('calm','wild ''one''')", {"'wild ''one'''", "1"}, {Kind::text}, {"wild 'one'", "calm"}},
      {"set('a','b','c')", {"'c,a'", "''"}, {Kind::text}, {"a,c", ""}},
      {"json", {"'{\"b\": 1.50, \"a\": null}'"}, {Kind::json}, {R"({"b": 1.50, "a": null})"}},
      {"uuid", {"'00112233-4455-6677-8899-aabbccddeeff'"}, {Kind::uuid}, {"00112233-4455-6677-8899-aabbccddeeff"}},
      {"inet6", {"'::1'"}, {Kind::text}, {"::1"}},
      {"inet4", {"'10.0.0.1'"}, {Kind::text}, {"10.0.0.1"}},
      {"point",
       {"ST_GeomFromText('POINT(1 2)')"},
       {Kind::bytes},
       {std::string{"\0\0\0\0\1\1\0\0\0\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\x40", 25}}},
  };
  Shop shop;
  auto session = shop.open();
  for (const auto& one : cases) {
    INFO(one.type);
    shop.run(std::string{"SET sql_mode = ''; DROP TABLE IF EXISTS t; CREATE TABLE t (n int, v "} + one.type + ")");
    int n = 0;
    for (const char* value : one.stored)
      shop.run("SET sql_mode = ''; INSERT INTO t VALUES (" + std::to_string(n++) + ", " + value + ")");
    shop.run("INSERT INTO t VALUES (99, NULL)");
    const auto table = table_named(*session, "t");
    CHECK(data::to_string(table.column("v")->type) == data::to_string(one.kind));
    const auto text = [](const Value& value) {
      const auto* bytes = std::get_if<Bytes>(&value);
      return bytes ? std::string{as_text(*bytes)} : text_of(value);
    };
    std::vector<std::string> read, described;
    for (const auto& row : read_all(*session, intent_for(table, {"v"}, {{"n", false}}), table))
      read.push_back(text(row[0]));
    auto expected = one.read;
    expected.push_back("NULL");
    CHECK(read == expected);
    // A statement written by hand gives the very same, from the result's own description.
    Rows rows;
    auto type = session->query(statement("SELECT v FROM t ORDER BY n"), {}, into(rows));
    if (!type) FAIL(type.error().text());
    CHECK(data::to_string((**type)[0].type) == data::to_string(one.kind));
    for (const auto& row : rows) described.push_back(text(row[0]));
    CHECK(described == expected);
  }
}

TEST_CASE("MariaDB: what cannot be carried fails the read, naming the column and not the value") {
  Shop shop;
  shop.run(
      "SET sql_mode = ''; CREATE TABLE bad (d date, e datetime, t time(6), b boolean); INSERT INTO bad VALUES "
      "('0000-00-00', '2024-00-10', '838:59:59.5', 5)");
  auto session = shop.open();
  const auto table = table_named(*session, "bad");
  for (const char* column : {"d", "e", "t", "b"}) {
    Rows rows;
    auto outcome = read_into(*session, table, {column}, rows);
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().message.starts_with("table 'bad', column '" + std::string{column} + "', row 1 of this read"));
    CHECK(session->query(statement(std::string{"SELECT CAST("} + column + " AS CHAR) FROM bad"), {}, into(rows)));
  }
  // A type changed behind our back is refused, never misread.
  shop.run("ALTER TABLE bad MODIFY d varchar(20)");
  Rows rows;
  CHECK(read_into(*session, table, {"d"}, rows).error().code == Code::conflict);
}

TEST_CASE("MariaDB: an enum is ordered and split by its text, whatever its numbers") {
  Shop shop;
  shop.run(
      "CREATE TABLE m (id int PRIMARY KEY, mood enum('z','a','m') NOT NULL); INSERT INTO m VALUES (1, 'z'), (2, 'a'), "
      "(3, 'm')");
  auto session = shop.open();
  const auto table = table_named(*session, "m");
  CHECK(table.column("mood")->enum_values == std::vector<std::string>{"z", "a", "m"});
  auto split = session->split(intent_for(table, {"id"}), table, {"mood"}, 1, {});
  REQUIRE(split);
  std::size_t seen = 0;
  for (const auto& part : split->parts) {
    auto intent = intent_for(table, {"id"});
    intent.ranges = {part};
    seen += read_all(*session, intent, table).size();
  }
  CHECK(seen == 3);
}

TEST_CASE("MariaDB: a default that names a private column shows it, and so do versions of rows") {
  Shop shop;
  shop.run(
      "CREATE TABLE people (id int PRIMARY KEY, email varchar(40), login varchar(60) DEFAULT (concat(email, '!')),"
      " quoted varchar(9) DEFAULT 'a`b', total int AS (id + 1) VIRTUAL) WITH SYSTEM VERSIONING;"
      "INSERT INTO people (id, email, login) VALUES (1, 'canary', 'x')");
  CHECK(shop.run("SELECT DEFAULT(login) FROM people") == "canary!");
  const auto schema = shop.open()->discover();
  REQUIRE(schema);
  data::Parts parts{{"people", {"email"}}};
  data::add_derived(*schema, parts);
  CHECK(parts == data::Parts{{"people", {"email", "login"}}});
}

TEST_CASE("MariaDB: a view that writes is refused by the database itself") {
  Shop shop;
  shop.run("CREATE TABLE log (a int); CREATE SEQUENCE counter");
  shop.run("CREATE FUNCTION note() RETURNS int MODIFIES SQL DATA BEGIN INSERT INTO log VALUES (1); RETURN 1; END");
  shop.run("CREATE VIEW noted AS SELECT note() AS v; CREATE VIEW bump AS SELECT nextval(counter) AS v");
  auto session = shop.open();
  for (const char* view : {"noted", "bump"}) {
    INFO(view);
    data::TableInfo table;  // discovery, which is read-only too, finds no such view
    table.name = view;
    table.columns = {{"v", "bigint", {Kind::int64}, true, {}, {}}};
    Rows rows;
    auto outcome = read_into(*session, table, {"v"}, rows);
    REQUIRE_FALSE(outcome);
    INFO(outcome.error().text());
    CHECK(outcome.error().code == Code::write_operation_rejected);
    CHECK(session->reset());
  }
  CHECK(shop.run("SELECT count(*) FROM log") == "0");
}

TEST_CASE("MariaDB: every use of a session starts from the same pinned state") {
  Shop shop;
  MariadbServer::instance().run("SET GLOBAL sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES'");
  auto session = shop.open();
  const auto look = [&] {
    Rows rows;
    auto seen =
        session->query(statement("SELECT \"x\" AS a, 0 || 1 AS b, '\\\\' AS c, @@sql_mode AS d, @@time_zone AS e, "
                                 "@@character_set_client AS f, @@tx_read_only + 0 AS g, @@tx_isolation AS h, "
                                 "@@max_statement_time AS i, @mine AS j, IS_USED_LOCK('vmc-test') AS k"),
                       {std::chrono::seconds{7}}, into(rows));
    if (!seen) FAIL(seen.error().text());
    std::vector<std::string> out;
    for (const auto& value : rows.at(0)) out.push_back(text_of(value));
    return out;
  };
  const std::vector<std::string> pinned{
      "x",      "1",       "\\",  "STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION",
      "+00:00", "utf8mb4", "1",   "REPEATABLE-READ",
      "7",      "NULL",    "NULL"};
  CHECK(look() == pinned);
  // What the guard would never pass: should it come through all the same, nothing of it is left afterwards.
  Rows rows;
  REQUIRE(session->query(statement("SELECT @mine := 'kept', GET_LOCK('vmc-test', 1)"), {}, into(rows)));
  REQUIRE(session->reset());
  CHECK(look() == pinned);
  MariadbServer::instance().run("SET GLOBAL sql_mode = DEFAULT");
}

TEST_CASE("MariaDB: a definition that may hold a password, or is a view's source, is not shown") {
  Shop shop;
  auto& server = MariadbServer::instance();
  server.run("INSTALL SONAME 'ha_sphinx'");
  shop.run(
      "CREATE TABLE near (id int PRIMARY KEY); CREATE VIEW seen AS SELECT id FROM near WHERE id <> 4711; CREATE TABLE far "
      "(id bigint unsigned NOT NULL, weight int NOT NULL, query varchar(255) NOT NULL, INDEX (query)) ENGINE = SPHINX "
      "CONNECTION = 'sphinx://user:secret@127.0.0.1:1/far'");
  auto session = shop.open();
  const auto shows = [](const std::string& table) {
    auto query = statement("SHOW CREATE TABLE " + table);
    query.definition = table;
    return query;
  };
  Rows rows;
  REQUIRE(session->query(shows("near"), {}, into(rows)));
  CHECK(rows.size() == 1);
  for (const char* table : {"far", "seen", "nowhere"}) {
    const auto error = refused(*session, shows(table));
    CHECK(error.code == Code::schema_access_denied);
    CHECK(error.text().find("DESCRIBE") != std::string::npos);
  }
  shop.run("DROP TABLE far");
  server.run("UNINSTALL SONAME 'ha_sphinx'");
}

TEST_CASE("MariaDB: a customer's function or table never stands in for what another server has built in") {
  Shop shop;
  auto& server = MariadbServer::instance();
  server.run("SET GLOBAL log_bin_trust_function_creators = 1");
  shop.run("CREATE TABLE secrets (id int PRIMARY KEY, word varchar(20)); INSERT INTO secrets VALUES (1, 'swordfish'); "
           "CREATE FUNCTION any_value(x int) RETURNS varchar(20) READS SQL DATA RETURN (SELECT word FROM seq_one_to_two); "
           "RENAME TABLE secrets TO seq_one_to_two");
  server.run("GRANT EXECUTE ON *.* TO CURRENT_USER");
  auto session = shop.open();
  const auto asks = [](const char* text, const char* name) {
    auto query = statement(text);
    query.calls.emplace(name, -1);
    return query;
  };
  auto calls = asks("SELECT any_value(1)", "any_value");
  CHECK(refused(*session, calls).text().find("'any_value' means a function of the customer's own") != std::string::npos);
  CHECK(refused(*session, asks("SELECT * FROM seq_one_to_two", "seq_one_to_two")).code == Code::write_operation_rejected);
  Rows rows;
  REQUIRE(session->query(asks("SELECT seq, json_storage FROM (SELECT seq, 1 AS json_storage FROM seq_1_to_3) s", "seq_1_to_3"), {},
                         into(rows)));
  CHECK(rows.size() == 3);
  REQUIRE(session->query(asks("SELECT nvl(NULL, 1)", "nvl"), {}, into(rows)));
  calls.functions = {"any_value"};
  REQUIRE(session->query(calls, {}, into(rows)));
  server.run("SET GLOBAL log_bin_trust_function_creators = 0");
}

TEST_CASE("MariaDB: statements written by hand bind their values and know their columns") {
  Shop shop;
  shop.run(
      "CREATE TABLE t (id int PRIMARY KEY, name varchar(20), price decimal(10,2)); INSERT INTO t VALUES (1, 'a', 1.5), "
      "(2, 'b''; DROP TABLE t', 2.25)");
  auto session = shop.open();
  const auto table = table_named(*session, "t");
  Rows rows;
  auto type = session->query(
      statement("SELECT name AS n, price * 2 AS n, ? AS p FROM t WHERE name = ? AND price > ? LIMIT ?",
                {std::int64_t{7}, std::string{"b'; DROP TABLE t"}, data::Decimal{2, 0}, std::int64_t{5}}),
      {}, into(rows));
  if (!type) FAIL(type.error().text());
  CHECK(data::to_string((**type)[1].type) == "decimal(11,2)");
  REQUIRE(rows.size() == 1);
  CHECK(rows[0][1] == Value{data::Decimal{450, 2}});
  CHECK(rows[0][2] == Value{std::int64_t{7}});
  rows.clear();
  REQUIRE(session->query(statement("SHOW TABLES"), {}, into(rows)));
  CHECK(rows == Rows{{std::string{"t"}}});

  auto star = statement("SELECT * FROM t");
  star.whole = {&table};
  REQUIRE(session->query(star, {}, into(rows)));
  shop.run("ALTER TABLE t ADD COLUMN hidden int");
  CHECK(refused(*session, star).code == Code::schema_access_denied);

  CHECK(refused(*session, statement("SELECT 1; SELECT 2")).code == Code::invalid_request);
  CHECK(refused(*session, statement("SELECT ?")).code == Code::invalid_request);
  const auto wrong = refused(*session, statement("SELECT nme FROM t"));
  CHECK(wrong.code == Code::invalid_request);
  CHECK(wrong.text().find("nme") != std::string::npos);
  CHECK(refused(*session, statement("DELETE FROM t")).code != Code::internal);
  CHECK(refused(*session, statement("LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE t")).code != Code::internal);
  CHECK(shop.run("SELECT count(*) FROM t") == "2");
}

TEST_CASE("MariaDB: a timeout and a cancel stop the statement on the server") {
  Shop shop;
  shop.run("CREATE VIEW slow AS SELECT CAST(SLEEP(600) AS CHAR) AS v");
  auto session = shop.open();
  const auto table = table_named(*session, "slow");
  Rows rows;
  auto timed = read_into(*session, table, {"v"}, rows, std::chrono::milliseconds{100});
  REQUIRE_FALSE(timed);
  CHECK(timed.error().code == Code::query_timeout);
  CHECK(shop.busy("slow") == 0);

  session = shop.open();
  std::thread other{[&] {
    while (shop.busy("slow") == 0) std::this_thread::yield();
    session->interrupt();
  }};
  auto cancelled = read_into(*session, table, {"v"}, rows, std::chrono::minutes{5});
  other.join();
  REQUIRE_FALSE(cancelled);
  CHECK(cancelled.error().code == Code::cancelled);
  CHECK(shop.busy("slow") == 0);
  CHECK_FALSE(session->reset());  // a late stop must not hit the next user
}

TEST_CASE("MariaDB: a cancel that comes before its statement stops it all the same") {
  Shop shop;
  shop.run("CREATE VIEW slow AS SELECT CAST(SLEEP(600) AS CHAR) AS v");
  const auto table = table_named(*shop.open(), "slow");
  std::unique_ptr<sources::Session> session;
  const LateProxy proxy{MariadbServer::instance().port(), "FROM `slow`", [&] { session->interrupt(); }};
  auto settings = MariadbServer::instance().settings(shop.name);
  settings.host = "127.0.0.1";
  settings.port = proxy.port();
  settings.sslmode = "disable";  // the proxy reads along
  session = std::move(sources::make_mysql_source(settings)->open(Access::read, std::chrono::seconds{10}).value());
  Rows rows;
  auto cancelled = read_into(*session, table, {"v"}, rows, std::chrono::minutes{5});
  REQUIRE_FALSE(cancelled);
  CHECK(cancelled.error().code == Code::cancelled);
  CHECK(shop.busy("slow") == 0);
}

TEST_CASE("MariaDB: a sink that gives up stops a long statement on the server") {
  Shop shop;
  shop.run("CREATE VIEW long_one AS SELECT a.seq AS i FROM seq_1_to_100000 a, seq_1_to_100000 b");
  auto session = shop.open();
  const auto table = table_named(*session, "long_one");
  const auto full = [](data::Batch) -> Result<void> { return fail(Code::quota_exceeded, "no room"); };
  auto outcome = session->read(intent_for(table, {"i"}), table, {std::chrono::minutes{5}}, full);
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == Code::quota_exceeded);
  CHECK(shop.busy("long_one") == 0);
}

TEST_CASE("MariaDB: a server that ends the connection is told as unavailable and the session is thrown away") {
  Shop shop;
  shop.run("CREATE VIEW slow AS SELECT CAST(SLEEP(600) AS CHAR) AS v");
  auto session = shop.open();
  const auto table = table_named(*session, "slow");
  std::thread other{[&] {
    while (shop.busy("slow") == 0) std::this_thread::yield();
    shop.run("KILL CONNECTION " + shop.run("SELECT ID FROM information_schema.PROCESSLIST WHERE INFO LIKE '%slow%' AND "
                                           "ID <> CONNECTION_ID()"));
  }};
  Rows rows;
  auto outcome = read_into(*session, table, {"v"}, rows);
  other.join();
  REQUIRE_FALSE(outcome);
  INFO(outcome.error().text());
  CHECK(outcome.error().code == Code::unavailable);
  CHECK_FALSE(session->reset());
}

TEST_CASE("MariaDB: a million rows pass through in a few megabytes") {
  Shop shop;
  shop.run(
      "CREATE VIEW many AS SELECT seq AS i, repeat('x', 60) AS t, CAST(seq * 1.25 AS decimal(12,2)) AS d FROM "
      "seq_1_to_1000000");
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

TEST_CASE("MariaDB: error texts carry no values") {
  Shop shop;
  shop.run("CREATE TABLE people (id int, email text); INSERT INTO people VALUES (1, 'canary@example.com')");
  shop.run(
      "CREATE FUNCTION shout(w text) RETURNS int BEGIN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = "
      "'canary@example.com'; RETURN 1; END");
  shop.run("CREATE VIEW raised AS SELECT shout(email) AS v FROM people");
  auto session = shop.open();
  const auto table = table_named(*session, "raised");
  Rows rows;
  auto outcome = read_into(*session, table, {"v"}, rows);
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().text().find("canary") == std::string::npos);
  const auto raised = refused(*session, statement("SELECT shout(email) FROM people"));
  CHECK(raised.text().find("canary") == std::string::npos);
}

TEST_CASE("MariaDB: what the user may not read is not discovered, and is denied when asked for") {
  Shop shop;
  shop.run(
      "CREATE TABLE hidden (a int); CREATE TABLE half (id int PRIMARY KEY, open text, closed text, ref int UNIQUE)");
  shop.user("partial");
  shop.run("GRANT SELECT (id, open) ON half TO partial; GRANT INSERT ON hidden TO partial");
  auto session = shop.open(Access::read, "partial");
  auto schema = session->discover();
  REQUIRE(schema);
  CHECK(schema->tables.size() == 1);
  const auto* half = schema->table("half");
  REQUIRE(half);
  CHECK(names_of(*half) == std::vector<std::string>{"id", "open"});
  CHECK(half->unique_keys.empty());
  CHECK(half->primary_key == std::vector<std::string>{"id"});
  data::TableInfo known = *half;
  known.name = "hidden";
  known.columns = {{"a", "int", {Kind::int64}, true, {}, {}}};
  Rows rows;
  auto denied = read_into(*session, known, {"a"}, rows);
  REQUIRE_FALSE(denied);
  CHECK(denied.error().code == Code::schema_access_denied);
  shop.run("DROP USER partial");
}

TEST_CASE("MariaDB: a schema of 2,000 tables is discovered, its own database only") {
  Shop shop, other;
  other.run("CREATE TABLE stranger (id int PRIMARY KEY)");
  std::string sql;
  for (int i = 0; i < 2'000; ++i)
    sql += "CREATE TABLE many_" + std::to_string(i) + " (id int PRIMARY KEY, v varchar(10) DEFAULT 'x') ENGINE = Aria;";
  shop.run(sql);
  shop.run(
      "CREATE TABLE invisible (a int, b int INVISIBLE DEFAULT 1); CREATE SEQUENCE numbers; CREATE TABLE prefixed (a "
      "varchar(50), UNIQUE (a(10))); CREATE TABLE versioned (a int) WITH SYSTEM VERSIONING");
  auto session = shop.open();
  auto schema = session->discover();
  REQUIRE(schema);
  CHECK(schema->tables.size() == 2'003);
  CHECK(schema->table("many_1999")->primary_key == std::vector<std::string>{"id"});
  CHECK(names_of(*schema->table("invisible")) == std::vector<std::string>{"a"});
  CHECK(schema->table("prefixed")->unique_keys.empty());
  CHECK(schema->table("versioned"));
  CHECK_FALSE(schema->table("stranger"));
}

TEST_CASE("MariaDB: one call sees one state, however the table changes meanwhile") {
  Shop shop;
  shop.run("CREATE TABLE t (id int PRIMARY KEY, g int); INSERT INTO t SELECT seq, 0 FROM seq_1_to_12000");
  auto session = shop.open();
  const auto table = table_named(*session, "t");
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
  CHECK(std::all_of(rows.begin(), rows.end(), [](const Row& row) { return row[0] == Value{std::int64_t{0}}; }));
}

TEST_CASE("MariaDB: whether names ignore capitals is asked, and a statement judged for that runs nowhere else") {
  auto mixed = statement("WITH Many AS (SELECT O.id FROM orders o) SELECT id FROM many");
  mixed.ignores_case = true;
  for (const auto* server : {&MariadbServer::instance(), &MariadbServer::with_tls()}) {
    const bool ignores = server == &MariadbServer::with_tls();
    server->create_database("capitals");
    server->run("CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders VALUES (7)", "capitals");
    auto session = sources::make_mysql_source(server->settings("capitals"))->open(Access::read, std::chrono::seconds{30});
    REQUIRE(session.has_value());
    const auto schema = (*session)->discover();
    REQUIRE(schema.has_value());
    CHECK(schema->ignores_case == ignores);
    if (ignores) {
      Rows rows;
      const auto found = (*session)->query(mixed, {}, into(rows));
      CHECK(found.has_value());
      CHECK(rows.size() == 1);
    } else {
      CHECK(refused(**session, mixed).code == Code::schema_access_denied);
    }
  }
}
