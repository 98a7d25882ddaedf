// kill -9 in the middle of a run of transactions loses nothing that was acknowledged.
#include <catch2/catch.hpp>

#include <sys/wait.h>

#include <iostream>
#include <random>
#include <set>

#include "child.hpp"
#include "support.hpp"

using namespace vmc;
using namespace vmc::test;
using store::Tx;

namespace {

awaitable<void> write_for_ever(store::Database& db, int writer, std::uint64_t seed) {
  std::mt19937_64 random{seed + static_cast<std::uint64_t>(writer)};
  for (int i = 0;; ++i) {
    const auto id = std::to_string(writer) + "-" + std::to_string(i);
    const auto size = random() % 20'000;
    auto work = [&](Tx& tx) -> Result<void> {
      tx.exec(kInsert, {{"id", id}, {"body", std::string(size, 'x')}});
      tx.exec("INSERT INTO marks (note, tenant, mark) VALUES (:id, :tenant, 1)", {{"id", id}});
      return {};
    };
    const auto done = co_await db.transact("t1", work);
    if (done) say(id);
  }
}

}  // namespace

TEST_CASE("child: writes until it is killed", "[.child]") {
  const auto db = open_notes(given("VMC_TEST_FILE"));
  asio::io_context loop;
  for (int writer = 0; writer < 6; ++writer)
    asio::co_spawn(loop, write_for_ever(*db, writer, std::stoull(given("VMC_TEST_SEED"))), rethrow);
  loop.run();
}

TEST_CASE("nothing acknowledged is lost when the process is killed") {
  const auto base = std::random_device{}();
  std::cout << "kill rounds: seed " << base << std::endl;
  for (std::uint64_t round = 0; round < 20; ++round) {
    const std::uint64_t seed = base + round;
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    TempFolder folder;
    const auto file = folder / "state.db";
    Child child{"child: writes until it is killed",
                {{"VMC_TEST_FILE", file}, {"VMC_TEST_SEED", std::to_string(seed)}}};
    std::set<std::string> acknowledged;
    for (auto left = 1 + random() % 300; left > 0; --left) {
      const auto id = child.line();
      REQUIRE(id);
      acknowledged.insert(*id);
    }
    child.strike();
    while (const auto id = child.line()) acknowledged.insert(*id);
    const auto status = child.wait();
    REQUIRE((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));  // it was struck while it ran

    const auto db = open_notes(file);
    const auto ids = run(note_ids(*db)).value();
    const std::set<std::string> there{ids.begin(), ids.end()};
    CHECK(std::includes(there.begin(), there.end(), acknowledged.begin(), acknowledged.end()));
    auto work = [](Tx& tx) -> Result<std::int64_t> {
      return tx.one("SELECT count(*) FROM marks")->integer(0);
    };
    CHECK(run(db->read("t1", work)).value() == static_cast<std::int64_t>(there.size()));
  }
}
