// SQL Server through FreeTDS's ODBC driver: what it describes in an older server's words is read as what it
// is.
#include <catch2/catch.hpp>

#include <thread>

#include "../../support/mariadb_shop.hpp"
#include "../../support/odbc_driver.hpp"
#include "../../support/rows.hpp"

using namespace vmc;
using namespace vmc::test;
using data::Kind;
using data::Value;
using sources::Access;

namespace {

MssqlServer& server() { return MssqlServer::instance(); }

std::unique_ptr<sources::Session> opened(const std::string& database, const std::string& user = "sa") {
  auto session = sources::make_odbc_source(mssql_over_odbc(database, user))
                     ->open(Access::read, std::chrono::seconds{10});
  if (!session) FAIL(session.error().text());
  return std::move(*session);
}

// What the type is called, a value as the test server keeps it, and what it must be here; the type it travels
// as.
struct Case {
  const char* declared;
  const char* kept;  // an SQLite literal
  const char* shown;
  const char* type;
};

const std::vector<Case>& matrix() {
  // clang-format off
  static const std::vector<Case> cases{
      {"bit", "1", "true", "boolean"},
      {"tinyint", "255", "255", "int64"},
      {"smallint", "-32768", "-32768", "int64"},
      {"bigint", "-9223372036854775808", "-9223372036854775808", "int64"},
      {"decimal(38,38)", "'0.99999999999999999999999999999999999999'", "0.99999999999999999999999999999999999999",
       "decimal(38,38)"},
      {"numeric(19,4)", "'-999999999999999.9999'", "-999999999999999.9999", "decimal(19,4)"},
      {"money", "'-922337203685477.5808'", "-922337203685477.5808", "decimal(19,4)"},
      {"smallmoney", "'214748.3647'", "214748.3647", "decimal(10,4)"},
      {"char(4)", "'é   '", "é   ", "text"},
      {"varchar(20)", "'é€'", "é€", "text"},
      {"nchar(3)", "'ł  '", "ł  ", "text"},
      {"nvarchar(20)", "'日本 😀'", "日本 😀", "text"},
      {"nvarchar(20)", "'a' || char(0) || 'b'", nullptr, "text"},
      {"varchar(max)", "''", "", "text"},
      {"ntext", "'ł'", "ł", "text"},
      {"xml", "'<a/>'", "<a/>", "text"},
      {"date", "'0001-01-01'", "0001-01-01", "date"},
      {"date", "'9999-12-31'", "9999-12-31", "date"},
      {"time(0)", "'23:59:59.0000000'", "23:59:59", "time"},
      {"time(6)", "'00:00:00.0000010'", "00:00:00.000001", "time"},
      {"time(7)", "'00:00:00.0000001'", "00:00:00.0000001", "text"},
      {"datetime2(0)", "'0001-01-01 00:00:00.0000000'", "0001-01-01 00:00:00", "timestamp"},
      {"datetime2(6)", "'9999-12-31 23:59:59.9999990'", "9999-12-31 23:59:59.999999", "timestamp"},
      {"datetime2(7)", "'0999-12-31 23:59:59.9999999'", "0999-12-31 23:59:59.9999999", "text"},
      {"datetime", "'1753-01-01 00:00:00.0030000'", "1753-01-01 00:00:00.003", "timestamp"},
      {"smalldatetime", "'2079-06-06 23:59:00.0000000'", "2079-06-06 23:59:00", "timestamp"},
      {"datetimeoffset(6)", "'0001-01-01 00:00:00.0000010Z+14:00'", "0001-01-01 00:00:00.000001+00", "timestamptz"},
      {"datetimeoffset(7)", "'2024-02-29 23:00:00.1234567Z+02:00'", "2024-03-01 01:00:00.1234567 +02:00", "text"},
      {"uniqueidentifier", "'6F9619FF-8B86-D011-B42D-00C04FC964FF'", "6f9619ff-8b86-d011-b42d-00c04fc964ff", "uuid"}};
  // clang-format on
  return cases;
}

}  // namespace

