#include "gateway/gateway.hpp"

#include <charconv>

#include <fmt/format.h>

#include "core/event.hpp"
#include "core/log.hpp"
#include "core/task_group.hpp"
#include "gateway/agent_session.hpp"
#include "gateway/buffer.hpp"
#include "state/commands.hpp"
#include "store/database.hpp"

namespace vmc::gateway {
namespace {

constexpr auto kExpirySweep = std::chrono::seconds{5};
constexpr auto kPurgeEvery = std::chrono::hours{1};
constexpr auto kPurgePause = std::chrono::milliseconds{100};  // between batches, for other writers
constexpr auto kKeepFinished = std::chrono::hours{24};  // commands, with the rows of queries by hand

// "host:port", "[::1]:port"
Result<net::ServerSettings> server_settings(const Settings& settings) {
  net::ServerSettings server;
  const auto colon = settings.listen.rfind(':');
  std::uint16_t port = 0;
  const auto text =
      colon == std::string::npos ? std::string_view{} : std::string_view{settings.listen}.substr(colon + 1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size())
    return fail(Code::invalid_request, fmt::format("listen = \"{}\" is not HOST:PORT", settings.listen));
  server.address = settings.listen.substr(0, colon);
  if (server.address.size() > 2 && server.address.front() == '[')
    server.address = server.address.substr(1, server.address.size() - 2);
  server.port = port;
  server.handshake_timeout = settings.authentication_timeout;
  return server;
}

class GatewayRole final : public Gateway {
 public:
  GatewayRole(asio::io_context& loop, Platform platform, const Settings& settings)
      : loop_{loop},
        platform_{platform},
        settings_{settings},
        api_{make_api(loop, platform, settings, switchboard_)} {}

  Result<void> bind() {
    VMC_TRY(server, server_settings(settings_));
    VMC_TRY(tls, net::make_server_tls({settings_.certificate_file, settings_.private_key_file}));
    auto routes = api_->routes();
    for (auto& route : buffer_routes(platform_)) routes.push_back(std::move(route));
    auto on_link = [this](std::unique_ptr<net::Link> link) { return serve(std::move(link)); };
    VMC_TRY(made, net::make_http_server(loop_, server, tls, std::move(routes), std::string{wire::kLinkPath},
                                        std::string{wire::kSubprotocol}, on_link));
    server_ = std::move(made);
    return {};
  }

  awaitable<void> run() override {
    co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
    co_await asio::this_coro::throw_if_cancelled(false);
    log::info("gateway", "ready", {{"port", server_->port()}});
    TaskGroup parts{loop_.get_executor(), TaskGroup::OnError::fail_group};
    parts.spawn("server", server_->run());
    parts.spawn("expiry", expire());
    parts.spawn("purge", purge());
    co_await parts.join();
  }
  std::uint16_t port() const override { return server_->port(); }

 private:
  awaitable<void> serve(std::unique_ptr<net::Link> link) {
    AgentSession session{loop_.get_executor(), platform_, settings_, switchboard_, std::move(link)};
    co_await session.run();
  }

  awaitable<void> expire() {
    co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
    co_await asio::this_coro::throw_if_cancelled(false);
    do {
      auto work = [&](store::Tx& tx) { return state::expire_commands(tx, platform_.clock.now()); };
      auto expired = co_await platform_.db.transact(std::string{store::kPlatform}, work);
      if (!expired) {
        log::warn("gateway", "cannot look for expired commands", {{"error", expired.error().text()}});
        continue;
      }
      for (const auto& [tenant, command] : *expired) {
        log::warn("gateway", "a command expired", {{"tenant", tenant}, {"command", command}});
        platform_.bus.publish(state::command_topic(tenant, command));
      }
      if (!expired->empty()) platform_.bus.publish(state::kJobsTopic);
    } while (co_await pause_for(kExpirySweep));
  }

  awaitable<void> purge() {
    co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
    co_await asio::this_coro::throw_if_cancelled(false);
    bool more = false;
    do {
      auto work = [&](store::Tx& tx) { return state::purge_commands(tx, platform_.clock.now() - micros(kKeepFinished)); };
      auto purged = co_await platform_.db.transact(std::string{store::kPlatform}, work);
      if (!purged) log::warn("gateway", "cannot purge old commands", {{"error", purged.error().text()}});
      more = purged && *purged == state::kPurgeBatch;
    } while (co_await pause_for(more ? Duration{kPurgePause} : Duration{kPurgeEvery}));
  }

  asio::io_context& loop_;
  Platform platform_;
  Settings settings_;
  Switchboard switchboard_;
  std::unique_ptr<Api> api_;
  std::unique_ptr<net::HttpServer> server_;
};

}  // namespace

Result<std::unique_ptr<Gateway>> make_gateway(asio::io_context& loop, Platform platform,
                                              const Settings& settings) {
  auto gateway = std::make_unique<GatewayRole>(loop, platform, settings);
  VMC_CHECK(gateway->bind());
  return std::unique_ptr<Gateway>{std::move(gateway)};
}

}  // namespace vmc::gateway
