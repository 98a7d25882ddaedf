// All the T-SQL that vmc sends through an ODBC driver, as the server received it, against tests/golden/odbc: the place to
// review it beside Microsoft's documentation. VMC_WRITE_GOLDEN=1 writes the files anew.
#include <catch2/catch.hpp>

#include "../../support/golden.hpp"
#include "../../support/odbc_driver.hpp"
#include "../../support/rows.hpp"

using namespace vmc;
using namespace vmc::test;
using data::Filter;
using data::Value;
using sources::Access;
using Mode = sources::LoadRequest::Mode;

namespace {

MssqlServer& server() { return MssqlServer::instance(); }

void make_orders() {
  server().create_database("odbc_golden");
  server().run("CREATE TABLE orders (id bigint NOT NULL PRIMARY KEY, note nvarchar(max), amount decimal(12,2), made "
               "datetime2(6), owner uniqueidentifier, blob varbinary(max))",
               "odbc_golden");
}

std::unique_ptr<sources::Session> opened(Access access) {
  auto session = sources::make_odbc_source(mssql_over_odbc("odbc_golden"))->open(access, std::chrono::seconds{10});
  if (!session) FAIL(session.error().text());
  return std::move(*session);
}

// What was sent since the last call: how, with which parameters, and the text.
void check_received(const std::string& name) {
  const auto seen = server().seen();
  CHECK(seen.at("unknown").empty());
  std::string actual;
  for (const auto& one : seen.at("statements")) {
    const auto parameters = one.at("parameters").get<std::string>();
    actual += "-- " + one.at("how").get<std::string>() + (parameters.empty() ? "" : " " + parameters) + "\n" +
              one.at("text").get<std::string>() + "\n\n";
  }
  check_golden("odbc/mssql_" + name + ".sql", actual);
}

}  // namespace

TEST_CASE("ODBC, SQL Server: what is sent to open a session, to discover and to judge rights is as reviewed") {
  make_orders();
  server().seen();
  auto session = opened(Access::read);
  REQUIRE(session->discover());
  check_received("discover");
  REQUIRE(session->rights());
  check_received("rights");
}

TEST_CASE("ODBC, SQL Server: what is sent to read is as reviewed") {
  make_orders();
  server().run("INSERT INTO orders (id, note) VALUES (1, 'x'), (2, NULL)", "odbc_golden");
  auto session = opened(Access::read);
  const auto table = table_named(*session, "orders");
  server().seen();
  auto intent = intent_for(table, {"id", "note", "amount", "made", "owner", "blob"}, {{"id", true}});
  Filter like, least;
  like.op = Filter::Op::like;
  like.column = "note";
  like.values = {std::string{"x%"}};
  least.op = Filter::Op::ge;
  least.column = "made";
  least.values = {data::Timestamp{1'000'001}};
  intent.filter = Filter{Filter::Op::all, "", {}, {like, least}};
  intent.limit = 5;
  read_all(*session, intent, table);
  check_received("read");
  REQUIRE(session->split(intent_for(table, {"id"}), table, {"id"}, 1, {}));
  check_received("split");
  Rows found;
  const auto keys = batch_of(type_of(table, {"id"}), {{std::int64_t{1}}, {std::int64_t{2}}});
  REQUIRE(session->read_keys(table, {"note"}, {"id"}, once(keys), {}, into(found)));
  check_received("read_keys");
}

TEST_CASE("ODBC, SQL Server: what is sent to load and to replace is as reviewed") {
  make_orders();
  auto session = opened(Access::load);
  const auto table = table_named(*session, "orders");
  server().seen();
  auto request = load_request(table, {"id", "note", "amount", "made", "owner", "blob"}, "run");
  data::Uuid owner;
  owner.bytes.fill(7);
  const Row full{std::int64_t{1},    std::string{"ł"}, data::Decimal{1250, 2}, data::Timestamp{1'000'001},
                 owner, Bytes{0, 255}},
      empty{std::int64_t{2}, {}, {}, {}, {}, {}};
  request.mode = Mode::insert;
  must_load(*session, request, table, {full, empty});
  request.mode = Mode::upsert;
  request.part = 1;
  must_load(*session, request, table, {full});
  check_received("load");
  request.mode = Mode::replace;
  request.part = 2;
  must_load(*session, request, table, {full});
  CHECK(session->swap(request, table, 1));
  request.applied_scope = "other";
  CHECK(session->drop_aside(request));
  check_received("replace");
}