TEST_CASE("ODBC, SQL Server: every type comes exactly, at its ends and as null, and is found by its value") {
  server().create_database("odbc_types");
  std::size_t number = 0;
  for (const auto& one : matrix()) {
    const auto name = "t" + std::to_string(number++);
    INFO(one.declared << " " << one.kept);
    server().run("CREATE TABLE " + name + " (k int NOT NULL PRIMARY KEY, v " + one.declared + ")",
                 "odbc_types");
    server().run("INSERT INTO " + name + " VALUES (1, " + one.kept + "), (2, NULL)", "odbc_types");
  }
  auto session = opened("odbc_types");
  const auto schema = session->discover();
  if (!schema) FAIL(schema.error().text());
  number = 0;
  for (const auto& one : matrix()) {
    INFO(one.declared << " " << one.kept);
    const auto* table = schema->table("t" + std::to_string(number++));
    REQUIRE(table);
    CHECK(data::to_string(table->column("v")->type) == one.type);
    const auto rows = read_all(*session, intent_for(*table, {"k", "v"}, {{"k", false}}), *table);
    REQUIRE(rows.size() == 2);
    const std::string shown = one.shown ? std::string{one.shown} : std::string{"a\0b", 3};
    CHECK(data::format(rows[0][1]) == shown);
    CHECK(data::is_null(rows[1][1]));
    auto found = intent_for(*table, {"k"});
    found.filter = data::Filter{data::Filter::Op::eq, "v", {rows[0][1]}, {}};
    CHECK(read_all(*session, found, *table) == Rows{{std::int64_t{1}}});
  }
  CHECK(server().seen().at("unknown").empty());
}

TEST_CASE("ODBC, SQL Server: bytes come whole, and half a pair of UTF-16 is told by its place") {
  server().create_database("odbc_cells");
  server().run(
      "CREATE TABLE t (k int NOT NULL PRIMARY KEY, b varbinary(max), l nvarchar(max), v nvarchar(20))",
      "odbc_cells");
  server().run(
      "INSERT INTO t SELECT 1, CAST(replace(hex(zeroblob(50000)), '00', 'ab') AS BLOB), "
      "replace(hex(zeroblob(50000)), "
      "'00', 'x😀'), 'fine'",
      "odbc_cells");
  auto session = opened("odbc_cells");
  const auto table = table_named(*session, "t");
  const auto rows = read_all(*session, intent_for(table, {"b", "l"}), table);
  REQUIRE(rows.size() == 1);
  std::string text;
  Bytes bytes;
  for (int i = 0; i < 50'000; ++i) {
    text += "x😀";
    bytes.push_back('a'), bytes.push_back('b');
  }
  CHECK((rows[0][0] == Value{bytes}));
  CHECK((rows[0][1] == Value{text}));
  server().run("INSERT INTO t VALUES (2, x'', char(63743) || 'x', char(63743))", "odbc_cells");
  for (const char* column : {"l", "v"}) {
    Rows none;
    const auto outcome = session->read(intent_for(table, {column}, {{"k", false}}), table, {}, into(none));
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().text().find(std::string{"column '"} + column + "', row 2") != std::string::npos);
  }
}

TEST_CASE("ODBC, SQL Server: keys, views and schemas are discovered, and nothing of the server's own") {
  server().create_database("odbc_keys");
  for (const char* statement :
       {"CREATE TABLE parent (a int NOT NULL, b int NOT NULL, c int UNIQUE, PRIMARY KEY (b, a))",
        "CREATE TABLE child (k int NOT NULL PRIMARY KEY, pa int, pb int, v sql_variant, FOREIGN KEY (pb, pa) "
        "REFERENCES "
        "parent (b, a))",
        "CREATE VIEW shown AS SELECT k FROM child", "INSERT INTO parent VALUES (1, 1, 1), (2, 1, 2)"})
    server().run(statement, "odbc_keys");
  // Its name is like the other's, for whom the underscore is any character.
  server().create_database("odbc2keys");
  server().run("CREATE VIEW parent AS SELECT 1 AS a", "odbc2keys");
  server().run("CREATE TABLE elsewhere (a int)", "odbc2keys");
  auto session = opened("odbc_keys");
  const auto schema = session->discover();
  if (!schema) FAIL(schema.error().text());
  CHECK(schema->tables.size() == 3);
  const auto* parent = schema->table("parent");
  const auto* child = schema->table("child");
  REQUIRE((parent && child && schema->table("shown")));
  CHECK_FALSE(parent->view);
  CHECK(parent->primary_key == std::vector<std::string>{"b", "a"});
  CHECK(parent->unique_keys == std::vector<std::vector<std::string>>{{"c"}});
  CHECK(child->foreign_keys == std::vector<data::ForeignKey>{{{"pb", "pa"}, "parent", {"b", "a"}}});
  CHECK(parent->row_estimate == 2);
  CHECK(child->row_estimate == 0);
  CHECK_FALSE(schema->table("shown")->row_estimate);
  CHECK(schema->table("shown")->view);
  CHECK_FALSE(child->column("v"));  // a variant has as many types as rows: it is left out, with a warning
}

