#include "unit/gateway/fixture.hpp"

namespace vmc {
namespace {

using namespace test;

data::Schema orders_schema() {
  data::TableInfo table;
  table.name = "orders";
  data::ColumnInfo id;
  id.name = "id";
  id.sql_type = "INTEGER";
  table.columns = {id};
  table.primary_key = {"id"};
  return data::Schema{{table}};
}

Json orders_query(std::int64_t timeout_ms = 600'000) {
  return {{"connection", "erp"},
          {"intent", {{"table", "orders"}, {"columns", {"id"}}, {"limit", 2}}},
          {"timeoutMs", timeout_ms}};
}

// An agent and its gateway session in one: takes the next command when it is woken and finishes it.
struct Answering {
  Service& s;
  Service::Agent agent;
  bool publish = true;
  std::function<state::Outcome(const wire::Command&)> answer;
  std::vector<wire::Command> seen;

  awaitable<void> run() {
    Event woken{s.loop.get_executor()};
    auto wake = [&woken] { woken.notify(); };
    const auto commands = s.bus->subscribe(state::connector_topic(agent.tenant, agent.connector_id),
                                           s.loop.get_executor(), wake);
    co_await woken.wait_for(std::chrono::hours{1});
    auto work = [&](store::Tx& tx) -> Result<std::vector<state::QueuedCommand>> {
      VMC_TRY(queued, state::queued_commands(tx, agent.connector_id, -1, 10, s.key(agent.tenant), s.now()));
      for (const auto& next : queued) {
        VMC_CHECK(state::finish_command(tx, agent.connector_id, next.command.command_id, answer(next.command),
                                        s.key(agent.tenant), s.now()));
      }
      return queued;
    };
    auto done = co_await s.real->transact(agent.tenant, work);
    for (auto& next : must(std::move(done))) seen.push_back(std::move(next.command));
    if (!publish) co_return;
    for (const auto& command : seen) s.bus->publish(state::command_topic(agent.tenant, command.command_id));
  }
};

state::Outcome two_rows(const wire::Command& command) {
  auto result = sample_result(command);
  Json column{{"name", "id"}, {"type", "int64"}};
  result.inline_result = Json::object();
  result.inline_result["columns"] = Json::array({column});
  result.inline_result["rows"] = Json::array({Json::array({"1"}), Json::array({"2"})});
  result.row_count = 2;
  result.duration_ms = 7;
  return result;
}

net::Response ask(Service& s, Answering& answering, const Json& query) {
  net::Response response;
  std::vector<awaitable<void>> tasks;
  tasks.push_back(answering.run());
  gateway::Caller caller{"acme", false};
  auto request = Service::request("POST", "/api/v1/connectors/Demo%20ERP/query", query);
  tasks.push_back(Service::keep(s.api->dispatch(std::move(request), std::move(caller)), response));
  s.run_all(std::move(tasks));
  return response;
}

TEST_CASE("connectors are listed and found by name, online while their agent is heard of") {
  Service s;
  const auto agent = s.connect("acme", "Demo ERP");
  s.connector("acme", "Branch");
  auto items = body_of(s.call("GET", "/api/v1/connectors")).at("items");
  REQUIRE(items.size() == 2);
  CHECK(items[0].at("name") == "Branch");
  CHECK(items[0].at("online") == false);
  CHECK(items[0].at("connectedAt").is_null());
  CHECK(items[0].at("installationId") == "");
  const auto one = body_of(s.call("GET", "/api/v1/connectors/Demo%20ERP"));
  CHECK(one == items[1]);
  CHECK(one.at("connectorId") == agent.connector_id);
  CHECK(one.at("online") == true);
  CHECK(one.at("epoch") == 1);
  CHECK(one.at("agentVersion") == "1.0");
  CHECK(one.at("installationId") == "ins-1");
  CHECK(one.at("seenAt") == s.now());
  s.clock.advance(s.settings.heartbeat_timeout + 1s);
  CHECK(body_of(s.call("GET", "/api/v1/connectors/Demo%20ERP")).at("online") == false);
}

TEST_CASE("published schemas are listed and shown") {
  Service s;
  const auto agent = s.connect("acme", "HQ");
  must(s.in("acme", [&](store::Tx& tx) {
    return state::publish_schema(tx, agent.connector_id, "erp", orders_schema(), s.now());
  }));
  const auto items = body_of(s.call("GET", "/api/v1/connectors/HQ/schemas")).at("items");
  const Json expected{{"connection", "erp"}, {"version", 1}, {"publishedAt", s.now()}, {"tables", 1}};
  REQUIRE(items.size() == 1);
  CHECK(items[0] == expected);
  const auto shown = body_of(s.call("GET", "/api/v1/connectors/HQ/schemas/erp"));
  CHECK(must(data::schema_from_json(shown.at("schema"))) == orders_schema());
  CHECK(shown.at("version") == 1);
  CHECK(problem_of(s.call("GET", "/api/v1/connectors/HQ/schemas/other")) == "NOT_FOUND");
  CHECK(problem_of(s.call("GET", "/api/v1/connectors/nobody/schemas")) == "NOT_FOUND");
}

TEST_CASE("a query is answered as soon as its command has finished") {
  Service s;
  s.settings.sweep = 1h;  // only the wake-up can be in time
  s.restart();
  Answering answering{s, s.connect("acme", "Demo ERP"), true, two_rows, {}};
  const auto response = ask(s, answering, orders_query());
  REQUIRE(response.status == 200);
  const auto body = body_of(response);
  CHECK(body.at("columns")[0].at("name") == "id");
  CHECK(body.at("rows") == Json::array({Json::array({"1"}), Json::array({"2"})}));
  CHECK(body.at("rowCount") == 2);
  CHECK(body.at("durationMs") == 7);
  REQUIRE(answering.seen.size() == 1);
  const auto& command = answering.seen[0];
  CHECK(command.operation == wire::Operation::query);
  CHECK(command.execution_id == "query");
  CHECK(command.attempt_epoch == 1);
  CHECK(command.data_key.size() == 32);
  CHECK(command.payload.intent->table == "orders");
  CHECK(command.payload.timeout_ms == 600'000);
  CHECK(command.payload.expires_at == s.now() + micros(630s));
  CHECK(command.payload.idempotency_key == command.command_id);
  CHECK(wire::check_deliverable(command).has_value());
}

TEST_CASE("a lost wake-up costs a query one sweep and nothing else") {
  Service s;
  s.settings.sweep = 1ms;
  s.restart();
  Answering answering{s, s.connect("acme", "Demo ERP"), false, two_rows, {}};
  CHECK(ask(s, answering, orders_query()).status == 200);
}

TEST_CASE("an agent's refusal is the query's answer") {
  Service s;
  const auto refuse = [](const wire::Command& command) -> state::Outcome {
    return wire::CommandError{command.command_id, 1, Code::schema_access_denied, "orders is private", false};
  };
  Answering answering{s, s.connect("acme", "Demo ERP"), true, refuse, {}};
  const auto response = ask(s, answering, orders_query());
  CHECK(response.status == 403);
  CHECK(problem_of(response) == "SCHEMA_ACCESS_DENIED");
  CHECK(body_of(response).at("detail") == "orders is private");
}

TEST_CASE("an agent's answer without rows is not passed on") {
  Service s;
  const auto nonsense = [](const wire::Command& command) -> state::Outcome { return sample_result(command); };
  Answering answering{s, s.connect("acme", "Demo ERP"), true, nonsense, {}};
  CHECK(problem_of(ask(s, answering, orders_query())) == "COMMAND_MALFORMED");
}

TEST_CASE("a query to a connector that is offline fails at once and leaves no command") {
  Service s;
  const auto agent = s.connect("acme", "Demo ERP");
  s.clock.advance(s.settings.heartbeat_timeout + 1s);
  const auto response = s.call("POST", "/api/v1/connectors/Demo%20ERP/query", orders_query());
  CHECK(response.status == 503);
  CHECK(problem_of(response) == "CONNECTOR_OFFLINE");
  CHECK(s.dump("acme").find("commands|") == std::string::npos);
}

TEST_CASE("a query that is not answered in time says so") {
  Service s;
  s.settings.command_ttl = 1ms;
  s.restart();
  s.connect("acme", "Demo ERP");
  const auto response = s.call("POST", "/api/v1/connectors/Demo%20ERP/query", orders_query());
  CHECK(problem_of(response) == "QUERY_TIMEOUT");
}

TEST_CASE("a query is checked before it becomes a command") {
  Service s;
  s.connect("acme", "HQ");
  const auto refused = [&](const Json& body) {
    return problem_of(s.call("POST", "/api/v1/connectors/HQ/query", body));
  };
  auto sql = orders_query();
  sql["intent"] = "SELECT * FROM orders";
  CHECK(refused(sql) == "INVALID_REQUEST");
  auto unknown = orders_query();
  unknown["intent"]["raw"] = "1 = 1";
  CHECK(refused(unknown) == "COMMAND_MALFORMED");
  auto no_columns = orders_query();
  no_columns["intent"]["columns"] = Json::array();
  CHECK(refused(no_columns) == "COMMAND_MALFORMED");
  CHECK(refused(orders_query(0)) == "INVALID_REQUEST");
  CHECK(refused(orders_query(600'001)) == "INVALID_REQUEST");
  auto no_connection = orders_query();
  no_connection.erase("connection");
  CHECK(refused(no_connection) == "INVALID_REQUEST");
  CHECK(problem_of(s.call("POST", "/api/v1/connectors/nobody/query", orders_query())) == "NOT_FOUND");
  CHECK(s.dump("acme").find("commands|") == std::string::npos);
}

}  // namespace
}  // namespace vmc
