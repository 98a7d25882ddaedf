// The agent's memory: what was taken survives, what was delivered goes, what does not fit is refused.
#include "agent/journal.hpp"

#include <catch2/catch.hpp>

#include "support/show_result.hpp"
#include "support/temp_dir.hpp"

using namespace vmc;
using namespace vmc::test;
using agent::Journal;
using Kind = Journal::Admission::Kind;

namespace {

template <class T>
T must(Result<T> result) {
  if (!result) FAIL(result.error().text());
  return std::move(*result);
}

struct Memory {
  TempDir folder;
  ManualClock clock;
  std::uint64_t room = 1u << 20;
  std::unique_ptr<Journal> journal;
  asio::io_context loop{1};

  explicit Memory(std::uint64_t bytes_max = 1u << 20) : room{bytes_max} { reopen(); }
  void reopen() {
    journal.reset();
    journal = must(Journal::open(folder.path(), room, clock));
    const Bytes key(32, 7);
    journal->set_key(crypto::Secret{ByteView{key}});
  }

  template <class T>
  T run(awaitable<Result<T>> task) {
    std::optional<Result<T>> out;
    auto keep = [](awaitable<Result<T>> inner, std::optional<Result<T>>& result) -> awaitable<void> {
      result = co_await std::move(inner);
    };
    loop.restart();
    asio::co_spawn(loop, keep(std::move(task), out), [](std::exception_ptr) {});
    loop.run();
    if constexpr (std::is_void_v<T>) {
      if (!*out) FAIL(out->error().text());
    } else {
      return must(std::move(*out));
    }
  }

  wire::Command command(const std::string& id) {
    wire::Command made;
    made.command_id = id;
    made.execution_id = "exe_1";
    made.activity_id = "orders";
    made.attempt_epoch = 1;
    made.operation = wire::Operation::query;
    made.payload.connection = "erp";
    made.payload.intent = data::Intent{};
    made.payload.intent->table = "orders";
    made.payload.intent->columns = {"id"};
    made.payload.idempotency_key = id;
    made.payload.expires_at = clock.now() + micros(std::chrono::hours{1});
    return made;
  }
  // An answer to a query by hand, with rows.
  agent::Outcome answer(const wire::Command& command) {
    wire::CommandResult result;
    result.command_id = command.command_id;
    result.execution_id = command.execution_id;
    result.activity_id = command.activity_id;
    result.attempt_epoch = command.attempt_epoch;
    result.inline_result = {{"columns", Json::array()}, {"rows", Json::array({Json::array({1})})}};
    result.row_count = 1;
    return result;
  }
  Journal::Admission admit(const std::string& id) { return run(journal->admit(command(id))); }
  void finish(const std::string& id) {
    const std::vector<agent::Outcome> outcomes{answer(command(id))};
    run(journal->finish(outcomes));
  }
  std::vector<std::string> confirm(const std::vector<std::string>& ids) { return run(journal->confirm(ids)); }
};

}  // namespace

TEST_CASE("what was taken and not finished is there after a restart") {
  Memory m;
  CHECK(m.admit("cmd_1").kind == Kind::run);
  CHECK(m.admit("cmd_2").kind == Kind::run);
  m.finish("cmd_1");
  m.reopen();
  const auto open = m.run(m.journal->unfinished());
  REQUIRE(open.size() == 1);
  CHECK(open[0].command_id == "cmd_2");
  CHECK(m.run(m.journal->unconfirmed()).size() == 1);
}

TEST_CASE("confirmations are recorded many at once; the rows are gone and a repeat is told so") {
  Memory m;
  for (const char* id : {"cmd_1", "cmd_2", "cmd_3"}) {
    CHECK(m.admit(id).kind == Kind::run);
    m.finish(id);
  }
  m.confirm({"cmd_1", "cmd_3", "cmd_unknown"});
  const auto left = m.run(m.journal->unconfirmed());
  REQUIRE(left.size() == 1);
  CHECK(std::get<wire::CommandResult>(left[0]).command_id == "cmd_2");
  const auto repeat = m.admit("cmd_1");
  REQUIRE(repeat.kind == Kind::answered);
  CHECK(std::get<wire::CommandError>(*repeat.outcome).code == Code::conflict);
}

