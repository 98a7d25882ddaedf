// Loading into PostgreSQL: exact or refused, all or nothing, once.
#include <sys/wait.h>
#include <catch2/catch.hpp>

#include <csignal>
#include <cstdlib>
#include <thread>

#include "../../support/postgres_server.hpp"
#include "../../support/rows.hpp"

using namespace vmc;
using namespace vmc::test;
using data::Kind;
using data::Value;
using sources::Access;

namespace {

constexpr const char* kCrashDatabase = "load_crash";

std::unique_ptr<sources::Session> open(const std::string& database, Access access,
                                       const std::string& user = "postgres") {
  auto session = sources::make_postgres_source(PostgresServer::instance().settings(database, user))
                     ->open(access, std::chrono::seconds{10});
  if (!session) FAIL(session.error().text());
  return std::move(*session);
}

struct Store {
  std::string name;
  explicit Store(std::string fixed = "") : name{std::move(fixed)} {
    static int next = 0;
    if (name.empty()) name = "load_" + std::to_string(next++);
    PostgresServer::instance().create_database(name);
  }
  std::string run(const std::string& sql) const { return PostgresServer::instance().run(sql, name); }
};

sources::LoadRequest insert_request(const data::TableInfo& table, const std::vector<std::string>& columns,
                                    std::string scope) {
  auto request = load_request(table, columns, std::move(scope));
  request.mode = sources::LoadRequest::Mode::insert;
  return request;
}

Result<sources::LoadOutcome> load_rows(sources::Session& session, const sources::LoadRequest& request,
                                       const data::TableInfo& table, const Rows& rows) {
  return session.load(request, table, once(batch_of(request.columns, rows)));
}

}  // namespace

TEST_CASE("types only PostgreSQL has are loaded through their text, by insert and by upsert") {
  Store store;
  store.run(
      "CREATE TYPE mood AS ENUM ('calm', 'wild'); CREATE DOMAIN price AS numeric(6,2);"
      "CREATE TABLE odd (id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, m mood, p price, ip inet, iv "
      "interval, pad char(5), mon money, jb jsonb, f4 real, ts timestamp(3))");
  auto session = open(store.name, Access::load);
  const auto table = table_named(*session, "odd");
  const std::vector<std::string> columns{"id", "m", "p", "ip", "iv", "pad", "mon", "jb", "f4", "ts"};
  const Row row{std::int64_t{7},
                std::string{"wild"},
                data::Decimal{1250, 2},
                std::string{"10.1.2.3/32"},
                std::string{"P1DT2H"},
                std::string{"ab   "},
                data::Number{"12.5"},
                data::JsonText{"{\"a\": 1}"},
                0.5,
                data::Timestamp{1'700'000'000'123'000}};
  auto inserted = load_rows(*session, insert_request(table, columns, "a"), table, {row});
  if (!inserted) FAIL(inserted.error().text());
  CHECK(read_all(*session, intent_for(table, columns), table) == Rows{row});
  auto changed = row;
  changed[1] = std::string{"calm"};
  auto upserted = load_rows(*session, load_request(table, columns, "b"), table, {changed});
  if (!upserted) FAIL(upserted.error().text());
  CHECK(read_all(*session, intent_for(table, columns), table) == Rows{changed});
}

TEST_CASE("what a column would round or cut is refused, naming column and row and not the value") {
  Store store;
  store.run(
      "CREATE TABLE narrow (id int PRIMARY KEY, i2 smallint, f4 real, ts timestamp(0), t time(3), tx text)");
  auto session = open(store.name, Access::load);
  const auto table = table_named(*session, "narrow");
  const std::vector<std::pair<std::string, Value>> cases{{"i2", std::int64_t{40000}},
                                                         {"f4", 0.1},
                                                         {"ts", data::Timestamp{1}},
                                                         {"t", data::Time{1}},
                                                         {"t", data::Time{-1}},
                                                         {"tx", std::string("a\0b", 3)},
                                                         {"ts", data::Timestamp{data::kInfinity - 1}}};
  for (const auto& [name, value] : cases) {
    INFO(name);
    auto outcome = load_rows(*session, load_request(table, {"id", name}, "run"), table,
                             {{std::int64_t{1}, {}}, {std::int64_t{2}, value}});
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().code == Code::invalid_request);
    CHECK(outcome.error().message.find("column '" + name + "'") != std::string::npos);
    CHECK(outcome.error().text().find("40000") == std::string::npos);
    session = open(store.name, Access::load);
  }
  CHECK(store.run("SELECT count(*) FROM narrow") == "0");
  // The column became narrower after it was discovered.
  store.run("CREATE TABLE shrunk (id int PRIMARY KEY, d numeric(12,4))");
  const auto shrunk = table_named(*session, "shrunk");
  store.run("ALTER TABLE shrunk ALTER d TYPE numeric(12,2)");
  auto outcome = load_rows(*session, load_request(shrunk, {"id", "d"}, "run"), shrunk,
                           {{std::int64_t{1}, data::Decimal{12345, 4}}});
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == Code::invalid_request);
}

