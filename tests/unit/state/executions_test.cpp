#include "unit/state/fixture.hpp"

namespace vmc {
namespace {

using namespace test;

struct Runs : World {
  Result<state::StoredWorkflow> find(const std::string& id_or_name) {
    return in("acme", [&](store::Tx& tx) { return state::find_workflow(tx, id_or_name); });
  }
  std::string control(const std::string& execution_id, const std::string& what) {
    return code_of(
        in("acme", [&](store::Tx& tx) { return state::request_control(tx, execution_id, what, now()); }));
  }
  std::vector<workflow::Event> events(const std::string& execution_id, std::int64_t after = 0,
                                      std::size_t limit = 100) {
    return must(
        in("acme", [&](store::Tx& tx) { return state::events_after(tx, execution_id, after, limit); }));
  }
};

TEST_CASE("a workflow gets a new version when it changes, and only then") {
  Runs world;
  auto definition = sample_definition("Orders");
  const auto first = world.workflow("acme", definition);
  const auto same = world.workflow("acme", definition);
  definition.timezone = "Asia/Kolkata";
  const auto second = world.workflow("acme", definition);

  CHECK(first.version == 1);
  CHECK(same.version == 1);
  CHECK(second.version == 2);
  CHECK(second.workflow_id == first.workflow_id);
  CHECK(second.hash != first.hash);
  CHECK(must(world.find("Orders")).definition == definition);
  CHECK(must(world.find(first.workflow_id)).version == 2);
  const auto old = must(world.in(
      "acme", [&](store::Tx& tx) { return state::find_workflow_version(tx, first.workflow_id, 1); }));
  CHECK(old.definition == sample_definition("Orders"));
  CHECK(world.find("Ordres").error().hint == "Did you mean \"Orders\"?");
  world.workflow("acme", sample_definition("Customers"));
  const auto all = must(world.in("acme", [](store::Tx& tx) { return state::list_workflows(tx); }));
  REQUIRE(all.size() == 2);
  CHECK(all[0].name == "Customers");
  CHECK(all[1].version == 2);
}

TEST_CASE("a definition changed behind our back is not run") {
  Runs world;
  const auto stored = world.workflow("acme", sample_definition("Orders"));
  must(world.in("acme", [](store::Tx& tx) -> Result<void> {
    tx.exec(
        "UPDATE workflows SET definition = replace(definition, 'orders_copy', 'payroll') WHERE tenant = "
        ":tenant");
    return {};
  }));
  CHECK(code_of(world.find("Orders")) == "WORKFLOW_HASH_MISMATCH");
  const auto started =
      world.in("acme", [&](store::Tx& tx) { return state::start_execution(tx, stored, {}, world.now()); });
  CHECK(code_of(started) == "WORKFLOW_HASH_MISMATCH");
}

TEST_CASE("an execution starts with a job that is due, and its log is its worker's") {
  Runs world;
  const auto workflow = world.workflow("acme", sample_definition("Orders"));

  const auto started = world.start("acme", workflow);

  CHECK(started.status == "queued");
  CHECK(started.workflow_name == "Orders");
  CHECK(started.workflow_version == 1);
  CHECK(started.control.empty());
  CHECK(started.summary.is_null());
  CHECK(world.events(started.execution_id).empty());
  const auto lease = world.lease();
  CHECK(lease.execution_id == started.execution_id);
  CHECK(lease.tenant == "acme");
  CHECK(world.execution("acme", started.execution_id).status == "running");
}

TEST_CASE("the same idempotency key starts one execution") {
  Runs world;
  const auto workflow = world.workflow("acme", sample_definition("Orders"));
  const auto other = world.workflow("acme", sample_definition("Customers"));
  state::StartOptions options;
  options.idempotency_key = "monday";
  const auto first = world.start("acme", workflow, options);
  const auto before = world.dump();

  CHECK(world.start("acme", workflow, options).execution_id == first.execution_id);

  CHECK(world.dump() == before);
  const auto mismatch = world.in(
      "acme", [&](store::Tx& tx) { return state::start_execution(tx, other, options, world.now()); });
  CHECK(code_of(mismatch) == "IDEMPOTENCY_MISMATCH");
  CHECK(world.start("acme", workflow).execution_id != world.start("acme", workflow).execution_id);
  const auto theirs = world.workflow("bolt", sample_definition("Orders"));
  CHECK(world.start("bolt", theirs, options).execution_id != first.execution_id);
}

TEST_CASE("options that make no sense are refused") {
  Runs world;
  const auto workflow = world.workflow("acme", sample_definition("Orders"));
  const auto start = [&](const state::StartOptions& options) {
    return code_of(world.in(
        "acme", [&](store::Tx& tx) { return state::start_execution(tx, workflow, options, world.now()); }));
  };
  CHECK(start({std::string(201, 'k'), "free", 5}) == "INVALID_REQUEST");
  CHECK(start({"", "", 5}) == "INVALID_REQUEST");
  CHECK(start({"", "free", 10}) == "INVALID_REQUEST");
  CHECK(start({"", "free", -1}) == "INVALID_REQUEST");
  CHECK(start({"", "standard", 0}) == "OK");
}

TEST_CASE("an incremental execution starts after the cursor that was saved last") {
  Runs world;
  const auto workflow = world.workflow("acme", sample_definition("Orders", true));
  const auto after = [&] {
    return must(world.in("acme", [&](store::Tx& tx) { return state::watermark(tx, workflow); }));
  };
  const auto cursor = [&](const std::string& step) {
    return must(
        world.in("acme", [&](store::Tx& tx) { return state::find_cursor(tx, workflow.workflow_id, step); }));
  };
  const auto save = [&](std::int64_t value) {
    const auto position = Json::array({data::to_json(data::Value{value})});
    must(world.in("acme", [&](store::Tx& tx) {
      return state::save_cursor(tx, workflow.workflow_id, "1", position, "exe_1", world.now());
    }));
  };
  CHECK_FALSE(after().has_value());
  CHECK_FALSE(cursor("1"));
  save(41);
  save(42);
  const auto values = after().value();
  REQUIRE(values.size() == 1);
  CHECK(std::get<std::int64_t>(values[0]) == 42);
  CHECK(cursor("1") == Json::array({42}));
  CHECK_FALSE(cursor("2"));
  const auto nowhere = world.in("acme", [&](store::Tx& tx) {
    return state::save_cursor(tx, "wfl_none", "1", Json::array(), "exe_1", world.now());
  });
  CHECK(code_of(nowhere) == "NOT_FOUND");
}

TEST_CASE("the runs of one workflow are told in the order they were submitted, and the next is woken by the end of one") {
  Runs world;
  const auto workflow = world.workflow("acme", sample_definition("Orders", true));
  const auto other = world.start("acme", world.workflow("acme", sample_definition("Customers", true)));
  const auto first = world.start("acme", workflow);
  world.clock.advance(1s);
  const auto second = world.start("acme", workflow);
  const auto before = [&](const state::Execution& execution) {
    return must(world.in("acme", [&](store::Tx& tx) { return state::run_before(tx, execution); }));
  };
  CHECK_FALSE(before(other));
  CHECK_FALSE(before(first));
  CHECK(before(second) == first.execution_id);

  std::map<std::string, state::Lease> held;
  for (int i = 0; i < 3; ++i) {
    auto lease = world.lease();
    held.emplace(lease.execution_id, std::move(lease));
  }
  must(world.in("acme", [&](store::Tx& tx) {
    return state::park_job(tx, held.at(second.execution_id), world.now() + 1'000'000'000, "waits", world.now());
  }));
  CHECK_FALSE(world.try_lease());
  must(world.in("acme", [&](store::Tx& tx) {
    return state::finish_execution(tx, held.at(first.execution_id), "succeeded", Json{}, world.now());
  }));
  CHECK_FALSE(before(second));
  CHECK(world.lease().execution_id == second.execution_id);
}

TEST_CASE("an execution is paused, told to go on, and cancelled; cancelling cannot be taken back") {
  Runs world;
  const auto id = world.start("acme", world.workflow("acme", sample_definition("Orders"))).execution_id;
  CHECK(world.control(id, "pause") == "OK");
  CHECK(world.execution("acme", id).control == "pause");
  CHECK(world.control(id, "") == "OK");
  CHECK(world.execution("acme", id).control.empty());
  CHECK(world.control(id, "cancel") == "OK");
  CHECK(world.control(id, "cancel") == "OK");
  CHECK(world.control(id, "") == "CONFLICT");
  CHECK(world.control(id, "pause") == "CONFLICT");
  CHECK(world.control(id, "explode") == "INVALID_REQUEST");
  CHECK(world.control("exe_none", "pause") == "NOT_FOUND");

  const auto held = world.lease();
  must(world.in("acme", [&](store::Tx& tx) {
    return state::finish_execution(tx, held, "cancelled", Json{{"rows", 0}}, world.now());
  }));
  CHECK(world.control(id, "cancel") == "CONFLICT");
  const auto done = world.execution("acme", id);
  CHECK(done.status == "cancelled");
  CHECK(done.finished_at == world.now());
  CHECK(done.summary == Json{{"rows", 0}});
}

TEST_CASE("control wakes a parked execution, and pausing shows as paused") {
  Runs world;
  const auto id = world.start("acme", world.workflow("acme", sample_definition("Orders"))).execution_id;
  const auto park = [&] {
    const auto held = world.lease();
    return must(world.in("acme", [&](store::Tx& tx) {
      return state::park_job(tx, held, world.now() + micros(1h), "connector HQ is offline", world.now());
    }));
  };
  CHECK_FALSE(park());
  CHECK(world.execution("acme", id).status == "waiting");
  CHECK(world.execution("acme", id).waiting_on == "connector HQ is offline");
  CHECK_FALSE(world.try_lease());
  world.control(id, "pause");
  CHECK_FALSE(park());
  CHECK(world.execution("acme", id).status == "paused");
  world.control(id, "");
  CHECK(world.try_lease());
  CHECK(world.execution("acme", id).status == "running");
  CHECK(world.execution("acme", id).waiting_on.empty());
}

TEST_CASE("events are read in pages, in order, as they were appended") {
  Runs world;
  const auto id = world.start("acme", world.workflow("acme", sample_definition("Orders"))).execution_id;
  const auto held = world.lease();
  for (int i = 1; i <= 5; ++i) {
    world.clock.advance(1s);
    workflow::Event event;
    event.seq = 77;
    event.body = workflow::CommandIssued{"cmd_" + std::to_string(i), "1", i, workflow::Purpose::extract, 1};
    must(world.in("acme", [&](store::Tx& tx) { return state::append_event(tx, held, event, world.now()); }));
  }
  const auto page = world.events(id, 2, 2);
  REQUIRE(page.size() == 2);
  CHECK(page[0].seq == 3);
  CHECK(page[1].seq == 4);
  CHECK(std::get<workflow::CommandIssued>(page[1].body).command_id == "cmd_4");
  CHECK(page[1].time == page[0].time + 1'000'000);
  CHECK(world.events(id, 0, 1'000'000).size() == 5);
  CHECK(world.events(id, 5).empty());
}

TEST_CASE("executions are listed newest first") {
  Runs world;
  const auto workflow = world.workflow("acme", sample_definition("Orders"));
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) {
    world.clock.advance(1s);
    ids.push_back(world.start("acme", workflow).execution_id);
  }
  const auto list = must(world.in("acme", [](store::Tx& tx) { return state::list_executions(tx, 2); }));
  REQUIRE(list.size() == 2);
  CHECK(list[0].execution_id == ids[2]);
  CHECK(list[1].execution_id == ids[1]);
}

}  // namespace
}  // namespace vmc
