// Replacing a PostgreSQL table: it stays what it is, its user is told what to grant, and a death on the way changes nothing.
#include <sys/wait.h>
#include <catch2/catch.hpp>

#include <csignal>
#include <thread>

#include "../../support/postgres_server.hpp"
#include "../../support/rows.hpp"

using namespace vmc;
using namespace vmc::test;
using data::Kind;
using sources::Access;

namespace {

constexpr const char* kCrashDatabase = "replace_crash";

std::unique_ptr<sources::Session> open(const std::string& database, const std::string& user = "postgres") {
  auto session = sources::make_postgres_source(PostgresServer::instance().settings(database, user))
                     ->open(Access::load, std::chrono::seconds{10});
  if (!session) FAIL(session.error().text());
  return std::move(*session);
}

struct Store {
  std::string name;
  explicit Store(std::string fixed = "") : name{std::move(fixed)} {
    static int next = 0;
    if (name.empty()) name = "replace_" + std::to_string(next++);
    PostgresServer::instance().create_database(name);
  }
  std::string run(const std::string& sql) const { return PostgresServer::instance().run(sql, name); }
};

sources::LoadRequest replacing(const data::TableInfo& table, const std::vector<std::string>& columns,
                               std::string scope, std::int64_t part = 0) {
  auto request = load_request(table, columns, std::move(scope), part);
  request.mode = sources::LoadRequest::Mode::replace;
  return request;
}

Rows numbers(std::initializer_list<std::int64_t> from) {
  Rows rows;
  for (const auto number : from) rows.push_back({number});
  return rows;
}

Result<sources::LoadOutcome> lay_aside(sources::Session& session, const sources::LoadRequest& request,
                                       const data::TableInfo& table, const Rows& rows) {
  return session.load(request, table, once(batch_of(request.columns, rows)));
}

void must(const Result<sources::LoadOutcome>& outcome) {
  if (!outcome) FAIL(outcome.error().text());
}

}  // namespace