TEST_CASE("constraints of the table are told by name, without the row") {
  Store store;
  store.run(
      "CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (id int PRIMARY KEY, p int REFERENCES "
      "parent, "
      "v text CONSTRAINT no_canary CHECK (v <> 'canary'), s varchar(6))");
  auto session = open(store.name, Access::load);
  const auto table = table_named(*session, "child");
  const auto refused = [&](const std::string& column, Value value) {
    auto outcome = load_rows(*session, load_request(table, {"id", column}, "run"), table,
                             {{std::int64_t{1}, std::move(value)}});
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().text().find("canary'") == std::string::npos);
    CHECK(session->reset());
    return outcome.error();
  };
  CHECK(refused("p", std::int64_t{77}).message.find("child_p_fkey") != std::string::npos);
  CHECK(refused("v", std::string{"canary"}).message.find("no_canary") != std::string::npos);
  const auto cut = refused("s", std::string{"canary-long"});
  CHECK(cut.code == Code::invalid_request);
  CHECK(cut.text().find("canary-long") == std::string::npos);
  CHECK(store.run("SELECT count(*) FROM child") == "0");
}

TEST_CASE("a user without the rights is told what to grant") {
  Store store;
  store.run(
      "DROP ROLE IF EXISTS loader; CREATE ROLE loader LOGIN PASSWORD 'secret'; CREATE TABLE t (id int "
      "PRIMARY KEY); GRANT SELECT ON t TO loader;"
      "REVOKE CREATE ON SCHEMA public FROM PUBLIC");
  auto session = open(store.name, Access::load, "loader");
  const auto table = table_named(*session, "t");
  auto no_record = load_rows(*session, load_request(table, {"id"}, "run"), table, {{std::int64_t{1}}});
  REQUIRE_FALSE(no_record);
  CHECK(no_record.error().code == Code::write_not_permitted);
  const auto hint = no_record.error().hint;
  const auto ddl = hint.substr(hint.find("CREATE TABLE"), hint.find("; and") - hint.find("CREATE TABLE"));
  store.run(ddl + "; GRANT SELECT, INSERT, UPDATE ON vmc_applied TO loader");
  auto no_write = load_rows(*session, load_request(table, {"id"}, "run"), table, {{std::int64_t{1}}});
  REQUIRE_FALSE(no_write);
  CHECK(no_write.error().code == Code::write_not_permitted);
  store.run("GRANT INSERT, UPDATE ON t TO loader");
  CHECK(session->reset());
  auto granted = load_rows(*session, load_request(table, {"id"}, "run"), table, {{std::int64_t{1}}});
  if (!granted) FAIL(granted.error().text());
  store.run("DROP OWNED BY loader; DROP ROLE loader");
}

TEST_CASE("two loads of one part at the same time write it once") {
  Store store;
  store.run("CREATE TABLE t (id bigint PRIMARY KEY, v text)");
  auto probe = open(store.name, Access::read);
  const auto table = table_named(*probe, "t");
  std::atomic<int> applied{0}, repeated{0}, failed{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      auto source = sources::make_postgres_source(PostgresServer::instance().settings(store.name));
      auto session = source->open(Access::load, std::chrono::seconds{10});
      auto request = sources::LoadRequest{};
      request.table = "t";
      request.key = {"id"};
      request.columns = std::make_shared<data::RowType>(
          data::RowType{{"id", {Kind::int64}, false}, {"v", {Kind::text}, true}});
      request.applied_scope = "run";
      data::BatchBuilder builder{request.columns};
      builder.column(0).int64(i);
      builder.column(1).text("x");
      builder.end_row();
      auto outcome = (*session)->load(request, table, once(builder.finish()));
      ++(!outcome ? failed : outcome->already_applied ? repeated : applied);
    });
  for (auto& thread : threads) thread.join();
  CHECK(applied == 1);
  CHECK(repeated == 3);
  CHECK(failed == 0);
  CHECK(store.run("SELECT count(*) FROM t") == "1");
}