TEST_CASE("a confirmation that comes before the outcome was stored is to be recorded again") {
  Memory m;
  CHECK(m.admit("cmd_1").kind == Kind::run);
  CHECK(m.admit("cmd_2").kind == Kind::run);
  m.finish("cmd_2");
  CHECK(m.confirm({"cmd_1", "cmd_2"}) == std::vector<std::string>{"cmd_1"});
  CHECK(m.run(m.journal->unfinished()).size() == 1);
  m.finish("cmd_1");
  CHECK(m.confirm({"cmd_1"}).empty());
  CHECK(m.run(m.journal->unconfirmed()).empty());
}

TEST_CASE("what is not confirmed is read some at a time, oldest first, each once") {
  Memory m;
  std::vector<std::string> all;
  for (int i = 0; i < Journal::kUnconfirmedAtOnce * 2 + 5; ++i) {
    all.push_back("cmd_" + std::to_string(1000 + i));
    CHECK(m.admit(all.back()).kind == Kind::run);
    m.finish(all.back());
  }
  std::vector<std::string> seen;
  for (std::string after;;) {
    const auto some = m.run(m.journal->unconfirmed(after));
    if (some.empty()) break;
    CHECK(some.size() <= static_cast<std::size_t>(Journal::kUnconfirmedAtOnce));
    for (const auto& outcome : some) seen.push_back(agent::command_of(outcome));
    after = seen.back();
  }
  CHECK(seen == all);
}

TEST_CASE("an error in whatever bytes a database writes is stored") {
  Memory m;
  CHECK(m.admit("cmd_1").kind == Kind::run);
  const std::vector<agent::Outcome> outcomes{
      wire::CommandError{"cmd_1", 1, Code::database_error, "the constraint \"pr\xe9nom\" is violated", false}};
  m.run(m.journal->finish(outcomes));
  const auto open = m.run(m.journal->unconfirmed());
  REQUIRE(open.size() == 1);
  CHECK(std::get<wire::CommandError>(open[0]).code == Code::database_error);
}

TEST_CASE("a full journal refuses, keeps what is not confirmed, and has room again once it is") {
  Memory m{6'000};
  int taken = 0;
  std::optional<Journal::Admission> refused;
  while (taken < 100 && !refused) {
    auto admission = m.admit("cmd_" + std::to_string(taken));
    if (admission.kind == Kind::run)
      ++taken;
    else
      refused = std::move(admission);
  }
  REQUIRE(refused);
  CHECK(std::get<wire::CommandError>(*refused->outcome).code == Code::queue_full);
  REQUIRE(taken > 2);
  m.reopen();  // what is held is known after a restart too
  CHECK(m.admit("cmd_again").kind == Kind::answered);
  CHECK(m.run(m.journal->unfinished()).size() == static_cast<std::size_t>(taken));
  std::vector<std::string> all;
  for (int i = 0; i < taken; ++i) {
    all.push_back("cmd_" + std::to_string(i));
    m.finish(all.back());
  }
  m.confirm(all);
  CHECK(m.admit("cmd_new").kind == Kind::run);
}

TEST_CASE("outcomes are kept for repeats until they are old") {
  Memory m;
  CHECK(m.admit("cmd_1").kind == Kind::run);
  m.finish("cmd_1");
  m.confirm({"cmd_1"});
  m.clock.advance(std::chrono::hours{4});
  m.confirm({});
  CHECK(m.admit("cmd_1").kind == Kind::answered);
  m.clock.advance(std::chrono::hours{2});
  m.confirm({});
  CHECK(m.admit("cmd_1").kind == Kind::run);
}
