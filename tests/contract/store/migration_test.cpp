// Numbered steps: applied once, in order, by whoever comes first; anything unknown is refused.
#include <catch2/catch.hpp>

#include <sqlite3.h>

#include <array>
#include <list>
#include <thread>

#include "child.hpp"
#include "disk.hpp"
#include "support.hpp"

using namespace vmc;
using namespace vmc::test;
using store::Migration;
using store::Tx;

namespace {

constexpr std::array kSteps{
    Migration{1, "one", "CREATE TABLE a (x BIGINT);\nINSERT INTO a VALUES (1);\n"},
    Migration{2, "two", "ALTER TABLE a ADD COLUMN y TEXT;\nINSERT INTO a VALUES (2, 'two');\n"},
    Migration{5, "five", "INSERT INTO a VALUES (5, 'five');"},
};

std::int64_t rows_of_a(store::Database& db) {
  auto work = [](Tx& tx) -> Result<std::int64_t> { return tx.one("SELECT count(*) FROM a")->integer(0); };
  return run(db.read("t1", work)).value();
}

auto open_with(const std::string& file, std::span<const Migration> steps) {
  return store::open_sqlite(settings_for(file), steps);
}

}  // namespace

TEST_CASE("steps are applied once, and opening again writes nothing") {
  TempFolder folder;
  const auto file = folder / "state.db";
  CHECK(rows_of_a(*open_with(file, std::span{kSteps}.first(1)).value()) == 1);
  const auto first = open_with(file, kSteps).value();
  plan_syncs({});
  CHECK(rows_of_a(*open_with(file, kSteps).value()) == 3);
  CHECK(syncs() == 0);
}

TEST_CASE("many openers at once, in one process, apply each step once") {
  TempFolder folder;
  const auto file = folder / "state.db";
  std::vector<std::string> problems(8);
  {
    std::list<std::jthread> openers;
    for (auto& problem : problems)
      openers.emplace_back([&] {
        const auto opened = open_with(file, kSteps);
        if (!opened) problem = opened.error().text();
      });
  }
  CHECK(problems == std::vector<std::string>(8));
  CHECK(rows_of_a(*open_with(file, kSteps).value()) == 3);
}

TEST_CASE("child: opens and migrates", "[.child]") {
  wait_for_go();
  const auto opened = open_with(given("VMC_TEST_FILE"), kSteps);
  say(opened ? "ok" : opened.error().text());
}

TEST_CASE("many processes starting at once apply each step once") {
  TempFolder folder;
  const auto file = folder / "state.db";
  std::list<Child> children;
  for (int i = 0; i < 4; ++i)
    children.emplace_back("child: opens and migrates",
                          std::map<std::string, std::string>{{"VMC_TEST_FILE", file}});
  for (auto& child : children) child.go();
  for (auto& child : children) CHECK(child.line() == "ok");
  CHECK(rows_of_a(*open_with(file, kSteps).value()) == 3);
}

TEST_CASE("a database that is newer than the binary is refused and left alone") {
  TempFolder folder;
  const auto file = folder / "state.db";
  REQUIRE(open_with(file, kSteps));
  const auto refused = open_with(file, std::span{kSteps}.first(2));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::conflict);
  CHECK(refused.error().text().find("step 5 ('five')") != std::string::npos);
  CHECK(rows_of_a(*open_with(file, kSteps).value()) == 3);
}

TEST_CASE("a step whose text has changed is refused") {
  TempFolder folder;
  const auto file = folder / "state.db";
  REQUIRE(open_with(file, kSteps));
  auto changed = kSteps;
  changed[1].sql = "ALTER TABLE a ADD COLUMN z TEXT;";
  const auto refused = open_with(file, changed);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::conflict);
  CHECK(refused.error().message.find("step 2") != std::string::npos);
}

TEST_CASE("a step that was slipped in below an applied one is refused") {
  TempFolder folder;
  const auto file = folder / "state.db";
  REQUIRE(open_with(file, std::span{kSteps}.last(0)));
  const std::array without{kSteps[0], Migration{5, "five", "INSERT INTO a VALUES (5);"}};
  REQUIRE(open_with(file, without));
  const std::array with{kSteps[0], kSteps[1], without[1]};
  CHECK(open_with(file, with).error().code == Code::conflict);
}

TEST_CASE("a step that fails leaves the steps before it and no trace of itself") {
  TempFolder folder;
  const auto file = folder / "state.db";
  const std::array broken{kSteps[0],
                          Migration{2, "two", "INSERT INTO a VALUES (7);\nINSERT INTO nowhere VALUES (1);"}};
  const auto refused = open_with(file, broken);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("step 2 ('two')") != std::string::npos);
  CHECK(rows_of_a(*open_with(file, std::span{kSteps}.first(1)).value()) == 1);
  CHECK(rows_of_a(*open_with(file, kSteps).value()) == 3);
}

TEST_CASE("a file of another program is refused") {
  TempFolder folder;
  const auto file = folder / "other.db";
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &db) == SQLITE_OK);
  REQUIRE(sqlite3_exec(db, "CREATE TABLE theirs (x)", nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(db);
  CHECK(open_with(file, kSteps).error().code == Code::conflict);
}

TEST_CASE("steps that are not numbered upwards are a bug") {
  TempFolder folder;
  const std::array twice{kSteps[0], kSteps[0]};
  CHECK_THROWS_AS(open_with(folder / "state.db", twice), std::logic_error);
}

TEST_CASE("whichever sync of a first start fails, the next start finishes it") {
  for (std::size_t nth = 1; nth <= 8; ++nth) {
    TempFolder folder;
    const auto file = folder / "state.db";
    plan_syncs({.fail_from = nth});
    { [[maybe_unused]] const auto maybe = open_with(file, kSteps); }
    plan_syncs({});
    CHECK(rows_of_a(*open_with(file, kSteps).value()) == 3);
  }
}