TEST_CASE("a load that is interrupted on its way writes nothing") {
  Store store;
  store.run("CREATE TABLE t (id int PRIMARY KEY)");
  auto session = open(store.name, Access::load);
  const auto table = table_named(*session, "t");
  const auto request = load_request(table, {"id"}, "run");
  // The stream itself is where the interrupt arrives.
  int calls = 0;
  const auto rows = [&]() -> Result<std::optional<data::Batch>> {
    if (++calls == 2) session->interrupt();
    if (calls > 2) return std::optional<data::Batch>{};
    return std::optional{batch_of(request.columns, {{std::int64_t{calls}}})};
  };
  auto outcome = session->load(request, table, rows);
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == Code::cancelled);
  session.reset();
  CHECK(store.run("SELECT count(*) FROM t") == "0");
}

// Run by the next test in a process of its own, which dies on the way.
TEST_CASE("load until a crash point", "[.crash]") {
  auto session = open(kCrashDatabase, Access::load);
  const auto table = table_named(*session, "t");
  const auto outcome = load_rows(*session, load_request(table, {"id"}, "run", 5), table,
                                 {{std::int64_t{1}}, {std::int64_t{2}}});
  REQUIRE(outcome);
}

TEST_CASE("a process killed before its commit leaves nothing, killed after it leaves everything once") {
  Store store{kCrashDatabase};
  store.run("CREATE TABLE t (id int PRIMARY KEY)");
  auto session = open(store.name, Access::load);
  const auto table = table_named(*session, "t");

  int status = run_self("load until a crash point", "VMC_CRASH_AT", "load.rows_written");
  REQUIRE(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGKILL);
  CHECK(store.run("SELECT count(*) FROM t") == "0");
  CHECK(store.run("SELECT count(*) FROM vmc_applied") == "0");

  status = run_self("load until a crash point", "VMC_CRASH_AT", "load.committed");
  REQUIRE(WIFSIGNALED(status));
  CHECK(store.run("SELECT count(*) FROM t") == "2");
  CHECK(store.run("SELECT rows FROM vmc_applied WHERE scope = 'run' AND part = 5") == "2");
  auto again = load_rows(*session, load_request(table, {"id"}, "run", 5), table,
                         {{std::int64_t{1}}, {std::int64_t{2}}});
  REQUIRE(again);
  CHECK(again->already_applied);
  CHECK(again->rows == 2);
}

TEST_CASE("a large stream goes through in pieces and duplicates across batches keep the last") {
  Store store;
  store.run("CREATE TABLE t (id bigint PRIMARY KEY, v text, d numeric(12,2))");
  auto session = open(store.name, Access::load);
  const auto table = table_named(*session, "t");
  const auto request = load_request(table, {"id", "v", "d"}, "run");
  int calls = 0;
  const auto rows = [&]() -> Result<std::optional<data::Batch>> {
    if (++calls > 20) return std::optional<data::Batch>{};
    data::BatchBuilder builder{request.columns};
    for (std::int64_t i = 0; i < 5'000; ++i) {
      builder.column(0).int64(i * 2 + calls % 2);
      builder.column(1).text("call " + std::to_string(calls));
      builder.column(2).decimal(calls);
      builder.end_row();
    }
    return std::optional{builder.finish()};
  };
  auto outcome = session->load(request, table, rows);
  if (!outcome) FAIL(outcome.error().text());
  CHECK(outcome->rows == 100'000);
  CHECK(store.run("SELECT count(*) || ' ' || min(v) || ' ' || max(v) || ' ' || sum(d) FROM t") ==
        "10000 call 19 call 20 1950.00");
}
