// Loading into SQL Server: what its types cannot keep is refused, never rounded, cut or filled up.
#include <catch2/catch.hpp>

#include <limits>

#include "../../support/mssql_server.hpp"
#include "../../support/rows.hpp"

using namespace vmc;
using namespace vmc::test;
using data::Kind;
using data::Value;
using sources::Access;

namespace {

MssqlServer& server() { return MssqlServer::instance(); }

std::unique_ptr<sources::Session> opened(const std::string& database, Access access = Access::load,
                                         const std::string& user = "sa") {
  auto session = sources::make_mssql_source(server().settings(database, user))->open(access, std::chrono::seconds{10});
  if (!session) FAIL(session.error().text());
  return std::move(*session);
}

// Loads one value into a column of this type; what is read back, or the error.
Result<Value> through(const std::string& declared, const Value& value) {
  server().create_database("through");
  server().run("CREATE TABLE t (id int NOT NULL PRIMARY KEY, v " + declared + ")", "through");
  auto session = opened("through");
  const auto table = table_named(*session, "t");
  const auto request = load_request(table, {"id", "v"}, "run");
  VMC_TRY(outcome, session->load(request, table, once(batch_of(request.columns, {{std::int64_t{1}, value}}))));
  CHECK(outcome.rows == 1);
  return read_all(*session, intent_for(table, {"v"}), table).at(0).at(0);
}

}  // namespace

