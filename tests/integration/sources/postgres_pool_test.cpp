// A pool over a real server: sessions that the server cuts are found out and replaced.
#include <catch2/catch.hpp>

#include "../../support/postgres_server.hpp"
#include "../../support/rows.hpp"
#include "sources/pool.hpp"

using namespace vmc;
using namespace vmc::test;
using sources::Access;
using sources::Session;

namespace {

PostgresServer& server() { return PostgresServer::instance(); }

struct House {
  asio::io_context loop;
  std::unique_ptr<sources::SourcePool> pool;
  explicit House(sources::PoolSettings settings)
      : pool{sources::make_source_pool(loop, sources::make_postgres_source(server().settings("postgres")),
                                       settings)} {}

  void run(std::function<awaitable<void>()> test) {
    auto whole = [&]() -> awaitable<void> {
      co_await test();
      co_await pool->close();
      CHECK(pool->figures().open == 0);
    };
    auto done = [](std::exception_ptr error) {
      if (error) std::rethrow_exception(error);
    };
    asio::co_spawn(loop, whole, done);
    loop.run();
  }
};

std::string process_of(Session& session) {
  Rows rows;
  sources::SqlQuery ask;
  ask.text = "SELECT pg_backend_pid()";
  REQUIRE(session.query(ask, {}, into(rows)));
  REQUIRE(rows.size() == 1);
  return data::format(rows[0][0]);
}

// Returns when it is gone.
void cut(const std::string& process) {
  REQUIRE(server().run("SELECT pg_terminate_backend(" + process + ", 30000)") == "t");
}

}  // namespace

TEST_CASE("PostgreSQL: a session that is cut while it is used is not used again") {
  sources::PoolSettings settings;
  settings.min = 1;
  House house{settings};
  house.run([&]() -> awaitable<void> {
    std::string first, second;
    std::function<Result<void>(Session&)> work = [&](Session& session) -> Result<void> {
      first = process_of(session);
      cut(first);
      return session.rights().has_value() ? Result<void>{} : fail(Code::unavailable, "cut");
    };
    auto lost = co_await house.pool->use(Access::read, work);
    CHECK_FALSE(lost);
    work = [&](Session& session) -> Result<void> {
      second = process_of(session);
      return {};
    };
    auto outcome = co_await house.pool->use(Access::read, work);
    CHECK(outcome);
    CHECK(first != second);
    CHECK(house.pool->figures().opened == 2);
  });
}

TEST_CASE("PostgreSQL: an idle session that is cut is noticed by its ping, and replaced") {
  sources::PoolSettings settings;
  settings.min = 1;
  settings.ping = std::chrono::milliseconds{10};
  House house{settings};
  house.run([&]() -> awaitable<void> {
    std::string process;
    std::function<Result<void>(Session&)> work = [&](Session& session) -> Result<void> {
      process = process_of(session);
      return {};
    };
    auto outcome = co_await house.pool->use(Access::read, work);
    CHECK(outcome);
    cut(process);
    while (house.pool->figures().opened < 2) co_await asio::post(house.loop, asio::use_awaitable);
    CHECK(house.pool->figures().open_failures == 0);
    CHECK(house.pool->figures().most_open == 1);
  });
}
