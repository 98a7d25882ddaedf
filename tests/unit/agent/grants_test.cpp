// What a connection's user may do decides whether commands run, where its owner says so.
#include <sqlite3.h>
#include <catch2/catch.hpp>

#include "agent/grants.hpp"
#include "support/show_result.hpp"
#include "support/temp_dir.hpp"

using namespace vmc;
using agent::Grants;
using test::TempDir;

namespace {

// A database file that this account can write: a weak grant.
struct Site {
  TempDir directory;
  asio::io_context loop;
  agent::ConnectionSettings connection;
  std::unique_ptr<sources::SourcePool> pool;

  Site() {
    connection.id = "shop";
    connection.file = directory.path() / "shop.db";
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open(connection.file.c_str(), &db) == SQLITE_OK);
    CHECK(sqlite3_exec(db, "CREATE TABLE t (n INTEGER)", nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(db);
    pool = sources::make_source_pool(loop, sources::make_sqlite_source({connection.file}), {});
  }

  Result<void> admit(Grants& grants) {
    Result<void> outcome;
    bool done = false;
    auto work = [&]() -> awaitable<void> { outcome = co_await grants.admit(connection, *pool); };
    asio::co_spawn(loop, work, [&](std::exception_ptr error) {
      CHECK_FALSE(error);
      done = true;
    });
    while (!done) loop.run_one();
    return outcome;
  }
  ~Site() {
    asio::co_spawn(loop, pool->close(), [](std::exception_ptr error) { CHECK_FALSE(error); });
    loop.run();
  }
};

}  // namespace

TEST_CASE("weak rights are told, and refused where the owner says so") {
  Site site;
  Grants grants{std::chrono::hours{1}};
  CHECK_FALSE(grants.last(site.connection));
  CHECK(site.admit(grants));
  REQUIRE(grants.last(site.connection));
  CHECK(grants.last(site.connection)->strength == Grants::Strength::weak);
  CHECK_FALSE(grants.last(site.connection)->findings.empty());
  site.connection.weak_grants = "refuse";
  const auto refused = site.admit(grants);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::weak_grants);
  CHECK(refused.error().hint.find("vmc agent db test shop") != std::string::npos);
}

TEST_CASE("a user that loads may write") {
  Site site;
  site.connection.writable_tables = {"t"};
  site.connection.weak_grants = "refuse";
  Grants grants{std::chrono::hours{1}};
  CHECK(site.admit(grants));
  CHECK(agent::to_string(grants.last(site.connection)->strength) == "strong");
}

TEST_CASE("rights are looked at again after a while, and no sooner") {
  for (const auto every : {Duration{0}, Duration{std::chrono::hours{1}}}) {
    Site site;
    Grants grants{every};
    CHECK(site.admit(grants));
    CHECK(grants.last(site.connection)->strength == Grants::Strength::weak);
    std::filesystem::remove(site.connection.file);  // nobody writes there now
    CHECK(site.admit(grants));
    CHECK(grants.last(site.connection)->strength ==
          (every == Duration{0} ? Grants::Strength::strong : Grants::Strength::weak));
  }
}

TEST_CASE("what was seen is judged by the settings as they are now") {
  Site site;
  Grants grants{std::chrono::hours{1}};
  CHECK(site.admit(grants));
  CHECK(grants.last(site.connection)->strength == Grants::Strength::weak);
  site.connection.writable_tables = {"t"};
  site.connection.weak_grants = "refuse";
  CHECK(grants.last(site.connection)->strength == Grants::Strength::strong);
  CHECK(site.admit(grants));
}

TEST_CASE("who reaches files, users or other servers is weak, also where rows are loaded") {
  agent::ConnectionSettings reads, loads;
  loads.writable_tables = {"t"};
  const auto weak = [](bool super, bool writes, bool beyond, const agent::ConnectionSettings& connection) {
    sources::RightsReport rights;
    rights.superuser = super;
    rights.can_write = writes;
    rights.reaches_beyond = beyond;
    return agent::is_weak(rights, connection);
  };
  CHECK_FALSE(weak(false, false, false, reads));
  CHECK(weak(false, true, false, reads));
  CHECK_FALSE(weak(false, true, false, loads));
  for (const auto* connection : {&reads, &loads}) {
    CHECK(weak(false, false, true, *connection));
    CHECK(weak(true, false, false, *connection));
  }
}
