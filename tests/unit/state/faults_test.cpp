// A store that fails at the n-th statement leaves nothing half done; one whose answer is lost can be asked
// again.
#include "support/fault_store.hpp"
#include "unit/state/fixture.hpp"

namespace vmc {
namespace {

using namespace test;

struct Faulty : World {
  store::FaultStore faults{*real};
  std::string connector_id = connector("acme", "HQ");
  state::StoredWorkflow stored = workflow("acme", sample_definition("Orders", true));
  std::string execution_id = start("acme", stored).execution_id;
  wire::Command command = sample_command("cmd_1", execution_id, now() + micros(1h));

  Faulty() {
    enqueue("acme", connector_id, command);
    db = &faults;
  }
};

// Fails `work` at its first statement, its second … until it gets through; each failure must leave no trace.
template <class F>
void fails_whole(Faulty& world, const std::string& tenant, F work) {
  const auto before = world.dump();
  for (std::size_t n = 1;; ++n) {
    world.faults.fail({store::Fault::When::statement, n, Code::unavailable});
    const auto result = world.in(tenant, work);
    if (!world.faults.struck()) {
      CHECK(code_of(result) == "OK");
      CHECK(n > 1);
      break;
    }
    CAPTURE(n);
    CHECK(code_of(result) == "UNAVAILABLE");
    CHECK(world.dump() == before);
  }
  world.faults.heal();
  CHECK(world.dump() != before);
}

TEST_CASE("a write that fails half-way leaves nothing behind, and the next try succeeds") {
  Faulty w;
  const std::string platform{store::kPlatform};
  const state::Login login{w.connector_id, "k", "ins-1", "1", "hq", Bytes(32, 1), 90s};
  const state::Login other{w.connector_id, "k", "ins-2", "1", "hq", Bytes(32, 2), 90s};
  const auto second = sample_command("cmd_2", w.execution_id, w.now() + micros(1min));
  const auto result = sample_result(w.command);
  const auto key = w.key("acme");

  SECTION("keys") {
    fails_whole(w, "acme", [&](store::Tx& tx) { return state::create_key(tx, "Branch", w.now()); });
    fails_whole(w, "acme", [&](store::Tx& tx) { return state::create_token(tx, "ci", w.now()); });
    fails_whole(w, "acme", [&](store::Tx& tx) -> Result<void> {
      VMC_TRY(keys, state::list_keys(tx));
      VMC_CHECK(state::revoke_key(tx, keys.at(0).key_id, w.now()));
      return {};
    });
  }
  SECTION("tenants") {
    fails_whole(w, "corp", [&](store::Tx& tx) {
      return state::create_tenant(tx, {"corp", "Corp", "free"}, w.master.view(), w.now());
    });
  }
  SECTION("logins and schemas") {
    fails_whole(w, "acme", [&](store::Tx& tx) { return state::login(tx, login, w.now()); });
    fails_whole(w, "acme", [&](store::Tx& tx) { return state::login(tx, other, w.now()); });
    fails_whole(w, "acme",
                [&](store::Tx& tx) { return state::publish_schema(tx, w.connector_id, "e", {}, w.now()); });
  }
  SECTION("commands") {
    fails_whole(w, "acme", [&](store::Tx& tx) {
      return state::enqueue_command(tx, w.connector_id, second, key, w.now());
    });
    fails_whole(w, "acme", [&](store::Tx& tx) {
      return state::finish_command(tx, w.connector_id, "cmd_1", result, key, w.now());
    });
    w.clock.advance(1min);
    fails_whole(w, platform, [&](store::Tx& tx) { return state::expire_commands(tx, w.now()); });
  }
  SECTION("executions") {
    fails_whole(w, "acme", [&](store::Tx& tx) { return state::start_execution(tx, w.stored, {}, w.now()); });
    fails_whole(w, "acme",
                [&](store::Tx& tx) { return state::request_control(tx, w.execution_id, "cancel", w.now()); });
    state::Lease held;
    fails_whole(w, platform, [&](store::Tx& tx) -> Result<void> {
      VMC_TRY(lease, state::lease_job(tx, "free", w.now(), w.now() + micros(30s)));
      held = lease.value();
      return {};
    });
    workflow::Event event;
    event.body = workflow::PauseRequested{};
    fails_whole(w, "acme", [&](store::Tx& tx) -> Result<void> {
      VMC_CHECK(state::append_event(tx, held, event, w.now()));
      VMC_CHECK(state::enqueue_command(tx, w.connector_id, second, key, w.now()));
      VMC_CHECK(state::save_cursor(tx, w.stored.workflow_id, "1", Json::array({1}), w.execution_id, w.now()));
      VMC_CHECK(state::park_job(tx, held, w.now() + micros(1h), "the agent", w.now()));
      return {};
    });
    held = w.lease();
    fails_whole(w, "acme", [&](store::Tx& tx) -> Result<void> {
      VMC_CHECK(state::cancel_commands(tx, w.execution_id, w.now()));
      return state::finish_execution(tx, held, "cancelled", Json::object(), w.now());
    });
  }
}

TEST_CASE("a caller who never heard the answer asks again and nothing is doubled") {
  Faulty w;
  const auto lost = [&](auto work) {
    w.faults.fail({store::Fault::When::after, 1, Code::unavailable});
    CHECK(code_of(w.in("acme", work)) == "UNAVAILABLE");
    w.faults.heal();
    const auto before = w.dump();
    const auto again = w.in("acme", work);
    CHECK(w.dump() == before);
    return again;
  };
  const state::StartOptions options{"monday", "free", 5};

  const auto started =
      must(lost([&](store::Tx& tx) { return state::start_execution(tx, w.stored, options, w.now()); }));
  CHECK(must(w.in("acme", [](store::Tx& tx) { return state::list_executions(tx, 10); })).size() == 2);
  CHECK(w.execution("acme", started.execution_id).status == "queued");

  CHECK_FALSE(must(lost([&](store::Tx& tx) {
    return state::finish_command(tx, w.connector_id, "cmd_1", sample_result(w.command), w.key("acme"),
                                 w.now());
  })));
  must(lost([&](store::Tx& tx) { return state::consume_command(tx, "cmd_1"); }));
  must(lost([&](store::Tx& tx) { return state::publish_schema(tx, w.connector_id, "erp", {}, w.now()); }));
  must(
      lost([&](store::Tx& tx) { return state::save_workflow(tx, sample_definition("Customers"), w.now()); }));
}

}  // namespace
}  // namespace vmc
