// What holds for every route.
#include "unit/gateway/fixture.hpp"

namespace vmc {
namespace {

using namespace test;

TEST_CASE("what is not understood is refused") {
  Service s;
  CHECK(problem_of(s.call("GET", "/api/v1/nothing")) == "NOT_FOUND");
  CHECK(problem_of(s.call("DELETE", "/api/v1/keys")) == "INVALID_REQUEST");
  CHECK(problem_of(s.call("GET", "/api/v1/keys?verbose=1")) == "INVALID_REQUEST");
  CHECK(problem_of(s.call("POST", "/api/v1/keys", {{"name", "HQ"}, {"colour", "red"}})) == "INVALID_REQUEST");
  CHECK(problem_of(s.call("POST", "/api/v1/keys", {{"name", 7}})) == "INVALID_REQUEST");
  CHECK(problem_of(s.call("POST", "/api/v1/keys", Json::object())) == "INVALID_REQUEST");
  CHECK(problem_of(s.call("POST", "/api/v1/keys")) == "INVALID_REQUEST");
  CHECK(problem_of(s.call("POST", "/api/v1/keys", "{\"name\":")) == "INVALID_REQUEST");
  CHECK(problem_of(s.call("POST", "/api/v1/keys", Json::array())) == "INVALID_REQUEST");
  CHECK(problem_of(s.call("POST", "/api/v1/keys", std::string(100'000, ' '))) == "INVALID_REQUEST");
  CHECK(problem_of(s.call("GET", "/api/v1/keys", Json::object())) == "INVALID_REQUEST");
  CHECK(body_of(s.call("GET", "/api/v1/keys")).at("items").empty());
}

TEST_CASE("numbers of a query are read strictly") {
  Service s;
  for (const char* limit : {"0", "1001", "-1", "7x", "", "1e2", "99999999999999999999", "%207"})
    CHECK(problem_of(s.call("GET", std::string{"/api/v1/executions?limit="} + limit)) == "INVALID_REQUEST");
  CHECK(s.call("GET", "/api/v1/executions?limit=1000").status == 200);
  CHECK(problem_of(s.call("GET", "/api/v1/executions/exe_1?wait=61")) == "INVALID_REQUEST");
  CHECK(problem_of(s.call("GET", "/api/v1/executions/exe_1?wait=1&after=-1")) == "INVALID_REQUEST");
  CHECK(problem_of(s.call("GET", "/api/v1/executions/exe_1/events?limit=1001")) == "INVALID_REQUEST");
}

TEST_CASE("a problem says what, why and what to do, and names the request") {
  Service s;
  auto request = Service::request("GET", "/api/v1/connectors/HQ");
  request.headers.emplace_back("X-Request-Id", "req_7");
  const auto response = s.over_https(s.token("acme"), request);
  CHECK(response.status == 404);
  CHECK(response.header("Content-Type") == "application/problem+json");
  const auto body = body_of(response);
  CHECK(body.at("code") == "NOT_FOUND");
  CHECK(body.at("request_id") == "req_7");
  CHECK_FALSE(body.at("detail").get<std::string>().empty());
  CHECK_FALSE(body.at("hint").get<std::string>().empty());
}

TEST_CASE("health, readiness and the description need no token") {
  Service s;
  CHECK(body_of(s.over_https("", "GET", "/healthz")).at("status") == "ok");
  CHECK(body_of(s.over_https("", "GET", "/readyz")).at("status") == "ready");
  CHECK(s.over_https("", "GET", "/openapi.json").status == 200);
}

TEST_CASE("a gateway whose database is gone is alive and not ready") {
  Service s;
  // Somebody drops the table the way a broken restore would.
  auto drop = [](store::Tx& tx) -> Result<bool> {
    tx.exec("ALTER TABLE tenants RENAME TO elsewhere");
    return true;
  };
  must(s.platform(drop));
  CHECK(s.over_https("", "GET", "/healthz").status == 200);
  const auto answer = s.over_https("", "GET", "/readyz");
  CHECK(answer.status == 503);
  CHECK(problem_of(answer) == "UNAVAILABLE");
}

TEST_CASE("the description lists every route with its parameters, and only those") {
  Service s;
  const auto document = body_of(s.call("GET", "/openapi.json"));
  CHECK(document.at("openapi") == "3.1.0");
  std::size_t described = 0;
  for (const auto& [path, methods] : document.at("paths").items()) described += methods.size();
  const auto routes = s.api->routes();
  CHECK(described == routes.size());
  for (const auto& route : routes) {
    const auto method = route.method == "GET" ? "get" : "post";
    const auto& operation = document.at("paths").at(route.pattern).at(method);
    CHECK(operation.at("summary") == route.summary);
    CHECK_FALSE(route.summary.empty());
    std::size_t in_path = 0;
    for (const auto& parameter : operation.at("parameters")) in_path += parameter.at("in") == "path";
    CHECK(in_path == static_cast<std::size_t>(std::count(route.pattern.begin(), route.pattern.end(), '{')));
  }
  const auto& start = document.at("paths").at("/api/v1/workflows/{id}/executions").at("post");
  CHECK(start.at("parameters")[1].at("name") == "Idempotency-Key");
  CHECK(start.at("responses").contains("202"));
  CHECK(document.at("paths").at("/healthz").at("get").at("security").empty());
  CHECK(document.at("components").at("securitySchemes").at("token").at("scheme") == "bearer");
}

TEST_CASE("a tenant's token finds nothing of another tenant and changes nothing there") {
  Service s;
  const auto agent = s.connect("acme", "HQ");
  must(s.in("acme", [&](store::Tx& tx) {
    return state::publish_schema(tx, agent.connector_id, "erp", {}, s.now());
  }));
  const auto workflow = s.publish("Orders");
  const auto execution =
      body_of(s.call("POST", "/api/v1/workflows/Orders/executions")).at("executionId").get<std::string>();
  const auto token = s.token("bolt");
  const auto before = s.dump("acme");
  for (const char* list : {"keys", "connectors", "workflows", "executions", "notices"})
    CHECK(body_of(s.over_https(token, "GET", std::string{"/api/v1/"} + list)).at("items").empty());
  const Json query{{"connection", "erp"}, {"intent", {{"table", "orders"}, {"columns", {"id"}}}}};
  const std::vector<std::tuple<std::string, std::string, Json>> attempts{
      {"POST", "/keys/" + agent.key_id + "/revoke", nullptr},
      {"GET", "/connectors/HQ", nullptr},
      {"POST", "/connectors/HQ/query", query},
      {"GET", "/connectors/HQ/schemas", nullptr},
      {"GET", "/connectors/HQ/schemas/erp", nullptr},
      {"GET", "/workflows/" + workflow, nullptr},
      {"GET", "/workflows/Orders", nullptr},
      {"POST", "/workflows/" + workflow + "/executions", nullptr},
      {"GET", "/executions/" + execution, nullptr},
      {"GET", "/executions/" + execution + "?wait=60&after=0", nullptr},
      {"GET", "/executions/" + execution + "/events", nullptr},
      {"POST", "/executions/" + execution + "/cancel", nullptr},
      {"POST", "/executions/" + execution + "/pause", nullptr},
      {"POST", "/executions/" + execution + "/resume", nullptr},
  };
  for (const auto& [method, path, body] : attempts) {
    INFO(method << " " << path);
    CHECK(problem_of(s.over_https(token, method, "/api/v1" + path, body)) == "NOT_FOUND");
  }
  CHECK(s.dump("acme") == before);
}

}  // namespace
}  // namespace vmc
