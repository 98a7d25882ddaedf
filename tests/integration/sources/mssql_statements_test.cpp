// All the T-SQL that vmc sends, as the server received it, against tests/golden/mssql: the place to review it beside
// Microsoft's documentation. VMC_WRITE_GOLDEN=1 writes the files anew.
#include <catch2/catch.hpp>

#include "../../support/golden.hpp"
#include "../../support/mssql_server.hpp"
#include "../../support/rows.hpp"

using namespace vmc;
using namespace vmc::test;
using data::Filter;
using sources::Access;

namespace {

MssqlServer& server() { return MssqlServer::instance(); }

std::unique_ptr<sources::Session> opened(Access access = Access::read) {
  auto session = sources::make_mssql_source(server().settings("golden"))->open(access, std::chrono::seconds{10});
  if (!session) FAIL(session.error().text());
  return std::move(*session);
}

void make_database(bool snapshot = true) {
  server().create_database("golden", snapshot);
  server().run(
      "CREATE TABLE orders (id bigint NOT NULL PRIMARY KEY, code varchar(20) NOT NULL, line int NOT NULL, note "
      "nvarchar(max),"
      " amount decimal(12,2), at datetime, made datetime2(6), owner uniqueidentifier, blob varbinary(max), UNIQUE "
      "(code, line));"
      "INSERT INTO orders (id, code, line, note) VALUES (1, 'a', 1, 'x'), (2, 'a', 2, NULL)",
      "golden");
  server().seen();
}

// What was sent since the last call: how, with which parameters, and the text.
std::string received() {
  const auto seen = server().seen();
  CHECK(seen.at("unknown").empty());
  std::string out;
  for (const auto& one : seen.at("statements")) {
    const auto parameters = one.at("parameters").get<std::string>();
    out += "-- " + one.at("how").get<std::string>() + (parameters.empty() ? "" : " " + parameters) + "\n";
    out += one.at("text").get<std::string>() + "\n\n";
  }
  return out;
}

void must(const Result<void>& outcome) {
  if (!outcome) FAIL(outcome.error().text());
}

}  // namespace

TEST_CASE("SQL Server: what is sent to open, pin and reset a session is as reviewed") {
  make_database();
  auto session = opened();
  auto opening = received();
  const auto table = table_named(*session, "orders");
  received();
  read_all(*session, intent_for(table, {"id"}), table);
  REQUIRE(session->reset());
  check_golden("mssql/session.sql", opening + received());
  make_database(false);
  auto without = opened();
  received();
  read_all(*without, intent_for(table, {"id"}), table);
  check_golden("mssql/session_without_snapshots.sql", received());
}

TEST_CASE("SQL Server: what is sent to discover and to judge rights is as reviewed") {
  make_database();
  auto session = opened();
  received();
  REQUIRE(session->discover());
  check_golden("mssql/discover.sql", received());
  REQUIRE(session->rights());
  check_golden("mssql/rights.sql", received());
}

TEST_CASE("SQL Server: what is sent to read is as reviewed") {
  make_database();
  auto session = opened();
  const auto table = table_named(*session, "orders");
  received();
  auto intent = intent_for(table, {"id", "code", "note", "amount", "at", "made", "owner", "blob"},
                           {{"code", false}, {"id", true}});
  Filter all;
  const auto leaf = [&](Filter::Op op, const char* column, std::vector<data::Value> values) {
    all.children.push_back(Filter{op, column, std::move(values), {}});
  };
  leaf(Filter::Op::ge, "amount", {data::Decimal{150, 2}});
  leaf(Filter::Op::lt, "at", {data::Timestamp{1'709'211'600'003'000}});
  leaf(Filter::Op::gt, "made", {data::Timestamp{0}});
  leaf(Filter::Op::in, "code", {std::string{"a"}, std::string{}});
  leaf(Filter::Op::like, "note", {std::string{"%[x]%"}});
  leaf(Filter::Op::eq, "owner", {data::Uuid{}});
  leaf(Filter::Op::ne, "blob", {Bytes{1}});
  leaf(Filter::Op::is_not_null, "note", {});
  intent.filter = all;
  intent.ranges = {{{"code", "line"}, {std::string{"a"}, std::int64_t{1}}, {std::string{"b"}, std::int64_t{9}}}};
  intent.limit = 10;
  read_all(*session, intent, table);
  check_golden("mssql/read.sql", received());

  REQUIRE(session->split(intent_for(table, {"note"}), table, {"code", "line"}, 1000, {}));
  auto split = received();
  REQUIRE(session->split(intent_for(table, {"note"}), table, {"amount"}, 1000, {}).error().code ==
          Code::invalid_request);
  check_golden("mssql/split.sql", split + received());

  Rows rows;
  auto keys = batch_of(type_of(table, {"code", "line"}),
                       {{std::string{"a"}, std::int64_t{1}}, {std::string{"b"}, std::int64_t{2}}});
  must(session->read_keys(table, {"id", "code"}, {"code", "line"}, once(std::move(keys)), {}, into(rows)));
  check_golden("mssql/read_keys.sql", received());

  const sources::ReadLimits limits{std::chrono::seconds{30}, {&table}};
  REQUIRE(session->query({"SELECT [note] FROM [dbo].[orders] WHERE [id] = @p1", {std::int64_t{1}}, true, {&table}},
                         limits, into(rows)));
  check_golden("mssql/query.sql", received());
}

TEST_CASE("SQL Server: what is sent to load is as reviewed") {
  make_database();
  auto session = opened(Access::load);
  const auto table = table_named(*session, "orders");
  received();
  const std::vector<std::string> columns{"id", "code", "line", "note", "amount", "at", "made", "owner", "blob"};
  const Rows rows{{std::int64_t{1}, std::string{"a"}, std::int64_t{1}, std::string{}, data::Decimal{1, 2},
                   data::Timestamp{3000}, data::Timestamp{1}, data::Uuid{}, Bytes{}},
                  {std::int64_t{3}, std::string{"caf\u00e9"}, std::int64_t{1}, {}, {}, {}, {}, {}, {}}};
  const auto load = [&](sources::LoadRequest request) {
    auto outcome = session->load(request, table, once(batch_of(request.columns, rows)));
    if (!outcome) FAIL(outcome.error().text());
    return outcome->rows;
  };
  CHECK(load(load_request(table, columns, "run")) == 2);
  check_golden("mssql/load_upsert.sql", received());
  CHECK(load(load_request(table, columns, "run")) == 2);
  check_golden("mssql/load_again.sql", received());
  server().run("DELETE FROM orders", "golden");
  auto insert = load_request(table, columns, "run", 1);
  insert.mode = sources::LoadRequest::Mode::insert;
  CHECK(load(insert) == 2);
  check_golden("mssql/load_insert.sql", received());
}

TEST_CASE("SQL Server: what is sent to replace a table is as reviewed") {
  make_database();
  auto session = opened(Access::load);
  const auto table = table_named(*session, "orders");
  received();
  auto request = load_request(table, {"id", "code", "line"}, "run");
  request.mode = sources::LoadRequest::Mode::replace;
  const Rows rows{{std::int64_t{3}, std::string{"c"}, std::int64_t{1}}};
  auto loaded = session->load(request, table, once(batch_of(request.columns, rows)));
  if (!loaded) FAIL(loaded.error().text());
  check_golden("mssql/replace_part.sql", received());
  auto swapped = session->swap(request, table, 1);
  if (!swapped) FAIL(swapped.error().text());
  check_golden("mssql/replace_swap.sql", received());
  must(session->drop_aside(request));
  check_golden("mssql/replace_drop.sql", received());
}
