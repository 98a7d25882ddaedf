// One tenant in possession of every id, key and lease of another finds nothing and changes nothing.
#include "unit/state/fixture.hpp"

namespace vmc {
namespace {

using namespace test;

struct Tenants : World {
  std::string key_id, token_id, token_text, key_text, connector_id, execution_id, workflow_id;
  state::StoredWorkflow stored;
  wire::Command open, done;
  state::Lease held;

  Tenants() {
    fill("bolt");  // the same names, so that a forgotten condition would find a row
    fill("acme");
  }
  void fill(const std::string& tenant) {
    const auto made = must(in(tenant, [&](store::Tx& tx) { return state::create_key(tx, "HQ", now()); }));
    key_id = made.key_id;
    key_text = made.text.text();
    connector_id = made.connector_id;
    const auto token = must(in(tenant, [&](store::Tx& tx) { return state::create_token(tx, "ci", now()); }));
    token_id = token.token_id;
    token_text = token.text.text();
    const state::Login first{connector_id, key_id, "ins-1", "1", "hq", Bytes(32, 1), 90s};
    must(in(tenant, [&](store::Tx& tx) { return state::login(tx, first, now()); }));
    must(
        in(tenant, [&](store::Tx& tx) { return state::publish_schema(tx, connector_id, "erp", {}, now()); }));
    stored = workflow(tenant, sample_definition("Orders", true));
    workflow_id = stored.workflow_id;
    execution_id = start(tenant, stored, {"monday", tenant, 5}).execution_id;
    held = try_lease(30s, tenant).value();
    open = sample_command("cmd_open_" + tenant, execution_id, now() + micros(4h));
    done = sample_command("cmd_done_" + tenant, execution_id, now() + micros(4h));
    enqueue(tenant, connector_id, open);
    enqueue(tenant, connector_id, done);
    must(in(tenant, [&](store::Tx& tx) {
      return state::finish_command(tx, connector_id, done.command_id, sample_result(done), key(tenant),
                                   now());
    }));
    must(in(tenant, [&](store::Tx& tx) {
      return state::save_cursor(tx, workflow_id, "1", Json::array({7}), execution_id, now());
    }));
    must(in(tenant, [&](store::Tx& tx) { return state::add_notice(tx, "CODE", "of " + tenant, now()); }));
  }
};

// What `bolt` gets when it does this with acme's ids; acme's rows must be what they were.
template <class F>
auto as_bolt(Tenants& world, F work) {
  const auto before = world.dump("acme");
  auto result = world.in("bolt", std::move(work));
  CHECK(world.dump("acme") == before);
  return result;
}
template <class F>
std::string code_as_bolt(Tenants& world, F work) {
  return code_of(as_bolt(world, std::move(work)));
}

TEST_CASE("keys and tokens of another tenant open nothing") {
  Tenants w;
  CHECK(code_as_bolt(w, [&](store::Tx& tx) { return state::revoke_key(tx, w.key_id, w.now()); }) ==
        "NOT_FOUND");
  CHECK(code_as_bolt(w, [&](store::Tx& tx) { return state::check_key_live(tx, w.key_id); }) == "AUTH_FAILED");
  for (const std::string tenant : {"acme", "bolt"}) {
    CHECK(code_as_bolt(w, [&](store::Tx& tx) {
            return state::authenticate_key(tx, {tenant, w.key_id}, w.key_text, w.now());
          }) == "AUTH_FAILED");
  }
  CHECK(code_as_bolt(w, [&](store::Tx& tx) {
          return state::authenticate_token(tx, w.token_id, w.token_text);
        }) == "AUTH_FAILED");
  const auto keys = must(as_bolt(w, [](store::Tx& tx) { return state::list_keys(tx); }));
  REQUIRE(keys.size() == 1);
  CHECK(keys[0].key_id != w.key_id);
}

TEST_CASE("connectors of another tenant cannot be found, entered, kept alive or described") {
  Tenants w;
  const auto& id = w.connector_id;
  const state::Login login{id, w.key_id, "ins-1", "1", "hq", {}, 90s};
  CHECK(code_as_bolt(w, [&](store::Tx& tx) { return state::find_connector(tx, id); }) == "NOT_FOUND");
  CHECK(code_as_bolt(w, [&](store::Tx& tx) { return state::find_connector_by_key(tx, w.key_id); }) ==
        "NOT_FOUND");
  CHECK(code_as_bolt(w, [&](store::Tx& tx) { return state::login(tx, login, w.now()); }) == "NOT_FOUND");
  CHECK(code_as_bolt(w, [&](store::Tx& tx) { return state::mark_seen(tx, id, 1, w.now() + 9); }) ==
        "CONFLICT");
  CHECK(code_as_bolt(w, [&](store::Tx& tx) { return state::mark_gone(tx, id, 1); }) == "OK");
  CHECK(code_as_bolt(w, [&](store::Tx& tx) { return state::publish_schema(tx, id, "new", {}, w.now()); }) ==
        "NOT_FOUND");
  CHECK(code_as_bolt(w, [&](store::Tx& tx) { return state::find_schema(tx, id, "erp"); }) == "NOT_FOUND");
  CHECK(must(as_bolt(w, [&](store::Tx& tx) { return state::list_schemas(tx, id); })).empty());

  const auto named = must(as_bolt(w, [](store::Tx& tx) { return state::find_connector_named(tx, "HQ"); }));
  CHECK(named.connector_id != id);
  const auto all = must(as_bolt(w, [](store::Tx& tx) { return state::list_connectors(tx); }));
  REQUIRE(all.size() == 1);
  CHECK(all[0].connector_id != id);
  const auto notices = must(as_bolt(w, [](store::Tx& tx) { return state::list_notices(tx, 10); }));
  REQUIRE(notices.size() == 1);
  CHECK(notices[0].message == "of bolt");
}

TEST_CASE("commands of another tenant cannot be seen, given, answered, cancelled or consumed") {
  Tenants w;
  const auto& id = w.connector_id;
  const auto key = w.key("acme");  // even with the right key in hand
  const auto& open = w.open.command_id;
  auto fresh = sample_command("cmd_new", w.execution_id, w.now() + 1000);
  CHECK(code_as_bolt(w, [&](store::Tx& tx) { return state::enqueue_command(tx, id, fresh, key, w.now()); }) ==
        "NOT_FOUND");
  CHECK(must(as_bolt(w, [&](store::Tx& tx) {
          return state::queued_commands(tx, id, 0, 10, key, w.now());
        })).empty());
  CHECK(code_as_bolt(w, [&](store::Tx& tx) { return state::find_command(tx, id, open, key); }) ==
        "NOT_FOUND");
  CHECK(code_as_bolt(w, [&](store::Tx& tx) { return state::ack_command(tx, id, open, w.now()); }) ==
        "NOT_FOUND");
  CHECK(code_as_bolt(w, [&](store::Tx& tx) { return state::mark_waiting(tx, id, open, "x"); }) ==
        "NOT_FOUND");
  CHECK_FALSE(must(as_bolt(w, [&](store::Tx& tx) {
    return state::finish_command(tx, id, open, sample_result(w.open), key, w.now());
  })));
  CHECK(must(as_bolt(w, [&](store::Tx& tx) {
          return state::cancel_commands(tx, w.execution_id, w.now());
        })).empty());
  CHECK(must(as_bolt(w, [&](store::Tx& tx) {
          return state::finished_commands(tx, w.execution_id, key);
        })).empty());
  CHECK(code_as_bolt(w, [&](store::Tx& tx) { return state::consume_command(tx, w.done.command_id); }) ==
        "NOT_FOUND");
  CHECK(code_as_bolt(w, [&](store::Tx& tx) { return state::command_outcome(tx, w.done.command_id, key); }) ==
        "NOT_FOUND");
  CHECK(code_as_bolt(w, [&](store::Tx& tx) { return state::expire_commands(tx, w.now() + micros(24h)); }) ==
        "FORBIDDEN");
}

TEST_CASE("workflows, executions and leases of another tenant are out of reach") {
  Tenants w;
  const auto& exe = w.execution_id;
  const auto& wfl = w.workflow_id;
  workflow::Event event;
  event.body = workflow::PauseRequested{};
  CHECK(code_as_bolt(w, [&](store::Tx& tx) { return state::find_workflow(tx, wfl); }) == "NOT_FOUND");
  CHECK(code_as_bolt(w, [&](store::Tx& tx) { return state::find_workflow_version(tx, wfl, 1); }) ==
        "NOT_FOUND");
  CHECK(code_as_bolt(w, [&](store::Tx& tx) { return state::start_execution(tx, w.stored, {}, w.now()); }) ==
        "NOT_FOUND");
  CHECK(code_as_bolt(w, [&](store::Tx& tx) { return state::find_execution(tx, exe); }) == "NOT_FOUND");
  CHECK(code_as_bolt(w, [&](store::Tx& tx) { return state::request_control(tx, exe, "cancel", w.now()); }) ==
        "NOT_FOUND");
  CHECK(must(as_bolt(w, [&](store::Tx& tx) { return state::events_after(tx, exe, 0, 10); })).empty());
  CHECK_FALSE(must(as_bolt(w, [&](store::Tx& tx) { return state::find_cursor(tx, wfl, "1"); })));
  CHECK(code_as_bolt(w, [&](store::Tx& tx) {
          return state::save_cursor(tx, wfl, "1", Json::array({8}), exe, w.now());
        }) == "NOT_FOUND");
  CHECK(code_as_bolt(w, [&](store::Tx& tx) { return state::wake_job(tx, exe, w.now()); }) == "OK");
  auto lease = w.held;
  for (const std::string tenant : {"acme", "bolt"}) {
    lease.tenant = tenant;
    CHECK(code_as_bolt(w, [&](store::Tx& tx) { return state::check_lease(tx, lease); }) == "CONFLICT");
    CHECK(code_as_bolt(w, [&](store::Tx& tx) { return state::renew_lease(tx, lease, 1); }) == "CONFLICT");
    CHECK(code_as_bolt(w, [&](store::Tx& tx) { return state::append_event(tx, lease, event, 1); }) ==
          "CONFLICT");
    CHECK(code_as_bolt(w, [&](store::Tx& tx) { return state::park_job(tx, lease, 1, "x", 1); }) ==
          "CONFLICT");
    CHECK(code_as_bolt(w, [&](store::Tx& tx) { return state::set_summary(tx, lease, "running", {}); }) ==
          "CONFLICT");
    CHECK(code_as_bolt(w, [&](store::Tx& tx) {
            return state::finish_execution(tx, lease, "failed", {}, 1);
          }) == "CONFLICT");
  }

  const auto workflows = must(as_bolt(w, [](store::Tx& tx) { return state::list_workflows(tx); }));
  REQUIRE(workflows.size() == 1);
  CHECK(workflows[0].workflow_id != wfl);
  const auto changed = sample_definition("Orders");
  CHECK(must(as_bolt(w, [&](store::Tx& tx) {
          return state::save_workflow(tx, changed, w.now());
        })).workflow_id == workflows[0].workflow_id);
  const auto executions = must(as_bolt(w, [](store::Tx& tx) { return state::list_executions(tx, 10); }));
  REQUIRE(executions.size() == 1);
  CHECK(executions[0].execution_id != exe);
}

}  // namespace
}  // namespace vmc
