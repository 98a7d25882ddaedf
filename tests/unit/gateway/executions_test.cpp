#include "unit/gateway/fixture.hpp"

namespace vmc {
namespace {

using namespace test;

std::string start_one(Service& s, const std::string& workflow) {
  const auto started = s.call("POST", "/api/v1/workflows/" + workflow + "/executions", Json::object());
  REQUIRE(started.status == 202);
  return body_of(started).at("executionId").get<std::string>();
}

TEST_CASE("a workflow is published, versioned, listed and shown by id and name") {
  Service s;
  auto definition = workflow::to_json(sample_definition("Orders"));
  const auto saved = s.call("POST", "/api/v1/workflows", definition);
  REQUIRE(saved.status == 200);
  const auto body = body_of(saved);
  CHECK(body.at("name") == "Orders");
  CHECK(body.at("version") == 1);
  CHECK(body_of(s.call("POST", "/api/v1/workflows", definition)) == body);
  auto scheduled = definition;
  scheduled["schedule"] = "0 2 * * *";
  CHECK(problem_of(s.call("POST", "/api/v1/workflows", scheduled)) == "WORKFLOW_INVALID");
  definition["activities"][0]["params"]["rowsPerPart"] = 1234;
  CHECK(body_of(s.call("POST", "/api/v1/workflows", definition)).at("version") == 2);
  const auto items = body_of(s.call("GET", "/api/v1/workflows")).at("items");
  REQUIRE(items.size() == 1);
  CHECK(items[0].at("version") == 2);
  const auto by_id = body_of(s.call("GET", "/api/v1/workflows/" + body.at("workflowId").get<std::string>()));
  CHECK(by_id == body_of(s.call("GET", "/api/v1/workflows/Orders")));
  CHECK(by_id.at("definition").at("activities")[0].at("params").at("rowsPerPart") == 1234);
  CHECK(problem_of(s.call("GET", "/api/v1/workflows/Order")) == "NOT_FOUND");
}

TEST_CASE("a wrong workflow is refused with everything that is wrong") {
  Service s;
  auto definition = workflow::to_json(sample_definition("Orders"));
  definition["colour"] = "red";
  definition["steps"][1]["activityId"] = "nobody";
  const auto response = s.call("POST", "/api/v1/workflows", definition);
  CHECK(problem_of(response) == "WORKFLOW_INVALID");
  const auto detail = body_of(response).at("detail").get<std::string>();
  CHECK(detail.find("colour") != std::string::npos);
  CHECK(detail.find("nobody") != std::string::npos);
  CHECK(problem_of(s.call("POST", "/api/v1/workflows", "not json")) == "INVALID_REQUEST");
  CHECK(body_of(s.call("GET", "/api/v1/workflows")).at("items").empty());
}

TEST_CASE("an execution is started in the tenant's tier and workers are woken") {
  Service s;
  must(s.in("acme", [](store::Tx& tx) -> Result<bool> {
    return tx.exec("UPDATE tenants SET tier = 'enterprise' WHERE tenant = :tenant") == 1;
  }));
  s.publish("Orders");
  int woken = 0;
  auto count = [&woken] { ++woken; };
  const auto workers = s.bus->subscribe(std::string{state::kJobsTopic}, s.loop.get_executor(), count);
  const auto started = s.call("POST", "/api/v1/workflows/Orders/executions");
  CHECK(started.status == 202);
  const auto body = body_of(started);
  CHECK(body.at("status") == "queued");
  CHECK(body.at("workflowName") == "Orders");
  CHECK(body.at("workflowVersion") == 1);
  CHECK(body.at("createdAt") == s.now());
  CHECK(body.at("finishedAt").is_null());
  CHECK(body.at("summary").is_null());
  CHECK(body.at("lastSeq") == 0);
  CHECK(woken == 1);
  CHECK_FALSE(s.try_lease(30s, "free"));
  CHECK(s.try_lease(30s, "enterprise")->execution_id == body.at("executionId"));
  CHECK(problem_of(s.call("POST", "/api/v1/workflows/nobody/executions")) == "NOT_FOUND");
  CHECK(problem_of(s.call("POST", "/api/v1/workflows/Orders/executions", {{"x", 1}})) == "INVALID_REQUEST");
}

TEST_CASE("the same idempotency key starts one execution, and never another workflow") {
  Service s;
  s.publish("Orders");
  s.publish("Customers");
  const auto post = [&](const std::string& workflow, const std::string& key) {
    auto request = Service::request("POST", "/api/v1/workflows/" + workflow + "/executions", Json::object());
    request.headers.emplace_back("idempotency-key", key);
    return s.finish(s.api->dispatch(request, {"acme", false}));
  };
  const auto first = body_of(post("Orders", "monday"));
  CHECK(body_of(post("Orders", "monday")).at("executionId") == first.at("executionId"));
  CHECK(body_of(post("Orders", "tuesday")).at("executionId") != first.at("executionId"));
  CHECK(problem_of(post("Customers", "monday")) == "IDEMPOTENCY_MISMATCH");
  CHECK(problem_of(post("Orders", std::string(201, 'k'))) == "INVALID_REQUEST");
  CHECK(body_of(s.call("GET", "/api/v1/executions")).at("items").size() == 2);
}

TEST_CASE("executions are listed newest first, as many as asked for") {
  Service s;
  s.publish("Orders");
  const auto first = start_one(s, "Orders");
  s.clock.advance(1s);
  const auto second = start_one(s, "Orders");
  const auto items = body_of(s.call("GET", "/api/v1/executions")).at("items");
  REQUIRE(items.size() == 2);
  CHECK(items[0].at("executionId") == second);
  CHECK(items[1].at("executionId") == first);
  CHECK(body_of(s.call("GET", "/api/v1/executions?limit=1")).at("items").size() == 1);
}

TEST_CASE("the event log is read in pages") {
  Service s;
  s.publish("Orders");
  const auto id = start_one(s, "Orders");
  const auto lease = s.lease();
  for (int i = 0; i < 4; ++i) {
    must(s.in("acme", [&](store::Tx& tx) {
      return state::append_event(tx, lease, {0, 0, workflow::PauseRequested{}}, s.now());
    }));
  }
  const auto path = "/api/v1/executions/" + id + "/events";
  const auto all = body_of(s.call("GET", path)).at("items");
  REQUIRE(all.size() == 4);
  CHECK(all[0].at("type") == "pause_requested");
  CHECK(all[3].at("seq") == 4);
  const auto page = body_of(s.call("GET", path + "?after=1&limit=2")).at("items");
  REQUIRE(page.size() == 2);
  CHECK(page[0].at("seq") == 2);
  CHECK(body_of(s.call("GET", path + "?after=4")).at("items").empty());
  CHECK(problem_of(s.call("GET", "/api/v1/executions/exe_none/events")) == "NOT_FOUND");
}

TEST_CASE("an execution is paused, resumed and cancelled, and its worker is woken each time") {
  Service s;
  s.publish("Orders");
  const auto id = start_one(s, "Orders");
  int woken = 0;
  auto count = [&woken] { ++woken; };
  const auto workers = s.bus->subscribe(std::string{state::kJobsTopic}, s.loop.get_executor(), count);
  const auto path = "/api/v1/executions/" + id;
  CHECK(s.call("POST", path + "/pause", Json::object()).status == 202);
  CHECK(s.execution("acme", id).control == "pause");
  CHECK(s.call("POST", path + "/resume").status == 202);
  CHECK(s.execution("acme", id).control.empty());
  const auto cancelled = s.call("POST", path + "/cancel");
  CHECK(cancelled.status == 202);
  CHECK(body_of(cancelled).at("executionId") == id);
  CHECK(s.execution("acme", id).control == "cancel");
  CHECK(woken == 3);
  CHECK(problem_of(s.call("POST", path + "/resume")) == "CONFLICT");
  CHECK(problem_of(s.call("POST", "/api/v1/executions/exe_none/cancel")) == "NOT_FOUND");
  CHECK(woken == 3);
}

struct Waiting : Service {
  std::string id;
  state::Lease held;
  net::Response response;
  bool answered = false;

