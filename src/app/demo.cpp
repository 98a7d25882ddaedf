// all-in-one --demo: everything a first user would otherwise set up by hand, then one run with its proof.
#include <unistd.h>

#include <fmt/format.h>

#include "app/demo_data.hpp"
#include "app/platform.hpp"
#include "app/process.hpp"
#include "app/role_parts.hpp"
#include "app/roles.hpp"
#include "app/secrets.hpp"
#include "core/event.hpp"
#include "core/ids.hpp"
#include "core/log.hpp"
#include "state/connectors.hpp"

namespace vmc::app {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTenant = "demo";
constexpr const char* kConnector = "Demo ERP";
constexpr const char* kErp = "erp";
constexpr const char* kWarehouse = "warehouse";
constexpr auto kReadyCeiling = std::chrono::seconds{30};
constexpr int kExitRunFailed = 8;

constexpr const char* kScript = R"lua(-- Net value of an order line, to the last of its six places.
function transform(row)
  local factor = vmc.decimal("1")
  if row.discount_percent ~= vmc.null then
    factor = (vmc.decimal("100") - row.discount_percent) * vmc.decimal("0.01")
  end
  row.line_total = row.unit_price * row.quantity * factor
  row.remark = row.note
  row.note = nil
  return row
end
)lua";

