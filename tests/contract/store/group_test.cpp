// Group commit: what queues up while the writer is busy is committed together, and only together.
#include <catch2/catch.hpp>

#include <sys/stat.h>

#include <future>

#include "child.hpp"
#include "disk.hpp"
#include "support.hpp"

using namespace vmc;
using namespace vmc::test;
using store::Tx;

namespace {

std::uint32_t big_endian(const std::string& bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<std::uint8_t>(bytes.at(at + i));
  return value;
}

// Commits that stand in the log, read from its format: a frame that names the file's new size ends one.
std::size_t commits_in(const std::string& wal_file) {
  const auto wal = slurp(wal_file);
  if (wal.size() < 32) return 0;
  const std::size_t page = big_endian(wal, 8);
  std::size_t commits = 0;
  for (std::size_t at = 32; at + 24 + page <= wal.size(); at += 24 + page)
    if (wal.compare(at + 8, 8, wal, 16, 8) == 0 && big_endian(wal, at + 4) != 0) ++commits;
  return commits;
}

// Occupies the writer while `spawn` starts coroutines on the loop, so that all of them queue up.
template <class F>
void run_together(store::Database& db, F spawn) {
  auto& loop = this_loop();
  std::promise<void> busy, all_queued;
  auto queued = all_queued.get_future();
  auto occupy = [&](Tx&) -> Result<void> {
    busy.set_value();
    queued.wait();
    return {};
  };
  auto first = [&]() -> awaitable<void> {
    const auto done = co_await db.transact("t1", occupy);
    CHECK(done);
  };
  asio::co_spawn(loop, first(), rethrow);
  loop.poll();
  busy.get_future().wait();
  spawn(loop);
  loop.poll();
  all_queued.set_value();
  loop.restart();
  loop.run();
}

}  // namespace

TEST_CASE("closures that queue up behind a commit share the next one") {
  TempFolder folder;
  const auto file = folder / "state.db";
  const auto db = open_notes(file);
  const auto before = commits_in(file + "-wal");
  std::size_t done = 0;
  plan_syncs({});
  run_together(*db, [&](asio::io_context& loop) {
    auto one = [](store::Database& to, std::string id, std::size_t& count) -> awaitable<void> {
      const auto added = co_await add_note(to, id);
      if (added) ++count;
    };
    for (int i = 0; i < 100; ++i) asio::co_spawn(loop, one(*db, std::to_string(i), done), rethrow);
  });
  CHECK(done == 100);
  CHECK(run(note_ids(*db)).value().size() == 100);
  CHECK(commits_in(file + "-wal") - before == 1);
  CHECK(syncs() == 1);
}

TEST_CASE("a transaction alone costs one sync of the log") {
  TempFolder folder;
  const auto db = open_notes(folder / "state.db");
  REQUIRE(run(add_note(*db, "first")));
  plan_syncs({});
  for (int i = 0; i < 10; ++i) REQUIRE(run(add_note(*db, std::to_string(i))));
  CHECK(syncs() == 10);
}

TEST_CASE("a group is no larger than its limit") {
  TempFolder folder;
  const auto file = folder / "state.db";
  auto settings = settings_for(file);
  settings.group_max = 10;
  const auto db = store::open_sqlite(settings, kNotes).value();
  const auto before = commits_in(file + "-wal");
  run_together(*db, [&](asio::io_context& loop) {
    for (int i = 0; i < 30; ++i) {
      auto one = [](store::Database& to, std::string id) -> awaitable<void> {
        const auto added = co_await add_note(to, id);
        CHECK(added);
      };
      asio::co_spawn(loop, one(*db, std::to_string(i)), rethrow);
    }
  });
  CHECK(commits_in(file + "-wal") - before == 3);
}

TEST_CASE(
    "an error, a failed statement and an exception each undo one closure of the group and no neighbour") {
  TempFolder folder;
  const auto db = open_notes(folder / "state.db");
  REQUIRE(run(add_note(*db, "taken")));
  std::vector<std::string> outcomes(5);
  const auto note = [](store::Database& to, std::string id, int ending,
                       std::string& outcome) -> awaitable<void> {
    auto work = [&](Tx& tx) -> Result<void> {
      tx.exec(kInsert, {{"id", id}, {"body", "x"}});
      if (ending == 1) return fail(Code::quota_exceeded, "no");
      if (ending == 2) tx.exec(kInsert, {{"id", "taken"}, {"body", "x"}});
      if (ending == 3) throw std::out_of_range{"a bug"};
      if (ending == 4) tx.exec("INSERT INTO marks (note, tenant, mark) VALUES ('nobody', :tenant, 1)");
      return {};
    };
    try {
      const auto done = co_await to.transact("t1", work);
      outcome = done ? "ok" : std::string{done.error().name()};
    } catch (const std::out_of_range& bug) {
      outcome = bug.what();
    }
  };
  run_together(*db, [&](asio::io_context& loop) {
    for (int i = 0; i < 5; ++i)
      asio::co_spawn(loop, note(*db, "n" + std::to_string(i), i, outcomes[static_cast<std::size_t>(i)]),
                     rethrow);
  });
  CHECK(outcomes == std::vector<std::string>{"ok", "QUOTA_EXCEEDED", "CONFLICT", "a bug", "CONFLICT"});
  CHECK(run(note_ids(*db)).value() == std::vector<std::string>{"n0", "taken"});
}

