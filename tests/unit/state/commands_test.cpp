#include "unit/state/fixture.hpp"

namespace vmc {
namespace {

using namespace test;

struct Queue : World {
  std::string connector_id = connector("acme", "HQ");
  std::string execution_id = start("acme", workflow("acme", sample_definition("Orders"))).execution_id;

  wire::Command command(const std::string& id, Duration ttl = 4h) {
    return sample_command(id, execution_id, now() + micros(ttl));
  }
  Result<std::int64_t> put(const wire::Command& c) {
    return in("acme",
              [&](store::Tx& tx) { return state::enqueue_command(tx, connector_id, c, key("acme"), now()); });
  }
  std::vector<state::QueuedCommand> queued(std::int64_t after = 0, std::int64_t limit = 100) {
    return must(in("acme", [&](store::Tx& tx) {
      return state::queued_commands(tx, connector_id, after, limit, key("acme"), now());
    }));
  }
  bool finish(const std::string& id, const state::Outcome& outcome) {
    return must(in("acme", [&](store::Tx& tx) {
      return state::finish_command(tx, connector_id, id, outcome, key("acme"), now());
    }));
  }
  std::string ack(const std::string& id) {
    return code_of(
        in("acme", [&](store::Tx& tx) { return state::ack_command(tx, connector_id, id, now()); }));
  }
  Result<state::OpenCommand> find(const std::string& id) {
    return in("acme", [&](store::Tx& tx) { return state::find_command(tx, connector_id, id, key("acme")); });
  }
  std::vector<state::FinishedCommand> finished() {
    return must(
        in("acme", [&](store::Tx& tx) { return state::finished_commands(tx, execution_id, key("acme")); }));
  }
  auto expire() {
    return must(platform([&](store::Tx& tx) { return state::expire_commands(tx, now()); }));
  }
  Result<std::optional<state::Outcome>> outcome(const std::string& id) {
    return in("acme", [&](store::Tx& tx) { return state::command_outcome(tx, id, key("acme")); });
  }
  void park() {
    const auto held = lease();
    must(in("acme",
            [&](store::Tx& tx) { return state::park_job(tx, held, now() + micros(1h), "an agent", now()); }));
  }
};

TEST_CASE("commands come out of the queue as they went in, in order, without gaps") {
  Queue world;
  const auto first = world.command("cmd_1");
  must(world.put(first));
  must(world.put(world.command("cmd_2")));
  must(world.put(world.command("cmd_3")));

  const auto all = world.queued();

  REQUIRE(all.size() == 3);
  CHECK(all[0].command == first);
  CHECK(all[1].ordinal == all[0].ordinal + 1);
  CHECK(all[2].command.command_id == "cmd_3");
  CHECK(world.queued(all[0].ordinal).size() == 2);
  CHECK(world.queued(all[2].ordinal).empty());
  CHECK(world.queued(0, 2).size() == 2);
  CHECK(world.queued(0, -1).empty());
}

TEST_CASE("an ordinal is never given twice, even when the newest command is gone") {
  Queue world;
  must(world.put(world.command("cmd_1")));
  const auto first = world.queued().at(0).ordinal;
  must(world.platform([](store::Tx& tx) -> Result<void> {
    tx.exec("DELETE FROM commands");
    return {};
  }));
  must(world.put(world.command("cmd_2")));
  CHECK(world.queued().at(0).ordinal == first + 1);
}

TEST_CASE("a command is refused when it is malformed, late, known, or for nobody") {
  Queue world;
  auto bad = world.command("cmd/1");
  CHECK(code_of(world.put(bad)) == "INVALID_REQUEST");
  bad = world.command("cmd_1");
  bad.execution_id = "../x";
  CHECK(code_of(world.put(bad)) == "INVALID_REQUEST");
  bad = world.command("cmd_1");
  bad.attempt_epoch = 0;
  CHECK(code_of(world.put(bad)) == "INVALID_REQUEST");
  bad = world.command("cmd_1", 0s);
  CHECK(code_of(world.put(bad)) == "COMMAND_EXPIRED");
  bad = world.command("cmd_1");
  bad.payload.intent->filter = data::Filter{
      data::Filter::Op::eq, "name", {data::Value{std::string(state::kCommandBytesMax, 'x')}}, {}};
  CHECK(code_of(world.put(bad)) == "INVALID_REQUEST");
  bad = world.command("cmd_1");
  bad.payload.intent.reset();  // one that could not be read back
  CHECK(code_of(world.put(bad)) == "INVALID_REQUEST");
  must(world.put(world.command("cmd_1")));
  CHECK(code_of(world.put(world.command("cmd_1"))) == "CONFLICT");
  world.connector_id = "con_nobody";
  CHECK(code_of(world.put(world.command("cmd_2"))) == "NOT_FOUND");
}

TEST_CASE("an acknowledged command is not sent again but stays open") {
  Queue world;
  must(world.put(world.command("cmd_1")));
  CHECK(must(world.find("cmd_1")).status == "queued");
  CHECK(world.ack("cmd_1") == "OK");
  CHECK(world.ack("cmd_1") == "OK");
  CHECK(world.queued().empty());
  CHECK(must(world.find("cmd_1")).status == "acked");
  CHECK(world.ack("cmd_none") == "NOT_FOUND");
}

TEST_CASE("a command belongs to one connector") {
  Queue world;
  const auto c = world.command("cmd_1");
  must(world.put(c));
  world.connector_id = world.connector("acme", "Branch");

  CHECK(world.queued().empty());
  CHECK(code_of(world.find("cmd_1")) == "NOT_FOUND");
  CHECK(world.ack("cmd_1") == "NOT_FOUND");
  CHECK_FALSE(world.finish("cmd_1", sample_result(c)));
  const auto waiting = world.in(
      "acme", [&](store::Tx& tx) { return state::mark_waiting(tx, world.connector_id, "cmd_1", "x"); });
  CHECK(code_of(waiting) == "NOT_FOUND");
  CHECK_FALSE(must(world.outcome("cmd_1")));
}

TEST_CASE("a finished command wakes its job, is consumed once, and a repeat changes nothing") {
  Queue world;
  const auto c = world.command("cmd_1");
  must(world.put(c));
  world.park();
  CHECK_FALSE(world.try_lease());
  CHECK_FALSE(must(world.outcome("cmd_1")));

  const auto result = sample_result(c);
  CHECK(world.finish("cmd_1", result));

  CHECK(world.try_lease());
  const auto before = world.dump();
  CHECK_FALSE(world.finish("cmd_1", result));
  CHECK_FALSE(world.finish("cmd_1", wire::CommandError{"cmd_1", 1, Code::internal, "later", false}));
  CHECK(world.dump() == before);
  CHECK(std::get<wire::CommandResult>(must(world.outcome("cmd_1")).value()) == result);
  CHECK(code_of(world.find("cmd_1")) == "NOT_FOUND");
  CHECK(world.ack("cmd_1") == "OK");

  const auto done = world.finished();
  REQUIRE(done.size() == 1);
  CHECK(done[0].command == c);
  CHECK(std::get<wire::CommandResult>(done[0].outcome) == result);
  must(world.in("acme", [](store::Tx& tx) { return state::consume_command(tx, "cmd_1"); }));
  CHECK(world.finished().empty());
  CHECK(must(world.outcome("cmd_1")));
}

TEST_CASE("an answer of another attempt, or about another command, is not taken") {
  Queue world;
  auto c = world.command("cmd_1");
  c.attempt_epoch = 2;
  must(world.put(c));
  auto old = sample_result(c);
  old.attempt_epoch = 1;
  CHECK_FALSE(world.finish("cmd_1", old));
  const auto mixed = world.in("acme", [&](store::Tx& tx) {
    return state::finish_command(tx, world.connector_id, "cmd_2", sample_result(c), world.key("acme"),
                                 world.now());
  });
  CHECK(code_of(mixed) == "COMMAND_MALFORMED");
  auto huge = sample_result(c);
  huge.inline_result = std::string(2u << 20, 'x');
  const auto too_big = world.in("acme", [&](store::Tx& tx) {
    return state::finish_command(tx, world.connector_id, "cmd_1", huge, world.key("acme"), world.now());
  });
  CHECK(code_of(too_big) == "COMMAND_MALFORMED");
  CHECK(must(world.find("cmd_1")).status == "queued");
  CHECK(world.finish("cmd_1", sample_result(c)));
}

TEST_CASE("failures arrive as the agent reported them, in the order of finishing") {
  Queue world;
  for (const auto* id : {"cmd_1", "cmd_2", "cmd_3"}) must(world.put(world.command(id)));
  const wire::CommandError error{"cmd_2", 1, Code::query_timeout, "took too long", true};
  world.finish("cmd_2", error);
  world.clock.advance(1us);
  world.finish("cmd_1", sample_result(world.command("cmd_1")));

  const auto done = world.finished();

  REQUIRE(done.size() == 2);
  CHECK(std::get<wire::CommandError>(done[0].outcome) == error);
  CHECK(done[1].command.command_id == "cmd_1");
  const auto open = world.in("acme", [](store::Tx& tx) { return state::consume_command(tx, "cmd_3"); });
  CHECK(code_of(open) == "NOT_FOUND");
}

TEST_CASE(
    "commands past their time are not sent, expire in one sweep, wake their executions and leave a notice") {
  Queue world;
  must(world.put(world.command("cmd_1", 1min)));
  must(world.put(world.command("cmd_2", 1min)));
  must(world.put(world.command("cmd_3", 1h)));
  world.ack("cmd_2");
  world.park();
  CHECK(world.expire().empty());
  world.clock.advance(1min);
  REQUIRE(world.queued().size() == 1);
  CHECK(world.queued()[0].command.command_id == "cmd_3");

  const auto expired = world.expire();

  CHECK(expired.size() == 2);
  CHECK(expired[0].first == "acme");
  CHECK(world.expire().empty());
  CHECK(world.try_lease());
  const auto notices = world.notices("acme");
  REQUIRE(notices.size() == 1);
  CHECK(notices[0].code == "COMMAND_EXPIRED");
  CHECK(notices[0].message == "2 commands for connector \"HQ\" expired before the agent answered.");
  const auto done = world.finished();
  REQUIRE(done.size() == 2);
  CHECK(std::get<wire::CommandError>(done[0].outcome).code == Code::command_expired);
  CHECK_FALSE(world.finish("cmd_1", sample_result(world.command("cmd_1"))));
  const auto tenant =
      world.in("acme", [&](store::Tx& tx) { return state::expire_commands(tx, world.now()); });
  CHECK(code_of(tenant) == "FORBIDDEN");
}

TEST_CASE("cancelling an execution's commands ends the open ones and says whom to tell") {
  Queue world;
  for (const auto* id : {"cmd_1", "cmd_2", "cmd_3"}) must(world.put(world.command(id)));
  auto other = world.command("cmd_4");
  other.execution_id = "exe_other";
  must(world.put(other));
  world.finish("cmd_1", sample_result(world.command("cmd_1")));

  const auto cancel = [&] {
    return must(world.in(
        "acme", [&](store::Tx& tx) { return state::cancel_commands(tx, world.execution_id, world.now()); }));
  };
  const auto told = cancel();

  CHECK(told.size() == 2);
  CHECK(told[0].first == world.connector_id);
  CHECK(cancel().empty());
  CHECK(world.queued().size() == 1);
  CHECK(std::get<wire::CommandError>(must(world.outcome("cmd_2")).value()).code == Code::cancelled);
  CHECK(std::holds_alternative<wire::CommandResult>(must(world.outcome("cmd_1")).value()));
}

TEST_CASE("what an agent says it waits for shows at the execution until the command ends") {
  Queue world;
  const auto c = world.command("cmd_1");
  must(world.put(c));
  world.park();
  const auto cause = [&] { return world.execution("acme", world.execution_id).waiting_on; };
  const auto mark = [&](const std::string& text) {
    must(world.in("acme",
                  [&](store::Tx& tx) { return state::mark_waiting(tx, world.connector_id, "cmd_1", text); }));
  };
  CHECK(cause() == "an agent");
  mark("approval at HQ");
  CHECK(cause() == "approval at HQ");
  mark(std::string(5000, 'x'));
  CHECK(cause() == std::string(200, 'x'));
  mark("");
  CHECK(cause() == "an agent");
  mark("the pool is full");
  world.finish("cmd_1", sample_result(c));
  CHECK(cause() == "an agent");
}

TEST_CASE("a connector's queue is full at its bound, and has room again when one command ends") {
  Queue world;
  must(world.put(world.command("cmd_first")));
  // The bulk is copied in by hand; its bodies are never opened here.
  must(world.in("acme", [&](store::Tx& tx) -> Result<void> {
    tx.exec(
        "INSERT INTO commands (tenant, command_id, connector_id, execution_id, status, ordinal, "
        "attempt_epoch, "
        "sealed_body, consumed, created_at, expires_at) "
        "WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < :most) "
        "SELECT :tenant, 'bulk_' || i, connector_id, execution_id, 'acked', i, 1, sealed_body, 0, "
        "created_at, "
        "expires_at FROM n, commands c WHERE c.command_id = 'cmd_first'",
        {{"most", state::kCommandsPerConnectorMax}});
    tx.exec("UPDATE connectors SET last_ordinal = :most WHERE tenant = :tenant",
            {{"most", state::kCommandsPerConnectorMax}});
    return {};
  }));
  CHECK(code_of(world.put(world.command("cmd_more"))) == "QUEUE_FULL");

  auto c = world.command("bulk_77");
  CHECK(world.finish("bulk_77", sample_result(c)));

  CHECK(code_of(world.put(world.command("cmd_more"))) == "OK");
  CHECK(code_of(world.put(world.command("cmd_even_more"))) == "QUEUE_FULL");
  const auto other = world.connector("acme", "Branch");
  world.connector_id = other;
  CHECK(code_of(world.put(world.command("cmd_elsewhere"))) == "OK");
}

TEST_CASE("the queue's questions are answered by an index") {
  Queue world;
  const auto plan = [&](const std::string& sql) {
    return must(world.in("acme", [&](store::Tx& tx) -> Result<std::string> {
      std::string text;
      for (const auto& row : tx.query("EXPLAIN QUERY PLAN " + sql)) text += row.text(3) + "\n";
      return text;
    }));
  };
  const std::string open = "status IN ('queued', 'acked')";
  for (const auto& sql : {
           "SELECT ordinal FROM commands WHERE tenant = 'a' AND connector_id = 'c' AND " + open +
               " ORDER BY ordinal LIMIT 1",
           "SELECT ordinal, command_id, sealed_body FROM commands WHERE tenant = 'a' AND connector_id = 'c' "
           "AND " +
               open + " AND status = 'queued' AND ordinal > 5 AND expires_at > 1 ORDER BY ordinal LIMIT 9",
           "SELECT tenant, command_id FROM commands WHERE " + open +
               " AND expires_at <= 5 ORDER BY expires_at LIMIT 9",
           std::string{"SELECT tenant, execution_id FROM jobs WHERE tier = 'free' AND run_at <= 5 ORDER BY "
                       "run_at LIMIT 9"},
           std::string{"SELECT MIN(run_at) FROM jobs WHERE tier = 'free'"},
           std::string{"SELECT execution_id FROM executions WHERE tenant = 'a' ORDER BY created_at DESC, "
                       "execution_id DESC LIMIT 9"},
       }) {
    CAPTURE(sql);
    const auto steps = plan(sql);
    CAPTURE(steps);
    CHECK(steps.find("SEARCH") != std::string::npos);
    CHECK(steps.find("SCAN") == std::string::npos);
    CHECK(steps.find("TEMP B-TREE") == std::string::npos);
  }
}

TEST_CASE("old commands are forgotten once their execution has no job") {
  Queue world;
  const auto c = world.command("cmd_1");
  must(world.put(c));
  world.finish("cmd_1", sample_result(c));
  world.clock.advance(24h);
  const auto purge = [&] {
    return must(world.platform([&](store::Tx& tx) { return state::purge_commands(tx, world.now()); }));
  };
  CHECK(purge() == 0);
  const auto held = world.lease();
  must(world.in("acme", [&](store::Tx& tx) {
    return state::finish_execution(tx, held, "succeeded", Json::object(), world.now());
  }));
  CHECK(purge() == 1);
  CHECK(code_of(world.outcome("cmd_1")) == "NOT_FOUND");
  CHECK(code_of(world.in("acme", [](store::Tx& tx) { return state::purge_commands(tx, 1); })) == "FORBIDDEN");
}

TEST_CASE("a body put into another row, or opened with another key, does not open") {
  Queue world;
  must(world.put(world.command("cmd_1")));
  must(world.put(world.command("cmd_2")));
  const auto with_other_key = world.in("acme", [&](store::Tx& tx) {
    return state::find_command(tx, world.connector_id, "cmd_1", world.key("bolt"));
  });
  CHECK(code_of(with_other_key) == "BUFFER_INTEGRITY");
  must(world.in("acme", [](store::Tx& tx) -> Result<void> {
    tx.exec(
        "UPDATE commands SET sealed_body = (SELECT sealed_body FROM commands WHERE command_id = 'cmd_1') "
        "WHERE command_id = 'cmd_2'");
    return {};
  }));
  CHECK(code_of(world.find("cmd_1")) == "OK");
  CHECK(code_of(world.find("cmd_2")) == "BUFFER_INTEGRITY");
}

TEST_CASE("topics and buffer paths") {
  CHECK(state::connector_topic("t", "c") != state::revoked_topic("t", "c"));
  CHECK(state::connector_topic("t", "c") != state::command_topic("t", "c"));
  const auto prefix = state::buffer_prefix("acme", "exe_1", "cmd_1", 3);
  CHECK(prefix == "acme/exe_1/cmd_1/3/");
  CHECK(state::buffer_object(prefix, 7) == "buffer/acme/exe_1/cmd_1/3/00000007");
}

}  // namespace
}  // namespace vmc
