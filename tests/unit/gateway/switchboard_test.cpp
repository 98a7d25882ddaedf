#include "gateway/switchboard.hpp"

#include <catch2/catch.hpp>

using namespace vmc;
using gateway::Switchboard;

namespace {

state::QueuedCommand command(std::int64_t ordinal) {
  state::QueuedCommand made;
  made.ordinal = ordinal;
  return made;
}

}  // namespace

TEST_CASE("a committed command reaches the session of its connector, and no other") {
  Switchboard board;
  std::vector<std::int64_t> taken;
  auto take = [&](const state::QueuedCommand& next, std::int64_t epoch) {
    taken.push_back(next.ordinal * 100 + epoch);
    return true;
  };
  const auto line = board.connect_session("acme", "con_1", take);
  CHECK(board.committed("acme", "con_1", 7, command(3)));
  CHECK_FALSE(board.committed("acme", "con_2", 7, command(4)));
  CHECK_FALSE(board.committed("bolt", "con_1", 7, command(5)));
  CHECK(taken == std::vector<std::int64_t>{307});
}

TEST_CASE("a session that refuses leaves the command to the queue") {
  Switchboard board;
  auto refuse = [](const state::QueuedCommand&, std::int64_t) { return false; };
  const auto line = board.connect_session("acme", "con_1", refuse);
  CHECK_FALSE(board.committed("acme", "con_1", 1, command(1)));
}

TEST_CASE("the newest session is asked, also after the older one has gone") {
  Switchboard board;
  int asked = 0;
  auto first = [](const state::QueuedCommand&, std::int64_t) { return false; };
  auto second = [&](const state::QueuedCommand&, std::int64_t) { return ++asked > 0; };
  std::unique_ptr<Switchboard::Line> older{new Switchboard::Line(board.connect_session("acme", "con_1", first))};
  const auto newer = board.connect_session("acme", "con_1", second);
  older.reset();
  CHECK(board.committed("acme", "con_1", 1, command(1)));
  CHECK(asked == 1);
}

TEST_CASE("an answer reaches who waits for it, once they wait and until they stop") {
  Switchboard board;
  const auto outcome = std::make_shared<const state::Outcome>(wire::CommandResult{});
  CHECK_FALSE(board.finished("acme", "cmd_1", outcome));
  int told = 0;
  auto take = [&](const Switchboard::Told& got) { told += got == outcome; };
  {
    const auto line = board.await_outcome("acme", "cmd_1", take);
    CHECK_FALSE(board.finished("bolt", "cmd_1", outcome));
    CHECK(board.finished("acme", "cmd_1", outcome));
  }
  CHECK_FALSE(board.finished("acme", "cmd_1", outcome));
  CHECK(told == 1);
}