TEST_CASE("a replaced table keeps its grants, views, triggers, indexes, numbering and what the load leaves out") {
  Store store;
  store.run(
      "CREATE SCHEMA shop; CREATE TABLE shop.t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v text, extra text "
      "NOT NULL DEFAULT 'default', mood text CHECK (mood <> 'bad')); CREATE INDEX by_v ON shop.t (v);"
      "CREATE VIEW shop.seen AS SELECT v FROM shop.t; DROP ROLE IF EXISTS viewer; CREATE ROLE viewer; GRANT SELECT ON "
      "shop.t TO viewer; CREATE TABLE shop.log (v text); CREATE FUNCTION shop.note() RETURNS trigger LANGUAGE plpgsql AS "
      "'BEGIN INSERT INTO shop.log VALUES (NEW.v); RETURN NEW; END'; CREATE TRIGGER note BEFORE INSERT ON shop.t FOR "
      "EACH ROW EXECUTE FUNCTION shop.note(); INSERT INTO shop.t (v) VALUES ('old')");
  auto session = open(store.name);
  const auto table = table_named(*session, "shop.t");
  const auto request = replacing(table, {"id", "v"}, "run");
  must(lay_aside(*session, request, table, {{std::int64_t{7}, std::string{"new"}}}));
  CHECK(store.run("SELECT string_agg(v, ',') FROM shop.log") == "old");
  must(session->swap(request, table, 1));
  CHECK(store.run("SELECT string_agg(concat_ws('/', id, v, extra), ',') FROM shop.t") == "7/new/default");
  CHECK(store.run("SELECT v FROM shop.seen") == "new");
  CHECK(store.run("SELECT string_agg(v, ',') FROM shop.log") == "old,new");
  CHECK(store.run("SELECT has_table_privilege('viewer', 'shop.t', 'SELECT')") == "t");
  CHECK(store.run("SELECT count(*) FROM pg_indexes WHERE tablename = 't'") == "2");
  CHECK(store.run("INSERT INTO shop.t (v) VALUES ('next') RETURNING id") == "2");
  CHECK(store.run("SELECT count(*) FROM pg_tables WHERE tablename LIKE 'vmc_aside%'") == "0");

  const auto bad = replacing(table, {"id", "v", "mood"}, "bad");
  auto refused = lay_aside(*session, bad, table, {{std::int64_t{1}, std::string{"x"}, std::string{"bad"}}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::database_error);
  store.run("DROP OWNED BY viewer; DROP ROLE viewer");
}

TEST_CASE("a user who may not create tables or delete rows is told so by mode replace") {
  Store store;
  store.run(
      "DROP ROLE IF EXISTS replacer; CREATE ROLE replacer LOGIN PASSWORD 'secret'; CREATE TABLE t (id int PRIMARY KEY); "
      "CREATE TABLE vmc_applied (scope text NOT NULL, part bigint NOT NULL, epoch bigint NOT NULL, rows bigint NOT NULL, "
      "applied_at timestamptz NOT NULL, PRIMARY KEY (scope, part)); GRANT SELECT, INSERT, UPDATE ON t, vmc_applied TO "
      "replacer; REVOKE CREATE ON SCHEMA public FROM PUBLIC");
  auto session = open(store.name, "replacer");
  const auto table = table_named(*session, "t");
  const auto request = replacing(table, {"id"}, "run");
  auto refused = lay_aside(*session, request, table, numbers({1}));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::write_not_permitted);
  CHECK(refused.error().hint.find("GRANT CREATE") != std::string::npos);
  REQUIRE(session->reset());
  store.run("GRANT CREATE ON SCHEMA public TO replacer");
  must(lay_aside(*session, request, table, numbers({1})));
  auto no_delete = session->swap(request, table, 1);
  REQUIRE_FALSE(no_delete);
  CHECK(no_delete.error().code == Code::write_not_permitted);
  CHECK(no_delete.error().hint.find("DELETE") != std::string::npos);
  REQUIRE(session->reset());
  store.run("GRANT DELETE ON t TO replacer");
  must(session->swap(request, table, 1));
  CHECK(store.run("SELECT string_agg(id::text, ',') FROM t") == "1");
  store.run("DROP OWNED BY replacer; DROP ROLE replacer");
}

TEST_CASE("a table is not replaced when others inherit from it or a trigger holds rows back") {
  Store store;
  store.run(
      "CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE heir () INHERITS (t); INSERT INTO t VALUES (1); INSERT INTO heir "
      "VALUES (2); CREATE TABLE sieve (id int PRIMARY KEY); INSERT INTO sieve VALUES (1); CREATE FUNCTION hold() RETURNS "
      "trigger LANGUAGE plpgsql AS 'BEGIN IF NEW.id = 3 THEN RETURN NULL; END IF; RETURN NEW; END'; CREATE TRIGGER hold "
      "BEFORE INSERT ON sieve FOR EACH ROW EXECUTE FUNCTION hold()");
  auto session = open(store.name);
  const auto parent = table_named(*session, "t");
  auto refused = session->swap(replacing(parent, {"id"}, "run"), parent, 0);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::invalid_request);
  REQUIRE(session->reset());
  CHECK(store.run("SELECT count(*) FROM t") == "2");
  const auto sieve = table_named(*session, "sieve");
  const auto request = replacing(sieve, {"id"}, "run");
  must(lay_aside(*session, request, sieve, numbers({2, 3})));
  auto missed = session->swap(request, sieve, 2);
  REQUIRE_FALSE(missed);
  CHECK(missed.error().code == Code::conflict);
  CHECK(store.run("SELECT string_agg(id::text, ',') FROM sieve") == "1");
}