  Waiting() {
    publish("Orders");
    id = start_one(*this, "Orders");
    held = lease();
  }
  awaitable<void> wait(std::string query) {
    gateway::Caller caller{"acme", false};
    auto asked = request("GET", "/api/v1/executions/" + id + query);
    response = co_await api->dispatch(std::move(asked), std::move(caller));
    answered = true;
  }
  awaitable<void> look_often() {
    for (int i = 0; i < 20; ++i) {
      auto look = [&](store::Tx& tx) { return state::find_execution(tx, id); };
      must(co_await real->read("acme", look));
    }
  }
  template <class F>
  awaitable<void> change(F work) {
    must(co_await real->transact("acme", work));
    bus->publish(state::execution_topic("acme", id));
  }
};

TEST_CASE("a waiting look is woken by a new event") {
  Waiting s;
  s.settings.sweep = 1h;  // only the wake-up can be in time
  s.restart();
  auto later = [&]() -> awaitable<void> {
    co_await s.look_often();
    CHECK_FALSE(s.answered);
    auto append = [&](store::Tx& tx) {
      return state::append_event(tx, s.held, {0, 0, workflow::PauseRequested{}}, s.now());
    };
    co_await s.change(append);
  };
  std::vector<awaitable<void>> tasks;
  tasks.push_back(s.wait("?wait=60&after=0"));
  tasks.push_back(later());
  s.run_all(std::move(tasks));
  CHECK(body_of(s.response).at("lastSeq") == 1);
}

TEST_CASE("a look that waits for the end is woken by it, and not by an event before") {
  Waiting s;
  s.settings.sweep = 1h;
  s.restart();
  auto later = [&]() -> awaitable<void> {
    auto append = [&](store::Tx& tx) {
      return state::append_event(tx, s.held, {0, 0, workflow::PauseRequested{}}, s.now());
    };
    co_await s.change(append);
    co_await s.look_often();
    CHECK_FALSE(s.answered);
    const Json summary{{"rowsRead", 7}};
    auto end = [&](store::Tx& tx) {
      return state::finish_execution(tx, s.held, "succeeded", summary, s.now());
    };
    co_await s.change(end);
  };
  std::vector<awaitable<void>> tasks;
  tasks.push_back(s.wait("?wait=60"));
  tasks.push_back(later());
  s.run_all(std::move(tasks));
  const auto body = body_of(s.response);
  CHECK(body.at("status") == "succeeded");
  CHECK(body.at("summary").at("rowsRead") == 7);
  CHECK(body.at("finishedAt") == s.now());
  CHECK(body_of(s.call("GET", "/api/v1/executions/" + s.id + "?wait=60&after=99")).at("status") ==
        "succeeded");
  CHECK(problem_of(s.call("POST", "/api/v1/executions/" + s.id + "/cancel")) == "CONFLICT");
}

TEST_CASE("a look that waits ends with its time, and at once where there is news already") {
  Waiting s;
  must(s.in("acme", [&](store::Tx& tx) {
    return state::append_event(tx, s.held, {0, 0, workflow::PauseRequested{}}, s.now());
  }));
  CHECK(body_of(s.call("GET", "/api/v1/executions/" + s.id + "?wait=60&after=0")).at("lastSeq") == 1);
  CHECK(body_of(s.call("GET", "/api/v1/executions/" + s.id + "?wait=1&after=1")).at("lastSeq") == 1);
  CHECK(problem_of(s.call("GET", "/api/v1/executions/*?wait=60")) == "NOT_FOUND");
}

}  // namespace
}  // namespace vmc
