// The consent ledger: a new shape waits, what its owner says counts from then on, and it does not grow without end.
#include "agent/approvals.hpp"

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include "agent/journal.hpp"
#include "support/show_result.hpp"
#include "support/temp_dir.hpp"

using namespace vmc;
using namespace vmc::test;
using agent::Consent;

namespace {

struct Ledger {
  TempDir folder;
  ManualClock clock;
  asio::io_context loop{1};
  std::unique_ptr<agent::Journal> journal = std::move(*agent::Journal::open(folder.path(), 1u << 20, clock));

  template <class T>
  Result<T> run(awaitable<Result<T>> task) {
    std::optional<Result<T>> out;
    auto keep = [](awaitable<Result<T>> inner, std::optional<Result<T>>& result) -> awaitable<void> {
      result = co_await std::move(inner);
    };
    loop.restart();
    asio::co_spawn(loop, keep(std::move(task), out), [](std::exception_ptr) {});
    loop.run();
    return std::move(*out);
  }

  // "" when it may run, else why not.
  std::string ask(const std::string& fingerprint, const std::string& connection = "erp") {
    auto outcome =
        run(journal->ask_consent(connection, {fingerprint, "select a from t where b = ?", {{"t", {"a", "b"}}}}));
    if (outcome) return "";
    CHECK(outcome.error().code == Code::approval_denied);
    return outcome.error().text();
  }
  Result<std::vector<agent::KnownShape>> list(const std::string& connection = "", bool decided = false) {
    return run(journal->known_shapes(connection, decided));
  }
  Result<std::vector<agent::KnownShape>> decide(std::vector<std::string> ids, bool yes) {
    return run(journal->decide(std::move(ids), yes));
  }
};

std::string print(char digit) { return std::string(64, digit); }

}  // namespace

TEST_CASE("a new shape waits, and runs once its owner has said yes") {
  Ledger ledger;
  const auto why = ledger.ask(print('a'));
  CHECK(why.find("waits for its owner's yes") != std::string::npos);
  CHECK(why.find("vmc agent approvals approve aaaaaaaaaaaa") != std::string::npos);
  ledger.clock.advance(std::chrono::seconds{5});
  CHECK(ledger.ask(print('a')).find("waits") != std::string::npos);
  auto waiting = ledger.list("erp");
  REQUIRE(waiting);
  REQUIRE(waiting->size() == 1);
  const auto& known = waiting->front();
  CHECK(known.id() == "aaaaaaaaaaaa");
  CHECK(known.times == 2);
  CHECK(known.last_seen - known.first_seen == 5'000'000);
  CHECK(known.shape.reads == data::Reads{{"t", {"a", "b"}}});
  CHECK(known.consent == Consent::waiting);
  CHECK(ledger.list("crm")->empty());

  REQUIRE(ledger.decide({"aaaaaaaaaaaa"}, true));
  CHECK(ledger.ask(print('a')).empty());
  CHECK(ledger.list()->empty());
  CHECK(ledger.list("", true)->front().consent == Consent::approved);
  CHECK(ledger.list("", true)->front().decided_at);
}

TEST_CASE("a denied shape is refused in other words than one that waits, until its owner says yes") {
  Ledger ledger;
  ledger.ask(print('a'));
  REQUIRE(ledger.decide({print('a')}, false));
  CHECK(ledger.ask(print('a')).find("has denied this statement") != std::string::npos);
  REQUIRE(ledger.decide({print('a')}, true));
  CHECK(ledger.ask(print('a')).empty());
}

TEST_CASE("an id that is unknown, too short or not the only one decides nothing") {
  Ledger ledger;
  ledger.ask(print('a'));
  ledger.ask(std::string(63, 'a') + "b");
  CHECK(ledger.decide({"aaaaaaaaaaaa"}, true).error().code == Code::conflict);
  CHECK(ledger.decide({print('a'), "bbbbbb"}, true).error().code == Code::not_found);
  CHECK(ledger.decide({"aaa"}, true).error().code == Code::invalid_request);
  CHECK(ledger.decide({"AAAAAA"}, true).error().code == Code::invalid_request);
  CHECK(ledger.list()->size() == 2);
  REQUIRE(ledger.decide({print('a')}, true));
  CHECK(ledger.list()->size() == 1);
}

TEST_CASE("a ledger has room for so many that wait in a connection, and for no statement nobody could read") {
  Ledger ledger;
  auto long_one =
      ledger.run(ledger.journal->ask_consent("erp", {print('c'), std::string(agent::kShapeBytesMax + 1, 'x'), {}}));
  REQUIRE_FALSE(long_one);
  CHECK(long_one.error().message.find("too long") != std::string::npos);
  const std::string text(agent::kShapeBytesMax, 'x');
  const auto fitting = agent::kWaitingBytesMax / static_cast<std::int64_t>(text.size());
  std::int64_t kept = 0;
  for (;; ++kept) {
    auto fingerprint = fmt::format("{:064x}", kept);
    auto outcome = ledger.run(ledger.journal->ask_consent("erp", {fingerprint, text, {}}));
    REQUIRE_FALSE(outcome);
    if (outcome.error().message.find("no room for more") != std::string::npos) break;
    REQUIRE(kept <= fitting);
  }
  CHECK(kept >= fitting - 1);
  CHECK(ledger.ask(print('d'), "crm").find("waits for its owner's yes") != std::string::npos);
}

TEST_CASE("a ledger says of every state how it is called") {
  CHECK(agent::to_string(Consent::waiting) == "waiting");
  CHECK(agent::to_string(Consent::approved) == "approved");
  CHECK(agent::to_string(Consent::denied) == "denied");
}