TEST_CASE("deferrable references may point to rows that a swap brings back") {
  Store store;
  store.run(
      "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2); CREATE TABLE child (t int REFERENCES t "
      "DEFERRABLE); INSERT INTO child VALUES (1)");
  auto session = open(store.name);
  const auto table = table_named(*session, "t");
  const auto request = replacing(table, {"id"}, "run"), without = replacing(table, {"id"}, "without");
  must(lay_aside(*session, without, table, numbers({3})));
  CHECK(session->swap(without, table, 1).error().code == Code::database_error);
  REQUIRE(session->reset());
  must(lay_aside(*session, request, table, numbers({1, 3})));
  must(session->swap(request, table, 2));
  CHECK(store.run("SELECT string_agg(id::text, ',' ORDER BY id) FROM t") == "1,3");
}

TEST_CASE("parts and swaps that come at the same time are done once each") {
  Store store;
  store.run("CREATE TABLE t (id bigint PRIMARY KEY); INSERT INTO t VALUES (-1)");
  auto session = open(store.name);
  const auto table = table_named(*session, "t");
  std::atomic<int> swapped{0};
  std::mutex mutex;
  std::vector<std::string> failed;
  const auto note = [&](const Error& error) {
    const std::lock_guard lock{mutex};
    failed.push_back(error.text());
  };
  const auto at_once = [](auto work) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back(work, i);
    for (auto& thread : threads) thread.join();
  };
  const auto request_of = [&](int part) {
    auto request = sources::LoadRequest{};
    request.table = "t";
    request.mode = sources::LoadRequest::Mode::replace;
    request.columns = std::make_shared<data::RowType>(data::RowType{{"id", {Kind::int64}, false}});
    request.applied_scope = "run";
    request.part = part;
    return request;
  };
  const auto session_of = [&] {
    return sources::make_postgres_source(PostgresServer::instance().settings(store.name))
        ->open(Access::load, std::chrono::seconds{10});
  };
  at_once([&](int i) {
    auto own = session_of();
    const auto request = request_of(i / 2);
    data::BatchBuilder builder{request.columns};
    builder.column(0).int64(request.part);
    builder.end_row();
    if (auto loaded = (*own)->load(request, table, once(builder.finish())); !loaded) note(loaded.error());
  });
  CHECK(failed == std::vector<std::string>{});
  at_once([&](int) {
    auto own = session_of();
    const auto outcome = (*own)->swap(request_of(0), table, 2);
    if (!outcome) note(outcome.error());
    if (outcome && !outcome->already_applied) ++swapped;
  });
  CHECK(failed == std::vector<std::string>{});
  CHECK(swapped == 1);
  CHECK(store.run("SELECT string_agg(id::text, ',' ORDER BY id) FROM t") == "0,1");
}

// Run by the next test in a process of its own, which dies on the way.
TEST_CASE("swap until a crash point", "[.crash]") {
  auto session = open(kCrashDatabase);
  const auto table = table_named(*session, "t");
  must(session->swap(replacing(table, {"id"}, "run"), table, 2));
}

TEST_CASE("a process killed inside a swap leaves the old rows, killed after it the new ones, and the swap goes on") {
  Store store{kCrashDatabase};
  store.run("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (9)");
  auto session = open(store.name);
  const auto table = table_named(*session, "t");
  const auto request = replacing(table, {"id"}, "run");
  must(lay_aside(*session, request, table, numbers({1, 2})));
  const auto dies_at = [](const char* point) {
    const int status = run_self("swap until a crash point", "VMC_CRASH_AT", point);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  };
  CHECK(dies_at("swap.filled"));
  CHECK(store.run("SELECT string_agg(id::text, ',' ORDER BY id) FROM t") == "9");
  CHECK(dies_at("swap.committed"));
  CHECK(store.run("SELECT string_agg(id::text, ',' ORDER BY id) FROM t") == "1,2");
  const auto again = session->swap(request, table, 2);
  must(again);
  CHECK(again->already_applied);
  CHECK(store.run("SELECT string_agg(id::text, ',' ORDER BY id) FROM t") == "1,2");
}