TEST_CASE("when the log cannot be synced, nobody in the group hears of success") {
  TempFolder folder;
  const auto file = folder / "state.db";
  {
    const auto db = open_notes(file);
    REQUIRE(run(add_note(*db, "before")));
    std::vector<Code> codes;
    plan_syncs({.fail_from = 1, .fail_count = 1});
    run_together(*db, [&](asio::io_context& loop) {
      auto one = [](store::Database& to, std::string id, std::vector<Code>& out) -> awaitable<void> {
        const auto done = co_await add_note(to, id);
        if (!done) out.push_back(done.error().code);
      };
      for (int i = 0; i < 20; ++i) asio::co_spawn(loop, one(*db, std::to_string(i), codes), rethrow);
    });
    plan_syncs({});
    CHECK(codes == std::vector<Code>(20, Code::unavailable));
    REQUIRE(run(add_note(*db, "later")));
    CHECK(run(note_ids(*db)).value() == std::vector<std::string>{"before", "later"});
  }
  CHECK(run(note_ids(*open_notes(file))).value() == std::vector<std::string>{"before", "later"});
}

TEST_CASE("the log stays short under many writes, beside readers that overlap") {
  TempFolder folder;
  const auto file = folder / "state.db";
  const auto db = open_notes(file);
  const std::string body(100'000, 'x');
  for (int i = 0; i < 300; ++i) {
    REQUIRE(run(add_note(*db, std::to_string(i), body)));
    REQUIRE(run(note_ids(*db)));
  }
  CHECK(std::filesystem::file_size(file) > 25'000'000);
  CHECK(std::filesystem::file_size(file + "-wal") < 10'000'000);
}

TEST_CASE("the file gives room back when most of it is free") {
  TempFolder folder;
  const auto file = folder / "state.db";
  const auto db = open_notes(file);
  const std::string body(100'000, 'x');
  for (int i = 0; i < 300; ++i) REQUIRE(run(add_note(*db, std::to_string(i), body)));
  auto clear = [](Tx& tx) -> Result<void> {
    tx.exec("DELETE FROM notes");
    return {};
  };
  REQUIRE(run(db->transact("t1", clear)));
  for (int i = 0; i < 1'000; ++i) {
    REQUIRE(run(add_note(*db, "again", body)));
    REQUIRE(run(db->transact("t1", clear)));
    if (std::filesystem::file_size(file) < 15'000'000) break;
  }
  CHECK(std::filesystem::file_size(file) < 15'000'000);
}

TEST_CASE("the file is for its owner only") {
  TempFolder folder;
  const auto file = folder / "deeper/state.db";
  const auto db = open_notes(file);
  for (const std::string suffix : {"", "-wal", "-shm"}) {
    struct stat info {};
    REQUIRE(::stat((file + suffix).c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
  }
}

TEST_CASE("child: adds to a counter", "[.child]") {
  const auto db = open_notes(given("VMC_TEST_FILE"));
  wait_for_go();
  auto work = [](Tx& tx) -> Result<void> {
    const auto value = tx.one("SELECT mark FROM marks WHERE note = 'n'")->integer(0);
    tx.exec("UPDATE marks SET mark = :mark WHERE note = 'n'", {{"mark", value + 1}});
    return {};
  };
  for (int i = 0; i < 200; ++i) REQUIRE(run(db->transact("t1", work)));
  say("done");
}

TEST_CASE("several processes write one file and no update is lost") {
  TempFolder folder;
  const auto file = folder / "state.db";
  {
    const auto db = open_notes(file);
    auto work = [](Tx& tx) -> Result<void> {
      tx.exec(kInsert, {{"id", "n"}, {"body", "x"}});
      tx.exec("INSERT INTO marks (note, tenant, mark) VALUES ('n', :tenant, 0)");
      return {};
    };
    REQUIRE(run(db->transact("t1", work)));
  }
  Child one{"child: adds to a counter", {{"VMC_TEST_FILE", file}}};
  Child two{"child: adds to a counter", {{"VMC_TEST_FILE", file}}};
  one.go();
  two.go();
  CHECK(one.line() == "done");
  CHECK(two.line() == "done");
  CHECK(one.wait() == 0);
  CHECK(two.wait() == 0);
  const auto db = open_notes(file);
  auto value = [](Tx& tx) -> Result<std::int64_t> { return tx.one("SELECT mark FROM marks")->integer(0); };
  CHECK(run(db->read("t1", value)).value() == 400);
}