TEST_CASE("SQL Server: values at the edges of a type are kept as they are") {
  const std::vector<std::pair<const char*, Value>> kept{
      {"tinyint", std::int64_t{255}},
      {"smallint", std::int64_t{-32768}},
      {"bit", false},
      {"real", 0.5},
      {"float", std::numeric_limits<double>::min()},
      {"money", data::Decimal{INT64_MIN, 4}},
      {"smallmoney", data::Decimal{INT32_MAX, 4}},
      {"decimal(38,38)", data::Decimal{-data::power_of_ten(38) + 1, 38}},
      {"decimal(1,0)", data::Decimal{-9, 0}},
      {"datetime", data::Timestamp{1'709'211'600'007'000}},
      {"datetime", data::Timestamp{-6'847'804'800'000'000}},
      {"smalldatetime", data::Timestamp{1'709'211'600'000'000}},
      {"datetime2(0)", data::Timestamp{-62'135'596'800'000'000}},
      {"datetime2(7)", std::string{"2024-02-29 13:00:00.1234567"}},
      {"time(3)", data::Time{1'000}},
      {"datetimeoffset(6)", data::TimestampTz{-1}},
      {"datetimeoffset(7)", std::string{"2024-03-01 01:30:00.1234567 +02:00"}},
      {"char(3)", std::string{"abc"}},
      {"varchar(5)", std::string{"caf\u00e9\u20ac"}},
      {"varchar(max)", std::string(9000, 'x')},
      {"nvarchar(2)", std::string{"\U0001F600"}},
      {"nvarchar(20)", std::string{}},
      {"nvarchar(max)", std::string{"a\tb\n'\u2028"}},
      {"varbinary(3)", Bytes{0, 1, 2}},
      {"varbinary(3)", Bytes{}},
      {"binary(2)", Bytes{0, 0}},
      {"uniqueidentifier", *data::parse_uuid("00112233-4455-6677-8899-aabbccddeeff")},
  };
  for (const auto& [declared, value] : kept) {
    INFO(declared << " " << data::format(value));
    auto back = through(declared, value);
    if (!back) FAIL(back.error().text());
    CHECK(*back == value);
  }
}

TEST_CASE("SQL Server: what a type cannot keep is refused with the column's name and without the value") {
  const std::vector<std::pair<const char*, Value>> refused{
      {"tinyint", std::int64_t{-1}},
      {"int", std::int64_t{INT64_MAX}},
      {"real", 0.1},
      {"float", 5e-324},
      {"float", std::numeric_limits<double>::infinity()},
      {"smallmoney", data::Decimal{INT64_MAX / 1'000'000'000, 4}},
      {"datetime", data::Timestamp{1'709'211'600'001'000}},
      {"datetime", data::Timestamp{1'709'211'600'003'001}},
      {"smalldatetime", data::Timestamp{1'709'211'601'000'000}},
      {"datetime2(6)", data::Timestamp{data::kInfinity}},
      {"datetime2(6)", data::Timestamp{-62'135'596'800'000'001}},
      {"datetime2(3)", data::Timestamp{1}},
      {"datetime2(7)", std::string{"not a time"}},
      {"date", data::Date{-719'163}},
      {"time(3)", data::Time{1}},
      {"time(6)", data::Time{-1}},
      {"time(6)", data::Time{86'400'000'000}},
      {"datetimeoffset(0)", data::TimestampTz{1}},
      {"varchar(20)", std::string{"canary \u65e5\u672c"}},
      {"varchar(3)", std::string{"canary"}},
      {"nvarchar(3)", std::string{"canary"}},
      {"nvarchar(1)", std::string{"\U0001F600"}},
      {"varbinary(2)", Bytes{'c', 'a', 'n', 'a', 'r', 'y'}},
      {"binary(4)", Bytes{1}},
      {"xml", std::string{"<canary/>"}},
      {"timestamp", Bytes{0, 0, 0, 0, 0, 0, 0, 1}},
  };
  for (const auto& [declared, value] : refused) {
    INFO(declared << " " << data::format(value));
    auto back = through(declared, value);
    REQUIRE_FALSE(back);
    INFO(back.error().text());
    CHECK((back.error().code == Code::invalid_request || back.error().code == Code::database_error));
    CHECK(back.error().text().find("canary") == std::string::npos);
  }
}

TEST_CASE("SQL Server: many columns with empty values keep them apart from nulls") {
  server().create_database("wide");
  std::string columns = "id int NOT NULL PRIMARY KEY";
  std::vector<std::string> names{"id"};
  for (int i = 0; i < 130; ++i) {
    names.push_back("c" + std::to_string(i));
    columns += ", " + names.back() + (i % 2 ? " nvarchar(9)" : " varbinary(9)");
  }
  server().run("CREATE TABLE wide (" + columns + ")", "wide");
  auto session = opened("wide");
  const auto table = table_named(*session, "wide");
  Rows rows;
  for (std::int64_t row = 0; row < 3; ++row) {
    rows.push_back({row});
    for (int i = 0; i < 130; ++i) {
      const auto which = (row + i) % 3;
      const Value empty = i % 2 ? Value{std::string{}} : Value{Bytes{}};
      const Value full = i % 2 ? Value{std::string{"x"}} : Value{Bytes{0}};
      rows.back().push_back(which == 0 ? empty : which == 1 ? full : Value{});
    }
  }
  const auto request = load_request(table, names, "run");
  REQUIRE(session->load(request, table, once(batch_of(request.columns, rows))));
  CHECK(read_all(*session, intent_for(table, names, {{"id", false}}), table) == rows);
}

TEST_CASE("SQL Server: a user who may not create vmc_applied is told the statement that does") {
  server().create_database("granted");
  server().run("CREATE TABLE t (id int NOT NULL PRIMARY KEY)", "granted");
  server().control(
      {{"do", "user"}, {"name", "loader"}, {"password", "secret"}, {"writes", {"[dbo].[t]", "[dbo].[vmc_applied]"}}});
  server().control({{"do", "user"}, {"name", "stranger"}, {"password", "secret"}, {"permissions", {"CREATE TABLE"}}});
  auto session = opened("granted", Access::load, "loader");
  const auto table = table_named(*session, "t");
  const auto request = load_request(table, {"id"}, "run");
  const auto load = [&](sources::Session& into) {
    return into.load(request, table, once(batch_of(request.columns, {{std::int64_t{1}}})));
  };
  auto refused = load(*session);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::write_not_permitted);
  CHECK(refused.error().hint.find("CREATE TABLE [dbo].[vmc_applied]") != std::string::npos);
  auto other = opened("granted", Access::load, "stranger");
  auto denied = load(*other);
  REQUIRE_FALSE(denied);
  CHECK(denied.error().code == Code::write_not_permitted);
  CHECK(load(*opened("granted")));
  REQUIRE(session->reset());
  CHECK(load(*session)->already_applied);
}

TEST_CASE("SQL Server: an interrupt in the middle of a load leaves nothing behind") {
  server().create_database("stopped");
  server().run("CREATE TABLE t (id int NOT NULL PRIMARY KEY)", "stopped");
  auto session = opened("stopped");
  const auto table = table_named(*session, "t");
  const auto request = load_request(table, {"id"}, "run");
  std::int64_t batches = 0;
  const auto rows = [&]() -> Result<std::optional<data::Batch>> {
    if (++batches == 3) session->interrupt();
    return std::optional{batch_of(request.columns, {{batches}})};
  };
  auto outcome = session->load(request, table, rows);
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == Code::cancelled);
  CHECK_FALSE(session->reset());
  session.reset();
  auto next = opened("stopped");
  CHECK(read_all(*next, intent_for(table, {"id"}), table).empty());
  CHECK_FALSE(next->load(request, table, once(batch_of(request.columns, {{std::int64_t{1}}})))->already_applied);
}

TEST_CASE("SQL Server: a bulk load that the server does not end is waited for to its limit, then stopped there") {
  server().create_database("patient");
  server().run("CREATE TABLE t (id int NOT NULL PRIMARY KEY)", "patient");
  auto session = opened("patient");
  const auto table = table_named(*session, "t");
  auto request = load_request(table, {"id"}, "run");
  request.timeout = std::chrono::milliseconds{2500};  // the library asks once a second: more than that
  server().seen();
  server().control({{"do", "hold_bulk"}, {"on", true}});
  auto outcome = session->load(request, table, once(batch_of(request.columns, {{std::int64_t{1}}})));
  server().control({{"do", "hold_bulk"}, {"on", false}});
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == Code::query_timeout);
  CHECK(server().seen().at("attentions") == 1);
  session.reset();
  CHECK(read_all(*opened("patient"), intent_for(table, {"id"}), table).empty());
}