TEST_CASE("ODBC, SQL Server: parts, limits and lookups read each row once") {
  server().create_database("odbc_parts");
  server().run("CREATE TABLE t (code varchar(20) NOT NULL PRIMARY KEY, n int)", "odbc_parts");
  server().run(
      "INSERT INTO t WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n WHERE v < 1000) SELECT "
      "'c' || v, v "
      "FROM n",
      "odbc_parts");
  auto session = opened("odbc_parts");
  const auto table = table_named(*session, "t");
  auto all = intent_for(table, {"code", "n"}, {{"code", false}});
  const auto split = session->split(all, table, {"code"}, 300, {});
  REQUIRE(split);
  CHECK(split->parts.size() == 4);
  std::size_t rows = 0;
  for (const auto& range : split->parts) {
    auto part = all;
    part.ranges = {range};
    rows += read_all(*session, part, table).size();
  }
  CHECK(rows == 1'000);
  all.limit = 3;
  CHECK(read_all(*session, all, table).size() == 3);
  Rows found;
  Rows keys;
  for (int i = 1; i <= 500; ++i) keys.push_back({"c" + std::to_string(i)});
  keys.push_back({std::string{"nowhere"}});
  const auto key_rows = once(batch_of(type_of(table, {"code"}), keys));
  REQUIRE(session->read_keys(table, {"n"}, {"code"}, key_rows, {}, into(found)));
  CHECK(found.size() == 500);
  CHECK(server().seen().at("unknown").empty());
}

TEST_CASE("ODBC, SQL Server: an interrupt and a time limit stop the statement on the server") {
  server().create_database("odbc_stop");
  server().run(
      "CREATE VIEW endless AS WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n) SELECT "
      "CAST(count(*) AS "
      "TEXT) AS v FROM n",
      "odbc_stop");
  for (const bool interrupts : {true, false}) {
    auto session = opened("odbc_stop");
    const auto table = table_named(*session, "endless");
    server().seen();
    const auto arrived = [&] {
      const auto seen = server().seen();
      for (const auto& one : seen.at("statements"))
        if (one.at("text").get<std::string>().find("endless") != std::string::npos) return true;
      return false;
    };
    std::thread other{[&] {
      const auto limit = Steady::now() + std::chrono::seconds{30};
      while (interrupts && !arrived() && Steady::now() < limit) std::this_thread::yield();
      if (interrupts) session->interrupt();
    }};
    Rows rows;
    const Duration limit = interrupts ? Duration{std::chrono::minutes{5}} : std::chrono::milliseconds{300};
    const auto outcome = session->read(intent_for(table, {"v"}), table, {limit}, into(rows));
    other.join();
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().code == (interrupts ? Code::cancelled : Code::query_timeout));
    CHECK_FALSE(session->reset());
    CHECK(server().seen().at("attentions") >= 1);
  }
}

TEST_CASE("ODBC, SQL Server: a lost connection is told, though its driver has no word for it") {
  server().create_database("odbc_gone");
  server().run("CREATE TABLE t (a int)", "odbc_gone");
  for (const bool hears : {false, true}) {  // the driver fails when it writes, or when it reads
    auto session = opened("odbc_gone");
    const auto table = table_named(*session, "t");
    server().control({{"do", "hang_up"}, {"hears", hears}});
    Rows rows;
    const auto outcome = session->read(intent_for(table, {"a"}), table, {}, into(rows));
    REQUIRE_FALSE(outcome);
    INFO(outcome.error().text());
    CHECK(outcome.error().code == Code::unavailable);
    CHECK_FALSE(session->reset());
    CHECK_FALSE(session->alive());
  }
}

TEST_CASE("ODBC, SQL Server: rights are the server's own word, and a role's are among them") {
  server().create_database("odbc_roles");
  server().run("CREATE TABLE t (a int)", "odbc_roles");
  const auto report = [](const char* user, const Json& more) {
    Json words{{"do", "user"}, {"name", user}, {"password", "secret"}};
    words.update(more);
    server().control(words);
    auto rights = opened("odbc_roles", user)->rights();
    if (!rights) FAIL(rights.error().text());
    return *rights;
  };
  CHECK_FALSE(report("odbc_reader", Json::object()).can_write);
  for (const auto& writer : {report("odbc_writer", {{"writes", {"[dbo].[t]"}}}),
                             report("odbc_member", {{"database_roles", {"db_datawriter"}}})}) {
    CHECK(writer.can_write);
    CHECK(writer.findings.front().find("dbo.t") != std::string::npos);
  }
}

TEST_CASE("ODBC, SQL Server: a column the user may not read is told as that") {
  server().create_database("odbc_hidden");
  server().run("CREATE TABLE t (a int, salary int); CREATE TABLE u (a int)", "odbc_hidden");
  server().control({{"do", "user"},
                    {"name", "odbc_half"},
                    {"password", "secret"},
                    {"hidden", {"[dbo].[t].salary", "[dbo].[u]"}}});
  auto session = opened("odbc_hidden", "odbc_half");
  const auto schema = session->discover();
  if (!schema) FAIL(schema.error().text());
  CHECK_FALSE(schema->table("u"));
  REQUIRE(schema->table("t"));
  CHECK(names_of(*schema->table("t")) == std::vector<std::string>{"a"});
}
