#include <set>

#include "unit/state/fixture.hpp"

namespace vmc {
namespace {

using namespace test;

struct Jobs : World {
  state::StoredWorkflow stored = workflow("acme", sample_definition("Orders"));

  std::string begin(const std::string& tier = "free", std::int64_t priority = 5) {
    return start("acme", stored, {"", tier, priority}).execution_id;
  }
  bool park(const state::Lease& held, Duration pause = 1h) {
    return must(in("acme", [&](store::Tx& tx) {
      return state::park_job(tx, held, now() + micros(pause), "something", now());
    }));
  }
  void wake(const std::string& execution_id) {
    must(in("acme", [&](store::Tx& tx) { return state::wake_job(tx, execution_id, now()); }));
  }
  std::optional<Micros> due(const std::string& tier = "free") {
    return must(platform([&](store::Tx& tx) { return state::next_due(tx, tier); }));
  }
  // Every write a lease allows, tried with this one.
  std::set<std::string> try_everything(const state::Lease& held) {
    workflow::Event event;
    event.body = workflow::PauseRequested{};
    const Json summary = Json::object();
    const auto at = now();
    std::set<std::string> codes;
    codes.insert(code_of(in("acme", [&](store::Tx& tx) { return state::check_lease(tx, held); })));
    codes.insert(code_of(in("acme", [&](store::Tx& tx) { return state::renew_lease(tx, held, at + 1); })));
    codes.insert(
        code_of(in("acme", [&](store::Tx& tx) { return state::append_event(tx, held, event, at); })));
    codes.insert(
        code_of(in("acme", [&](store::Tx& tx) { return state::set_summary(tx, held, "running", summary); })));
    codes.insert(code_of(in("acme", [&](store::Tx& tx) { return state::park_job(tx, held, at, "x", at); })));
    codes.insert(code_of(
        in("acme", [&](store::Tx& tx) { return state::finish_execution(tx, held, "failed", summary, at); })));
    return codes;
  }
};

TEST_CASE("a due job is held by one worker at a time") {
  Jobs world;
  const auto id = world.begin();
  const auto held = world.lease();
  CHECK(held.execution_id == id);
  CHECK(held.token == 1);
  CHECK_FALSE(world.try_lease());
  CHECK_FALSE(world.try_lease(30s, "standard"));
}

TEST_CASE("a lease that ran out goes to the next worker, and the first one changes nothing any more") {
  Jobs world;
  world.begin();
  const auto first = world.lease();
  world.clock.advance(30s);
  const auto second = world.lease();
  CHECK(second.token == first.token + 1);
  const auto before = world.dump();

  CHECK(world.try_everything(first) == std::set<std::string>{"CONFLICT"});

  CHECK(world.dump() == before);
  CHECK(code_of(world.in("acme", [&](store::Tx& tx) { return state::check_lease(tx, second); })) == "OK");
}

TEST_CASE("a lease is of no use after parking, after the end, under a made-up token or for another tenant") {
  Jobs world;
  const auto id = world.begin();
  auto held = world.lease();
  world.park(held);
  CHECK(world.try_everything(held) == std::set<std::string>{"CONFLICT"});

  world.wake(id);
  held = world.lease();
  for (const std::int64_t token : {std::int64_t{0}, held.token + 1, std::int64_t{-1}})
    CHECK(world.try_everything({"acme", id, token, 0}) == std::set<std::string>{"CONFLICT"});
  CHECK(world.try_everything({"bolt", id, held.token, 0}) == std::set<std::string>{"CONFLICT"});

  must(world.in("acme", [&](store::Tx& tx) {
    return state::finish_execution(tx, held, "succeeded", Json::object(), world.now());
  }));
  CHECK(world.try_everything(held) == std::set<std::string>{"CONFLICT"});
  CHECK_FALSE(world.due());
  CHECK(world.execution("acme", id).status == "succeeded");
}

TEST_CASE("renewing keeps the job, and leases that run out are counted until one is given back") {
  Jobs world;
  const auto id = world.begin();
  auto held = world.lease();
  world.clock.advance(20s);
  must(world.in("acme",
                [&](store::Tx& tx) { return state::renew_lease(tx, held, world.now() + micros(30s)); }));
  world.clock.advance(20s);
  CHECK_FALSE(world.try_lease());

  world.clock.advance(30s);
  CHECK(world.lease().lost_leases == 1);
  world.clock.advance(30s);
  held = world.lease();
  CHECK(held.lost_leases == 2);
  world.park(held);
  world.wake(id);
  CHECK(world.lease().lost_leases == 0);
}

TEST_CASE("a parked job is due at its time, or when it is woken") {
  Jobs world;
  const auto id = world.begin();
  CHECK_FALSE(world.park(world.lease(), 1h));
  CHECK(world.due() == world.now() + micros(1h));
  CHECK_FALSE(world.try_lease());

  SECTION("at its time") {
    world.clock.advance(1h);
    CHECK(world.try_lease());
  }
  SECTION("woken") {
    world.clock.advance(1min);
    world.wake(id);
    CHECK(world.due() == world.now());
    CHECK(world.try_lease());
  }
}

TEST_CASE("a wake-up while a worker holds the job is not lost, and takes the job from nobody") {
  Jobs world;
  const auto id = world.begin();
  auto held = world.lease();
  world.wake(id);
  CHECK_FALSE(world.try_lease());
  CHECK(code_of(world.in("acme", [&](store::Tx& tx) { return state::check_lease(tx, held); })) == "OK");

  CHECK(world.park(held));

  held = world.lease();
  CHECK_FALSE(world.park(held));
  CHECK_FALSE(world.try_lease());
}

TEST_CASE("waking an execution that has no job does nothing") {
  Jobs world;
  const auto before = world.dump();
  world.wake("exe_none");
  CHECK(world.dump() == before);
}

TEST_CASE("the next due time of a held job is the end of its lease") {
  Jobs world;
  CHECK_FALSE(world.due());
  world.begin();
  CHECK(world.due() == world.now());
  world.lease();
  CHECK(world.due() == world.now() + micros(30s));
  world.begin("standard");
  CHECK(world.due() == world.now() + micros(30s));
  CHECK(world.due("standard") == world.now());
}

TEST_CASE("jobs that waited longest go first; priority shifts them, but nobody waits for ever") {
  Jobs world;
  const auto slow = world.begin("free", 9);
  world.clock.advance(1s);
  const auto normal = world.begin();
  world.clock.advance(1s);
  const auto urgent = world.begin("free", 0);
  world.clock.advance(100s);
  const auto late = world.begin("free", 0);

  std::vector<std::string> order;
  for (int i = 0; i < 4; ++i) order.push_back(world.lease().execution_id);

  CHECK(order == std::vector<std::string>{urgent, normal, slow, late});
}

TEST_CASE("jobs of all tenants are leased; leasing is the platform's business alone") {
  Jobs world;
  world.begin();
  world.start("bolt", world.workflow("bolt", sample_definition("Orders")));
  std::set<std::string> tenants;
  for (int i = 0; i < 2; ++i) tenants.insert(world.lease().tenant);
  CHECK(tenants == std::set<std::string>{"acme", "bolt"});

  const auto lease = world.in("acme", [&](store::Tx& tx) { return state::lease_job(tx, "free", 1, 2); });
  const auto due = world.in("acme", [&](store::Tx& tx) { return state::next_due(tx, "free"); });
  CHECK(code_of(lease) == "FORBIDDEN");
  CHECK(code_of(due) == "FORBIDDEN");
}

TEST_CASE("only known states can be set, and summaries are bounded") {
  Jobs world;
  const auto id = world.begin();
  const auto held = world.lease();
  const auto set = [&](const std::string& status, const Json& summary) {
    return code_of(
        world.in("acme", [&](store::Tx& tx) { return state::set_summary(tx, held, status, summary); }));
  };
  CHECK(set("paused", Json{{"rows", 5}}) == "OK");
  CHECK(world.execution("acme", id).summary == Json{{"rows", 5}});
  CHECK(world.execution("acme", id).status == "paused");
  CHECK(set("succeeded", Json::object()) == "INTERNAL");
  CHECK(set("running", Json(std::string(300u << 10, 'x'))) == "QUOTA_EXCEEDED");
  const auto finish = world.in("acme", [&](store::Tx& tx) {
    return state::finish_execution(tx, held, "running", Json::object(), world.now());
  });
  CHECK(code_of(finish) == "INTERNAL");
}

}  // namespace
}  // namespace vmc
