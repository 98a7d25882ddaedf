// n-th failure loops: whatever call, statement or sync fails, an answer is never wrong.
#include <catch2/catch.hpp>

#include <signal.h>
#include <sys/resource.h>

#include "child.hpp"
#include "disk.hpp"
#include "support.hpp"
#include "support/fault_store.hpp"

using namespace vmc;
using namespace vmc::test;
using store::Fault;
using store::FaultStore;
using store::Tx;

namespace {

// Adds a note and its mark, once, however often it is repeated. "added" or "was there".
awaitable<Result<std::string>> add_once(store::Database& db, std::string id) {
  auto work = [&](Tx& tx) -> Result<std::string> {
    const auto added =
        tx.exec("INSERT INTO notes (tenant, id) VALUES (:tenant, :id) ON CONFLICT DO NOTHING", {{"id", id}});
    if (added == 0) return "was there";
    tx.exec("INSERT INTO marks (note, tenant, mark) VALUES (:id, :tenant, 1)", {{"id", id}});
    return "added";
  };
  co_return co_await db.transact("t1", work);
}

std::int64_t mark_sum(store::Database& db) {
  auto work = [](Tx& tx) -> Result<std::int64_t> {
    return tx.one("SELECT coalesce(sum(mark), 0) FROM marks")->integer(0);
  };
  return run(db.read("t1", work)).value();
}

}  // namespace

TEST_CASE("whichever call fails and however, repeating it leads to the same end") {
  const auto when = GENERATE(Fault::When::before, Fault::When::statement, Fault::When::after);
  const auto code = GENERATE(Code::unavailable, Code::internal);
  std::size_t struck = 0;
  for (std::size_t nth = 1;; ++nth) {
    TempFolder folder;
    const auto real = open_notes(folder / "state.db");
    FaultStore db{*real};
    db.fail({.when = when, .nth = nth, .code = code});
    for (const std::string id : {"a", "b", "c", "d"}) {
      auto done = run(add_once(db, id));
      if (!done) {
        CHECK(done.error().code == code);
        const auto there = run(note_ids(*real)).value();
        CHECK((there.empty() || there.back() != id) == (when != Fault::When::after));
        CHECK(mark_sum(*real) == static_cast<std::int64_t>(there.size()));
        done = run(add_once(db, id));
        CHECK(done.value() == (when == Fault::When::after ? "was there" : "added"));
      }
    }
    CHECK(run(note_ids(*real)).value().size() == 4);
    CHECK(mark_sum(*real) == 4);
    if (!db.struck()) break;
    ++struck;
  }
  CHECK(struck == (when == Fault::When::statement ? 8 : 4));
}

TEST_CASE("reads can be made to fail too, and a healed store goes on") {
  TempFolder folder;
  const auto real = open_notes(folder / "state.db");
  FaultStore db{*real};
  db.fail({.when = Fault::When::before, .nth = 1, .code = Code::unavailable});
  CHECK(run(note_ids(db)).error().code == Code::unavailable);
  CHECK(run(note_ids(db)));
  CHECK(db.calls() == 2);
  db.fail({.when = Fault::When::after, .nth = 1, .code = Code::unavailable});
  db.heal();
  CHECK(run(note_ids(db)));
}

TEST_CASE("whichever sync of the disk fails, what was acknowledged is there and the store goes on") {
  std::size_t struck = 0;
  for (std::size_t nth = 1; nth <= 20; ++nth) {
    TempFolder folder;
    const auto file = folder / "state.db";
    std::vector<std::string> acknowledged;
    {
      const auto db = open_notes(file);
      plan_syncs({.fail_from = nth, .fail_count = 2});
      const std::string body(400'000, 'x');
      for (int i = 10; i < 26; ++i)
        if (run(add_note(*db, std::to_string(i), body))) acknowledged.push_back(std::to_string(i));
      struck += syncs() >= nth;
      plan_syncs({});
      REQUIRE(run(add_note(*db, "26")));
      acknowledged.emplace_back("26");
    }
    CHECK(acknowledged.size() >= 15);
    CHECK(run(note_ids(*open_notes(file))).value() == acknowledged);
  }
  CHECK(struck >= 16);
}

TEST_CASE("child: fills the disk", "[.child]") {
  // Beyond the limit every write fails, as on a full disk.
  ::signal(SIGXFSZ, SIG_IGN);
  const auto db = open_notes(given("VMC_TEST_FILE"));
  rlimit limit{};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  const auto before = limit.rlim_cur;
  limit.rlim_cur = 2'000'000;
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);

  const std::string body(50'000, 'x');
  std::vector<std::string> acknowledged;
  std::size_t refused = 0;
  for (int i = 100; i < 200; ++i) {
    const auto done = run(add_note(*db, std::to_string(i), body));
    if (done) acknowledged.push_back(std::to_string(i));
    if (!done) {
      ++refused;
      REQUIRE(done.error().code == Code::unavailable);
    }
  }
  REQUIRE(refused > 20);
  REQUIRE(acknowledged.size() > 20);
  REQUIRE(run(note_ids(*db)).value() == acknowledged);

  limit.rlim_cur = before;
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
  REQUIRE(run(add_note(*db, "room again")));
  for (const auto& id : acknowledged) say(id);
}

TEST_CASE("on a full disk writes are refused, nothing acknowledged is lost, and room makes it work again") {
  TempFolder folder;
  const auto file = folder / "state.db";
  Child child{"child: fills the disk", {{"VMC_TEST_FILE", file}}};
  std::vector<std::string> acknowledged;
  while (auto id = child.line()) acknowledged.push_back(*id);
  REQUIRE(child.wait() == 0);
  acknowledged.emplace_back("room again");
  CHECK(run(note_ids(*open_notes(file))).value() == acknowledged);
}

TEST_CASE("a damaged file is refused with its name and what to do") {
  TempFolder folder;
  const auto file = folder / "state.db";
  {
    const auto db = open_notes(file);
    for (int i = 0; i < 200; ++i) REQUIRE(run(add_note(*db, std::to_string(i), std::string(500, 'x'))));
  }
  auto content = slurp(file);
  REQUIRE(content.size() > 50'000);
  const auto damage = GENERATE(0, 1, 2, 3);
  if (damage == 0) content = std::string(content.size(), 'x');
  if (damage == 1) content.replace(0, 16, "not a database!!");
  if (damage == 2) content.replace(4096 * 4, 4096 * 4, std::string(4096 * 4, '\xff'));
  if (damage == 3) content.resize(content.size() / 2);
  spill(file, content);
  const auto opened = store::open_sqlite(settings_for(file), kNotes);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == Code::internal);
  CHECK(opened.error().text().find(file) != std::string::npos);
  CHECK(opened.error().text().find("backup") != std::string::npos);
}