Json workflow_definition() {
  return {{"name", "Order lines to warehouse"},
          {"activities",
           {{{"id", "lines"},
             {"type", "extract"},
             {"connector", kConnector},
             {"aggregator", kErp},
             {"operation", "select"},
             {"params",
              {{"table", "order_lines"},
               {"mode", "incremental"},
               {"cursor", "updated_at"},
               {"rowsPerPart", 20'000}}}},
            {{"id", "net"}, {"type", "transform"}, {"function", kScript}},
            {{"id", "store"},
             {"type", "load"},
             {"connector", kConnector},
             {"aggregator", kWarehouse},
             {"operation", "bulkInsert"},
             {"params", {{"table", "sales_lines"}, {"mode", "upsert"}, {"conflictKey", "id"}}}}}},
          {"steps",
           {{{"id", "1"}, {"activityId", "lines"}, {"dependsOn", Json::array()}},
            {{"id", "2"}, {"activityId", "net"}, {"dependsOn", {"1"}}},
            {{"id", "3"}, {"activityId", "store"}, {"dependsOn", {"2"}}}}}};
}

agent::Settings agent_settings(const fs::path& folder, std::uint16_t port, const fs::path& authority) {
  agent::Settings settings;
  settings.name = kConnector;
  settings.cloud_url = fmt::format("wss://127.0.0.1:{}/ws", port);
  settings.ca_file = authority.string();
  settings.api_key = {"vault", "apikey"};
  agent::ConnectionSettings erp;
  erp.id = kErp;
  erp.type = "sqlite";
  erp.file = (folder / "erp.db").string();
  agent::ConnectionSettings warehouse = erp;
  warehouse.id = kWarehouse;
  warehouse.file = (folder / "warehouse.db").string();
  warehouse.writable_tables = {"sales_lines"};
  settings.connections = {erp, warehouse};
  return settings;
}

bool is_final(const Json& execution) {
  const auto status = execution.at("status").get<std::string>();
  return status == "succeeded" || status == "failed" || status == "cancelled";
}

class Demo {
 public:
  Demo(const DemoOptions& options, Platform& platform, agent::Home home, std::uint16_t port,
       fs::path authority)
      : options_{options},
        platform_{platform},
        home_{std::move(home)},
        port_{port},
        authority_{std::move(authority)} {}

  // Blocking, before any role runs: databases, key, approved schemas.
  Result<void> prepare(asio::io_context& loop);
  // Beside the roles; returns the exit code.
  awaitable<int> run(asio::io_context& loop);

 private:
  awaitable<int> show(asio::io_context& loop);
  awaitable<Result<Json>> call(std::string method, std::string path, Json body = nullptr,
                               std::map<std::string, std::string> query = {});
  awaitable<Result<void>> set_up_key();
  awaitable<Result<void>> wait_for_schemas();
  awaitable<Result<Json>> run_workflow();
  awaitable<Result<Json>> follow(std::string id);
  void progress(const Json& execution);
  int report(const Json& execution);
  void talk(const std::string& text) const { fmt::print(stderr, "{}\n", text); }

  const DemoOptions& options_;
  Platform& platform_;
  agent::Home home_;
  std::uint16_t port_;
  fs::path authority_;
  std::unique_ptr<gateway::Api> api_;
  std::string change_;  // what this start changed in the ERP
  std::string shown_;  // of the run's progress
};

awaitable<Result<Json>> Demo::call(std::string method, std::string path, Json body,
                                   std::map<std::string, std::string> query) {
  net::Request request;
  request.method = std::move(method);
  request.path = std::move(path);
  request.query = std::move(query);
  if (!body.is_null()) {
    const auto text = body.dump();
    request.body.assign(text.begin(), text.end());
  }
  gateway::Caller caller;
  caller.tenant = kTenant;
  caller.local = true;
  auto response = co_await api_->dispatch(std::move(request), std::move(caller));
  if (response.status >= 400) co_return net::error_from(response);
  co_return parse_json(as_text(response.body), 64u << 20);
}

awaitable<Result<void>> Demo::set_up_key() {
  Json tenant{{"tenant", kTenant}, {"name", "Demo"}};
  auto made = co_await call("POST", "/api/v1/tenants", tenant);
  if (!made && made.error().code != Code::conflict) co_return made.error();
  VMC_CO_TRY(connectors, co_await call("GET", "/api/v1/connectors"));
  for (const auto& item : connectors.at("items"))
    if (item.at("name") == kConnector && !item.value("installationId", Json{}).is_null() &&
        !item.at("installationId").get<std::string>().empty())
      co_return Result<void>{};
  // A first start that was interrupted before the agent enrolled left a key nobody has.
  VMC_CO_TRY(keys, co_await call("GET", "/api/v1/keys"));
  for (const auto& item : keys.at("items")) {
    if (item.at("connectorName") != kConnector || !item.at("revokedAt").is_null()) continue;
    Json nothing = Json::object();
    auto revoked =
        co_await call("POST", "/api/v1/keys/" + item.at("keyId").get<std::string>() + "/revoke", nothing);
    if (!revoked) co_return revoked.error();
  }
  Json wanted{{"name", kConnector}};
  VMC_CO_TRY(key, co_await call("POST", "/api/v1/keys", wanted));
  auto text = key.at("key").get<std::string>();
  auto secret = crypto::Secret::from_text(text);
  crypto::wipe(text);
  co_return agent::store_secret(home_, "apikey", std::move(secret));
}

Result<void> Demo::prepare(asio::io_context& loop) {
  talk("Making a small ERP and an empty warehouse …");
  VMC_CHECK(make_erp(options_.state / "erp.db", options_.order_lines));
  VMC_CHECK(make_warehouse(options_.state / "warehouse.db"));
  api_ = gateway::make_api(loop, platform_.for_gateway(), gateway::Settings{});
  std::optional<Result<void>> done;
  std::exception_ptr broken;
  auto key = [&]() -> awaitable<void> { done = co_await set_up_key(); };
  asio::co_spawn(loop, key, [&](std::exception_ptr error) {
    broken = error;
    loop.stop();
  });
  loop.run();
  loop.restart();
  api_.reset();  // before its loop
  if (broken) std::rethrow_exception(broken);
  VMC_CHECK(std::move(*done));
  const auto resolver = make_secret_resolver();
  for (const auto& connection : agent_settings(options_.state, port_, authority_).connections) {
    VMC_TRY(found, agent::discover(home_, connection, resolver));
    VMC_CHECK(agent::approve_schema(home_, connection.id, found));
  }
  return {};
}

awaitable<Result<void>> Demo::wait_for_schemas() {
  Event changed{co_await asio::this_coro::executor};
  auto wake = [&changed] { changed.notify(); };
  auto subscription = platform_.bus->subscribe("schema/*", co_await asio::this_coro::executor, wake);
  const auto deadline = Steady::now() + kReadyCeiling;
  while (Steady::now() < deadline && !co_await stopping()) {
    auto published = co_await call("GET", std::string{"/api/v1/connectors/"} + kConnector + "/schemas");
    if (published && published->at("items").size() == 2) co_return Result<void>{};
    co_await changed.wait_for(std::chrono::seconds{1});
  }
  co_return fail(Code::unavailable, "the agent has not connected within 30 s", "The lines above say why.");
}

void Demo::progress(const Json& execution) {
  const auto summary = execution.value("summary", Json::object());
  if (!summary.is_object() || options_.json) return;
  const auto line = fmt::format("{} of {} parts, {} rows read, {} written", summary.value("partsLoaded", 0LL),
                                summary.value("parts", 0LL), summary.value("rowsRead", 0LL),
                                summary.value("rowsWritten", 0LL));
  if (line == shown_) return;
  shown_ = line;
  if (isatty(STDERR_FILENO) == 1)
    fmt::print(stderr, "\r\033[K{}", line);
  else
    talk(line);
}

awaitable<Result<Json>> Demo::follow(std::string id) {
  std::string after = "0";
  for (;;) {
    std::map<std::string, std::string> query{{"wait", "30"}, {"after", after}};
    VMC_CO_TRY(execution, co_await call("GET", "/api/v1/executions/" + id, nullptr, query));
    after = std::to_string(execution.value("lastSeq", 0LL));
    progress(execution);
    if (is_final(execution)) co_return execution;
    if (co_await stopping())
      co_return fail(Code::cancelled, "stopped before the run was over",
                     "Start the demo again: the run goes on where it was.");
  }
}

awaitable<Result<Json>> Demo::run_workflow() {
  VMC_CO_TRY(before, co_await call("GET", "/api/v1/executions"));
  bool succeeded = false;
  for (const auto& item : before.at("items")) {
    if (!is_final(item)) {
      talk("Going on with the run that was interrupted …");
      co_return co_await follow(item.at("executionId").get<std::string>());
    }
    succeeded = succeeded || item.at("status") == "succeeded";
  }
  if (succeeded) {
    VMC_CO_TRY(change, change_erp(options_.state / "erp.db"));
    change_ = fmt::format("{} order lines were added and {} changed since the last start", change.inserted,
                          change.updated);
    talk("A day at the ERP: " + change_ + ".");
  }
  auto definition = workflow_definition();
  VMC_CO_TRY(saved, co_await call("POST", "/api/v1/workflows", definition));
  Json nothing = Json::object();
  VMC_CO_TRY(
      started,
      co_await call("POST", "/api/v1/workflows/" + saved.at("workflowId").get<std::string>() + "/executions",
                    nothing));
  co_return co_await follow(started.at("executionId").get<std::string>());
}

int Demo::report(const Json& execution) {
  if (!shown_.empty()) fmt::print(stderr, "\n");
  const auto summary = execution.value("summary", Json::object());
  const auto count = [&](const char* key) { return summary.value(key, std::int64_t{0}); };
  const bool ok = execution.at("status") == "succeeded" && summary.value("proof", false);
  const double seconds =
      static_cast<double>(execution.value("finishedAt", 0LL) - execution.value("createdAt", 0LL)) / 1e6;
  const auto shaped = count("rowsRead") - count("rowsSkipped") - count("rowsRefused");
  const auto rate =
      seconds > 0 ? static_cast<std::int64_t>(static_cast<double>(count("rowsRead")) / seconds) : 0;
  if (options_.json) {
    Json out = summary;
    out["status"] = execution.at("status");
    out["executionId"] = execution.at("executionId");
    out["rowsShaped"] = shaped;
    out["seconds"] = seconds;
    fmt::print("{}\n", out.dump(2));
  } else {
    fmt::print("\n  Order lines to warehouse: {}\n\n", execution.at("status").get<std::string>());
    fmt::print("  rows read      {:>10}\n", count("rowsRead"));
    if (count("rowsSkipped") > 0) fmt::print("  moved before   {:>10}\n", count("rowsSkipped"));
    fmt::print("  rows shaped    {:>10}\n  rows written   {:>10}\n  rows refused   {:>10}\n", shaped,
               count("rowsWritten"), count("rowsRefused"));
    fmt::print("  seconds        {:>10.1f}\n  rows/s         {:>10}\n\n", seconds, rate);
    fmt::print("  proof          {}\n",
               ok ? "holds: the source read again equals what entered the first step,"
                  : summary.value("proofDetail", std::string{"not made"}));
    if (ok) fmt::print("                 the destination read back equals what was handed to the load\n");
    if (!ok && summary.contains("message"))
      fmt::print("                 {}\n", summary.value("message", std::string{}));
  }
  return ok ? 0 : kExitRunFailed;
}

awaitable<int> Demo::run(asio::io_context& loop) {
  co_await asio::this_coro::throw_if_cancelled(false);
  api_ = gateway::make_api(loop, platform_.for_gateway(), gateway::Settings{});
  const int exit_code = co_await show(loop);
  api_.reset();  // before its loop
  co_return exit_code;
}

awaitable<int> Demo::show(asio::io_context& loop) {
  auto ready = co_await wait_for_schemas();
  Result<Json> execution = fail(Code::unavailable, "not started");
  if (ready)
    execution = co_await run_workflow();
  else
    execution = ready.error();
  if (!execution) {
    talk(execution.error().text());
    co_return info(execution.error().code).exit_code;
  }
  const int exit_code = report(*execution);
  if (options_.once || co_await stopping()) co_return exit_code;
  const auto state = options_.state.string();
  fmt::print("\n  API            https://127.0.0.1:{}/api/v1 (authority: {})\n", port_, authority_.string());
  fmt::print("  stop           Ctrl-C; the next start changes 1,000 rows and moves exactly those\n");
  fmt::print(
      "  try next       vmc --state {0} --tenant demo execution list\n"
      "                 vmc --state {0} --tenant demo connector query \"{1}\" erp --table customers "
      "--columns id,name,city\n"
      "                 vmc --state {0} --tenant demo token create --name me\n",
      state, kConnector);
  std::fflush(stdout);
  asio::steady_timer forever{loop, Steady::time_point::max()};
  co_await forever.async_wait(as_tuple_awaitable);
  co_return exit_code;
}

}  // namespace

Result<int> run_demo(const DemoOptions& options) {
  crypto::harden_process();
  std::vector<std::unique_ptr<RoleThread>> roles;  // before the platform: their loops outlive its threads
  PlatformSettings settings;
  VMC_TRY(platform, open_platform(options.state, settings));
  gateway::Settings gateway_settings;
  gateway_settings.listen = options.listen;
  VMC_TRY(gateway, make_gateway_part(*platform, gateway_settings));
  VMC_TRY(certificate, ensure_certificate(platform->state_folder, {}));
  const agent::Home home{options.state / "agent"};
  std::error_code ec;
  fs::create_directories(home.folder, ec);
  fs::permissions(home.folder, fs::perms::owner_all, ec);
  Demo demo{options, *platform, home, gateway.port, certificate.authority_file};
  {
    asio::io_context loop{1};
    VMC_CHECK(demo.prepare(loop));
  }
  worker::Settings worker_settings;
  VMC_TRY(agent, make_agent_part(agent_settings(options.state, gateway.port, certificate.authority_file),
                                 home.folder));
  roles.push_back(std::move(agent));
  roles.push_back(make_worker_part(*platform, worker_settings));
  roles.push_back(std::move(gateway.thread));
  auto foreground = [&demo](asio::io_context& loop) { return demo.run(loop); };
  return run_process(roles, gateway_settings.grace, foreground);
}

}  // namespace vmc::app
