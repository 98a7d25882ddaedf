// A gateway's API over a real state database, a folder of objects and the bus of one process; two tenants.
#pragma once

#include "core/event.hpp"
#include "core/text.hpp"
#include "gateway/buffer.hpp"
#include "gateway/gateway.hpp"
#include "net/http_text.hpp"
#include "net/route_table.hpp"
#include "unit/state/fixture.hpp"

namespace vmc::test {

struct Service : World {
  asio::io_context loop{1};
  Pool cpu{"cpu", 1};
  Pool disk{"disk", 1};
  std::unique_ptr<store::Bus> bus = store::make_memory_bus();
  std::unique_ptr<store::Objects> objects = must(store::open_folder((folder / "objects").string(), disk));
  gateway::Settings settings;
  gateway::Platform parts{*real, *objects, *bus, cpu, master, clock};
  std::unique_ptr<gateway::Api> api;

  Service() { restart(); }
  void restart() { api = gateway::make_api(loop, parts, settings); }

  static net::Request request(const std::string& method, const std::string& target,
                              const Json& body = nullptr) {
    auto parsed = must(net::parse_target(target));
    net::Request made;
    made.method = method;
    made.path = parsed.path;
    made.query = parsed.query;
    if (!body.is_null()) {
      const auto text = body.is_string() ? body.get<std::string>() : body.dump();
      made.body.assign(text.begin(), text.end());
    }
    return made;
  }

  // Runs the tasks on the loop, all at once, until every one has ended.
  void run_all(std::vector<awaitable<void>> tasks) {
    std::exception_ptr broken;
    auto done = [&broken](std::exception_ptr error) {
      if (error && !broken) broken = error;
    };
    loop.restart();
    for (auto& task : tasks) asio::co_spawn(loop, std::move(task), done);
    loop.run();
    if (broken) std::rethrow_exception(broken);
  }
  net::Response finish(awaitable<net::Response> task) {
    net::Response out;
    std::vector<awaitable<void>> tasks;
    tasks.push_back(keep(std::move(task), out));
    run_all(std::move(tasks));
    return out;
  }
  static awaitable<void> keep(awaitable<net::Response> task, net::Response& out) {
    out = co_await std::move(task);
  }

  net::Response call(const std::string& method, const std::string& target, const Json& body = nullptr,
                     const std::string& tenant = "acme", bool local = true) {
    return finish(api->dispatch(request(method, target, body), {tenant, local}));
  }
  // As the HTTPS server does it: with a token, or none.
  net::Response over_https(const std::string& token, net::Request made) {
    auto table = must(net::RouteTable::make(api->routes()));
    auto segments = split(std::string_view{made.path}.substr(1), '/');
    auto match = table.find(made.method, segments);
    if (!match.route) throw std::runtime_error{"no route " + made.path};
    made.parameters = match.parameters;
    if (!token.empty()) made.headers.emplace_back("Authorization", "Bearer " + token);
    return finish(match.route->handler(std::move(made)));
  }
  net::Response over_https(const std::string& token, const std::string& method, const std::string& target,
                           const Json& body = nullptr) {
    return over_https(token, request(method, target, body));
  }
  std::string token(const std::string& tenant) {
    auto made = must(in(tenant, [&](store::Tx& tx) { return state::create_token(tx, "test", now()); }));
    return std::string{made.text.text()};
  }

  // A connector whose agent is connected.
  struct Agent {
    std::string tenant, connector_id, key_id;
    std::int64_t epoch = 0;
  };
  Agent connect(const std::string& tenant, const std::string& name) {
    auto key = must(in(tenant, [&](store::Tx& tx) { return state::create_key(tx, name, now()); }));
    Agent agent{tenant, key.connector_id, key.key_id, 0};
    reconnect(agent);
    return agent;
  }
  void reconnect(Agent& agent) {
    const state::Login login{agent.connector_id, agent.key_id, "ins-1", "1.0", "hq", Bytes(32, 1), 90s};
    agent.epoch = must(in(agent.tenant, [&](store::Tx& tx) { return state::login(tx, login, now()); })).epoch;
  }

  // A workflow of acme that is published, and an execution of it.
  std::string publish(const std::string& name, const std::string& tenant = "acme") {
    return workflow(tenant, sample_definition(name)).workflow_id;
  }
};

inline Json body_of(const net::Response& response) {
  return must(parse_json(as_text(response.body), 64u << 20));
}
inline std::string problem_of(const net::Response& response) {
  return response.status < 400 ? "OK" : body_of(response).at("code").get<std::string>();
}

}  // namespace vmc::test
