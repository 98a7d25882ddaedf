// Reading from SQL Server: every type at its extremes, statements written by hand, limits and interrupts.
#include <catch2/catch.hpp>

#include <cmath>
#include <thread>

#include "../../support/mssql_server.hpp"
#include "../../support/rows.hpp"

using namespace vmc;
using namespace vmc::test;
using data::Kind;
using data::Value;
using sources::Access;

namespace {

MssqlServer& server() { return MssqlServer::instance(); }

std::unique_ptr<sources::Session> opened(const std::string& database, const std::string& user = "sa") {
  auto session =
      sources::make_mssql_source(server().settings(database, user))->open(Access::read, std::chrono::seconds{10});
  if (!session) FAIL(session.error().text());
  return std::move(*session);
}

data::Int128 nines(int digits) {
  data::Int128 out = 0;
  while (digits-- > 0) out = out * 10 + 9;
  return out;
}

data::Uuid uuid_of(const char* text) { return *data::parse_uuid(text); }

// What the type is called, a value as the test server keeps it, and what it must be here; the type it travels as.
struct Case {
  const char* declared;
  const char* kept;  // an SQLite literal
  Value value;
  data::Type type;
};

const std::vector<Case>& matrix() {
  // clang-format off
  static const std::vector<Case> cases{
      {"bit", "1", true, {Kind::boolean}},
      {"bit", "0", false, {Kind::boolean}},
      {"tinyint", "255", std::int64_t{255}, {Kind::int64}},
      {"smallint", "-32768", std::int64_t{-32768}, {Kind::int64}},
      {"int", "-2147483648", std::int64_t{INT32_MIN}, {Kind::int64}},
      {"bigint", "-9223372036854775808", INT64_MIN, {Kind::int64}},
      {"bigint", "9223372036854775807", INT64_MAX, {Kind::int64}},
      {"real", "0.5", 0.5, {Kind::float64}},
      {"real", "3.4028234663852886e38", 3.4028234663852886e38, {Kind::float64}},
      {"float", "-1.7976931348623157e308", -1.7976931348623157e308, {Kind::float64}},
      {"float", "2.2250738585072014e-308", 2.2250738585072014e-308, {Kind::float64}},
      {"float", "0.1", 0.1, {Kind::float64}},
      {"decimal(38,0)", "'-99999999999999999999999999999999999999'", data::Decimal{-nines(38), 0}, {Kind::decimal, 38, 0}},
      {"decimal(38,38)", "'0.99999999999999999999999999999999999999'", data::Decimal{nines(38), 38}, {Kind::decimal, 38, 38}},
      {"decimal(19,4)", "'999999999999999.9999'", data::Decimal{nines(19), 4}, {Kind::decimal, 19, 4}},
      {"numeric(1,0)", "'-9'", data::Decimal{-9, 0}, {Kind::decimal, 1, 0}},
      {"numeric(28,10)", "'999999999999999999.0000000001'", data::Decimal{nines(18) * data::power_of_ten(10) + 1, 10}, {Kind::decimal, 28, 10}},
      {"money", "'-922337203685477.5808'", data::Decimal{INT64_MIN, 4}, {Kind::decimal, 19, 4}},
      {"money", "'922337203685477.5807'", data::Decimal{INT64_MAX, 4}, {Kind::decimal, 19, 4}},
      {"smallmoney", "'-214748.3648'", data::Decimal{INT32_MIN, 4}, {Kind::decimal, 10, 4}},
      {"smallmoney", "'0.0001'", data::Decimal{1, 4}, {Kind::decimal, 10, 4}},
      {"date", "'0001-01-01'", data::Date{-719'162}, {Kind::date}},
      {"date", "'9999-12-31'", data::Date{2'932'896}, {Kind::date}},
      {"time(0)", "'23:59:59.0000000'", data::Time{86'399'000'000}, {Kind::time}},
      {"time(6)", "'23:59:59.9999990'", data::Time{86'399'999'999}, {Kind::time}},
      {"time(7)", "'23:59:59.9999999'", std::string{"23:59:59.9999999"}, {Kind::text}},
      {"datetime2(0)", "'0001-01-01 00:00:00.0000000'", data::Timestamp{-62'135'596'800'000'000}, {Kind::timestamp}},
      {"datetime2(3)", "'1969-12-31 23:59:59.9990000'", data::Timestamp{-1'000}, {Kind::timestamp}},
      {"datetime2(6)", "'9999-12-31 23:59:59.9999990'", data::Timestamp{253'402'300'799'999'999}, {Kind::timestamp}},
      {"datetime2(7)", "'2024-02-29 13:00:00.1234567'", std::string{"2024-02-29 13:00:00.1234567"}, {Kind::text}},
      {"datetime", "'1753-01-01 00:00:00.0000000'", data::Timestamp{-6'847'804'800'000'000}, {Kind::timestamp}},
      {"datetime", "'9999-12-31 23:59:59.9970000'", data::Timestamp{253'402'300'799'997'000}, {Kind::timestamp}},
      {"datetime", "'2024-02-29 13:00:00.0030000'", data::Timestamp{1'709'211'600'003'000}, {Kind::timestamp}},
      {"smalldatetime", "'1900-01-01 00:00:00.0000000'", data::Timestamp{-2'208'988'800'000'000}, {Kind::timestamp}},
      {"smalldatetime", "'2079-06-06 23:59:00.0000000'", data::Timestamp{3'453'321'540'000'000}, {Kind::timestamp}},
      {"datetimeoffset(6)", "'2024-02-29 12:00:00.0000010Z+02:00'", data::TimestampTz{1'709'208'000'000'001}, {Kind::timestamptz}},
      {"datetimeoffset(0)", "'0001-01-01 14:00:00.0000000Z-14:00'", data::TimestampTz{-62'135'546'400'000'000}, {Kind::timestamptz}},
      {"datetimeoffset(7)", "'2024-02-29 23:30:00.1234567Z+02:00'", std::string{"2024-03-01 01:30:00.1234567 +02:00"}, {Kind::text}},
      {"datetimeoffset(7)", "'2024-03-01 00:30:00.0000000Z-02:30'", std::string{"2024-02-29 22:00:00.0000000 -02:30"}, {Kind::text}},
      {"char(5)", "'ab   '", std::string{"ab   "}, {Kind::text}},
      {"varchar(20)", "'caf\u00e9 \u20ac'", std::string{"caf\u00e9 \u20ac"}, {Kind::text}},
      {"varchar(max)", "'\u00e9'", std::string{"\u00e9"}, {Kind::text}},
      {"nchar(3)", "'\U0001F600 '", std::string{"\U0001F600 "}, {Kind::text}},
      {"nvarchar(20)", "'za\u017c\u00f3\u0142\u0107 \u65e5\u672c \U0001F600'", std::string{"za\u017c\u00f3\u0142\u0107 \u65e5\u672c \U0001F600"}, {Kind::text}},
      {"nvarchar(20)", "''", std::string{}, {Kind::text}},
      {"nvarchar(max)", "'\U0001F600'", std::string{"\U0001F600"}, {Kind::text}},
      {"nvarchar(max)", "''", std::string{}, {Kind::text}},
      {"text", "'\u00e9'", std::string{"\u00e9"}, {Kind::text}},
      {"ntext", "'\U0001F600'", std::string{"\U0001F600"}, {Kind::text}},
      {"xml", "'<a b=\"1\">\u65e5</a>'", std::string{"<a b=\"1\">\u65e5</a>"}, {Kind::text}},
      {"binary(4)", "x'00ff0001'", Bytes{0, 0xff, 0, 1}, {Kind::bytes}},
      {"varbinary(8)", "x''", Bytes{}, {Kind::bytes}},
      {"varbinary(max)", "x'0027'", Bytes{0, 0x27}, {Kind::bytes}},
      {"image", "x'ff'", Bytes{0xff}, {Kind::bytes}},
      {"timestamp", "x'00000000000007d1'", Bytes{0, 0, 0, 0, 0, 0, 7, 0xd1}, {Kind::bytes}},
      {"uniqueidentifier", "'00112233-4455-6677-8899-AABBCCDDEEFF'", uuid_of("00112233-4455-6677-8899-aabbccddeeff"), {Kind::uuid}},
  };
  // clang-format on
  return cases;
}

struct Collected {
  data::RowTypePtr type;
  Rows rows;
};

Result<Collected> query(sources::Session& session, sources::SqlQuery query) {
  Collected out;
  VMC_TRY(type, session.query(query, {}, into(out.rows)));
  out.type = type;
  return out;
}

}  // namespace

TEST_CASE("SQL Server: every type is read exactly, at its extremes and as null, by intent and by statement") {
  server().create_database("types");
  std::string columns = "id int NOT NULL PRIMARY KEY", values = "1", nulls = "2";
  std::vector<const Case*> shown;
  for (const auto& one : matrix()) {
    shown.push_back(&one);
    columns += ", c" + std::to_string(shown.size()) + " " + one.declared;
    values += std::string{", "} + one.kept;
    nulls += ", NULL";
  }
  server().run("CREATE TABLE every (" + columns + "); INSERT INTO every VALUES (" + values + "), (" + nulls + ")",
               "types");
  auto session = opened("types");
  const auto table = table_named(*session, "every");
  std::vector<std::string> names;
  for (std::size_t i = 0; i < shown.size(); ++i) names.push_back("c" + std::to_string(i + 1));
  const auto rows = read_all(*session, intent_for(table, names, {{"id", false}}), table);
  REQUIRE(rows.size() == 2);
  for (std::size_t i = 0; i < shown.size(); ++i) {
    INFO(shown[i]->declared << " " << shown[i]->kept << ": " << data::format(rows[0][i]));
    CHECK(table.column(names[i])->type == shown[i]->type);
    CHECK(table.column(names[i])->sql_type == shown[i]->declared);
    CHECK(rows[0][i] == shown[i]->value);
    CHECK(data::is_null(rows[1][i]));
  }
  auto by_hand = query(*session, {"SELECT * FROM [dbo].[every] ORDER BY [id]", {}, true, {&table}});
  if (!by_hand) FAIL(by_hand.error().text());
  REQUIRE(by_hand->rows.size() == 2);
  for (std::size_t i = 0; i < shown.size(); ++i) {
    INFO(shown[i]->declared << " " << shown[i]->kept << ": " << data::format(by_hand->rows[0][i + 1]));
    CHECK(by_hand->rows[0][i + 1] == shown[i]->value);
    CHECK((*by_hand->type)[i + 1].type == shown[i]->type);
    CHECK((*by_hand->type)[i + 1].name == names[i]);
  }
}

TEST_CASE("SQL Server: values of no one type are refused with the reason") {
  server().create_database("types");
  server().run("CREATE TABLE loose (id int NOT NULL PRIMARY KEY, v sql_variant); INSERT INTO loose VALUES (1, 'x')",
               "types");
  auto session = opened("types");
  const auto table = table_named(*session, "loose");
  Rows rows;
  auto refused = session->read(intent_for(table, {"v"}), table, {}, into(rows));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::invalid_request);
  CHECK(refused.error().message.find("sql_variant") != std::string::npos);
  auto by_hand = query(*session, {"SELECT [v] FROM [dbo].[loose]", {}, true, {}});
  REQUIRE_FALSE(by_hand);
  CHECK(by_hand.error().code == Code::invalid_request);
  CHECK(read_all(*session, intent_for(table, {"id"}), table).size() == 1);
}

TEST_CASE("SQL Server: filters and keys are exact where the type is coarser than the value") {
  server().create_database("coarse");
  server().run(
      "CREATE TABLE coarse (id int NOT NULL PRIMARY KEY, at datetime, day smalldatetime, cost money, fine "
      "datetime2(7));"
      "INSERT INTO coarse VALUES (1, '2024-02-29 13:00:00.0030000', '2024-02-29 13:00:00.0000000', '1.2500', "
      "'2024-02-29 13:00:00.1234567')",
      "coarse");
  auto session = opened("coarse");
  const auto table = table_named(*session, "coarse");
  const auto found = [&](const char* column, Value value) {
    auto intent = intent_for(table, {"id"});
    intent.filter = data::Filter{data::Filter::Op::eq, column, {std::move(value)}, {}};
    Rows rows;
    auto outcome = session->read(intent, table, {}, into(rows));
    return outcome ? static_cast<int>(rows.size()) : -1;
  };
  CHECK(found("at", data::Timestamp{1'709'211'600'003'000}) == 1);
  CHECK(found("at", data::Timestamp{1'709'211'600'003'500}) == -1);  // no datetime is that
  CHECK(found("day", data::Timestamp{1'709'211'600'000'000}) == 1);
  CHECK(found("day", data::Timestamp{1'709'211'601'000'000}) == -1);
  CHECK(found("cost", data::Decimal{125, 2}) == 1);
  CHECK(found("cost", data::Decimal{12'500'001, 7}) == 0);
  CHECK(found("fine", std::string{"2024-02-29 13:00:00.1234567"}) == 1);
}

TEST_CASE("SQL Server: a pattern's brackets are no wildcards") {
  server().create_database("patterns");
  server().run("CREATE TABLE t (v nvarchar(20)); INSERT INTO t VALUES ('[ab]'), ('a')", "patterns");
  auto session = opened("patterns");
  server().seen();
  const auto table = table_named(*session, "t");
  auto intent = intent_for(table, {"v"});
  intent.filter = data::Filter{data::Filter::Op::like, "v", {std::string{"[ab]"}}, {}};
  CHECK(read_all(*session, intent, table) == Rows{{std::string{"[ab]"}}});
}

TEST_CASE("SQL Server: a written statement takes bound parameters of every kind, empty ones and nulls") {
  server().create_database("params");
  auto session = opened("params");
  auto outcome = query(
      *session, {"SELECT CAST(@p1 AS bigint) AS a, CAST(@p2 AS nvarchar(max)) AS b, CAST(@p3 AS varbinary(max)) AS c, "
                 "CAST(@p4 AS float) AS d, CAST(@p5 AS bit) AS e, CAST(@p6 AS nvarchar(max)) AS f, "
                 "CAST(@p7 AS nvarchar(max)) AS g, CAST(@p8 AS datetime2(6)) AS h, CAST(@p9 AS nvarchar(max)) AS i",
                 {INT64_MIN,
                  std::string{"za\u017c \U0001F600 '"},
                  Bytes(9000, 7),
                  0.1,
                  true,
                  std::string{},
                  {},
                  data::Timestamp{1'709'211'600'003'001},
                  std::string(70'000, 'x')},
                 true,
                 {}});
  if (!outcome) FAIL(outcome.error().text());
  CHECK(outcome->rows == Rows{{INT64_MIN,
                               std::string{"za\u017c \U0001F600 '"},
                               Bytes(9000, 7),
                               0.1,
                               true,
                               std::string{},
                               {},
                               data::Timestamp{1'709'211'600'003'001},
                               std::string(70'000, 'x')}});
  auto nan = query(*session, {"SELECT CAST(@p1 AS float) AS a", {std::nan("")}, true, {}});
  REQUIRE_FALSE(nan);
  CHECK(nan.error().code == Code::invalid_request);
}

TEST_CASE("SQL Server: what is wrong with a statement is said, what is in a row never") {
  server().create_database("errors");
  server().run("CREATE TABLE people (name nvarchar(40)); INSERT INTO people VALUES ('canary')", "errors");
  auto session = opened("errors");
  auto unknown = query(*session, {"SELECT [nome] FROM [dbo].[people]", {}, true, {}});
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().code == Code::invalid_request);
  CHECK(unknown.error().message.find("nome") != std::string::npos);
  auto value = query(*session, {"SELECT CAST([name] AS int) AS n FROM [dbo].[people]", {}, true, {}});
  REQUIRE_FALSE(value);
  CHECK(value.error().code == Code::database_error);
  CHECK(value.error().text().find("canary") == std::string::npos);
  CHECK(session->reset());
}

TEST_CASE("SQL Server: a star over a table that has other columns than approved is refused") {
  server().create_database("stars");
  server().run("CREATE TABLE t (a int); INSERT INTO t VALUES (1)", "stars");
  auto session = opened("stars");
  const auto table = table_named(*session, "t");
  CHECK(query(*session, {"SELECT * FROM [dbo].[t]", {}, true, {&table}}));
  server().run("ALTER TABLE t ADD COLUMN salary int", "stars");
  auto refused = query(*session, {"SELECT * FROM [dbo].[t]", {}, true, {&table}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::schema_access_denied);
}

TEST_CASE("SQL Server: columns that the user may not read are not discovered") {
  server().create_database("hidden");
  server().run("CREATE TABLE t (a int, salary int); CREATE TABLE u (a int)", "hidden");
  server().control(
      {{"do", "user"}, {"name", "half"}, {"password", "secret"}, {"hidden", {"[dbo].[t].salary", "[dbo].[u]"}}});
  auto session = opened("hidden", "half");
  auto schema = session->discover();
  REQUIRE(schema);
  REQUIRE(schema->table("t"));
  CHECK(schema->table("t")->columns.size() == 1);
  CHECK_FALSE(schema->table("u"));
}

TEST_CASE("SQL Server: an interrupt and a time limit stop the statement on the server") {
  server().create_database("slow");
  server().run(
      "CREATE VIEW endless AS WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n) SELECT count(*) AS v "
      "FROM n",
      "slow");
  server().seen();
  for (const bool interrupted : {true, false}) {
    INFO(interrupted);
    auto session = opened("slow");
    Rows rows;
    std::thread other;
    if (interrupted) other = std::thread{[&] { session->interrupt(); }};
    const sources::SqlQuery endless{"SELECT [v] FROM [dbo].[endless]", {}, true, {}};
    auto outcome = session->query(
        endless, {interrupted ? Duration{std::chrono::minutes{5}} : Duration{std::chrono::milliseconds{200}}},
        into(rows));
    if (other.joinable()) other.join();
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().code == (interrupted ? Code::cancelled : Code::query_timeout));
    CHECK_FALSE(session->reset());  // such a connection serves nobody else
  }
  // The interrupt may come before anything was sent; the limit never does.
  CHECK(server().seen().at("attentions").get<int>() >= 1);
}

TEST_CASE("SQL Server: rows that flow without end are stopped at an interrupt") {
  server().create_database("flow");
  server().run("CREATE VIEW numbers AS WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n) SELECT v FROM n",
               "flow");
  server().seen();
  auto session = opened("flow");
  std::size_t rows = 0;
  const auto stop = [&](data::Batch batch) -> Result<void> {
    rows += batch.rows;
    session->interrupt();
    return {};
  };
  auto outcome = session->query({"SELECT [v] FROM [dbo].[numbers]", {}, true, {}}, {std::chrono::minutes{5}}, stop);
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == Code::cancelled);
  CHECK(rows > 0);
  CHECK(server().seen().at("attentions") == 1);
}

TEST_CASE("SQL Server: a session that was reset reads on, in a transaction of its own each time") {
  server().create_database("again");
  server().run("CREATE TABLE t (a int NOT NULL PRIMARY KEY); INSERT INTO t VALUES (1)", "again");
  auto session = opened("again");
  const auto table = table_named(*session, "t");
  for (int i = 0; i < 3; ++i) {
    CHECK(read_all(*session, intent_for(table, {"a"}), table).size() == static_cast<std::size_t>(i + 1));
    REQUIRE(session->reset());
    server().run("INSERT INTO t VALUES (" + std::to_string(i + 2) + ")", "again");
  }
}

TEST_CASE("SQL Server: half a surrogate pair is refused, never replaced") {
  server().create_database("halves");
  server().run(
      "CREATE TABLE t (id int NOT NULL PRIMARY KEY, v nvarchar(20)); INSERT INTO t VALUES (1, 'a'), (2, 'b\uf8ff')",
      "halves");
  auto session = opened("halves");
  const auto table = table_named(*session, "t");
  Rows rows;
  auto refused = session->read(intent_for(table, {"v"}), table, {}, into(rows));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::database_error);
  CHECK(refused.error().message.find("row 2") != std::string::npos);
  REQUIRE(session->reset());
  CHECK(read_all(*session, intent_for(table, {"id"}), table).size() == 2);
}

TEST_CASE("SQL Server: a second statement that slipped through is noticed and undone") {
  server().create_database("slipped");
  server().run("CREATE TABLE t (a int); INSERT INTO t VALUES (1)", "slipped");
  for (const char* text :
       {"SELECT [a] FROM [dbo].[t]; SELECT [a] FROM [dbo].[t]", "SELECT [a] FROM [dbo].[t]; COMMIT TRANSACTION"}) {
    auto session = opened("slipped");
    auto refused = query(*session, {text, {}, true, {}});
    INFO(text);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::write_operation_rejected);
  }
}

TEST_CASE("SQL Server: a connection that the server has ended is told as lost and is not used again") {
  server().create_database("lost");
  server().run("CREATE TABLE t (a int)", "lost");
  for (const bool hears : {false, true}) {
    auto session = opened("lost");
    const auto table = table_named(*session, "t");
    server().control({{"do", "hang_up"}, {"hears", hears}});
    Rows rows;
    auto lost = session->read(intent_for(table, {"a"}), table, {}, into(rows));
    REQUIRE_FALSE(lost);
    CHECK(lost.error().code == Code::unavailable);
    CHECK_FALSE(session->reset());
  }
}

TEST_CASE("SQL Server: a statement that stalls in the middle of its rows is stopped too") {
  server().create_database("stalls");
  server().run(
      "CREATE VIEW stalls AS SELECT v FROM (WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n LIMIT 2000)"
      " SELECT v FROM n) UNION ALL SELECT v FROM (WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n)"
      " SELECT count(*) AS v FROM n)",
      "stalls");
  server().seen();
  auto session = opened("stalls");
  Rows rows;
  const Duration limit = std::chrono::milliseconds{200};
  auto outcome = session->query({"SELECT [v] FROM [dbo].[stalls]", {}, true, {}}, {limit}, into(rows));
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == Code::query_timeout);
  CHECK(server().seen().at("attentions") == 1);
}

TEST_CASE("SQL Server: a login that may not see definitions still has a redefined view refused") {
  server().create_database("blind");
  server().run("CREATE TABLE t (a int, b int); CREATE VIEW shown AS SELECT a FROM t", "blind");
  server().control({{"do", "user"}, {"name", "blind"}, {"password", "secret"}, {"database_roles", {"db_datareader"}}});
  auto session = opened("blind", "blind");
  const auto approved = table_named(*session, "shown");
  const sources::ReadLimits limits{std::chrono::seconds{30}, {&approved}};
  Rows rows;
  REQUIRE(session->read(intent_for(approved, {"a"}), approved, limits, into(rows)));
  server().run("DROP VIEW shown; CREATE VIEW shown AS SELECT b AS a FROM t", "blind");
  const auto refused = session->read(intent_for(approved, {"a"}), approved, limits, into(rows));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::schema_access_denied);
}
