#include <cstdlib>

#include <fmt/format.h>

#include "app/platform.hpp"
#include "app/secrets.hpp"
#include "cli/session.hpp"
#include "core/async.hpp"
#include "net/client.hpp"

namespace vmc::cli {

struct ApiClient::Impl {
  const Session& session;
  asio::io_context loop{1};
  // Remote.
  std::unique_ptr<net::HttpClient> http;
  crypto::Secret token;
  // Embedded.
  std::unique_ptr<app::Platform> platform;
  std::unique_ptr<gateway::Api> api;
  std::optional<Error> broken;

  explicit Impl(const Session& s) : session{s} {
    if (auto opened = session.gateway.empty() ? open_embedded() : open_remote(); !opened)
      broken = opened.error();
  }

  Result<void> open_remote() {
    VMC_TRY(address, net::parse_address(session.gateway));
    net::ClientTls settings;
    settings.authority_file = session.authority_file;
    VMC_TRY(tls, net::make_client_tls(settings));
    const auto resolve = app::make_secret_resolver();
    config::SecretRef reference{"env", "VMC_TOKEN"};
    if (!session.token_file.empty()) reference = {"file", session.token_file};
    auto secret = resolve(reference);
    if (!secret)
      return fail(Code::auth_failed, "no API token: " + secret.error().message,
                  "Create one with 'vmc token create' and pass it with --token-file or VMC_TOKEN.");
    token = std::move(*secret);
    http = net::make_http_client(loop, address, tls);
    return {};
  }

  Result<void> open_embedded() {
    app::PlatformSettings settings;
    if (!session.config.empty()) {
      VMC_TRY(config, app::load_config(session.config));
      settings = config.gateway_platform;
    }
    VMC_TRY(opened, app::open_platform(session.state_folder(), settings));
    platform = std::move(opened);
    api = gateway::make_api(loop, platform->for_gateway(), gateway::Settings{});
    return {};
  }

  awaitable<Result<net::Response>> send(net::Request request) {
    if (http) {
      request.headers.emplace_back("Authorization", "Bearer " + std::string{token.text()});
      co_return co_await http->send(std::move(request), std::chrono::seconds{90});
    }
    gateway::Caller caller;
    caller.tenant = session.tenant;
    caller.local = true;
    co_return co_await api->dispatch(std::move(request), std::move(caller));
  }
};

ApiClient::ApiClient(const Session& session) : impl_{std::make_unique<Impl>(session)} {}
ApiClient::~ApiClient() = default;

Result<Json> ApiClient::call(const std::string& method, const std::string& path, const Json* body,
                             const std::string& idempotency_key) {
  if (impl_->broken) return *impl_->broken;
  net::Request request;
  request.method = method;
  const auto question = path.find('?');
  request.path = path.substr(0, question);
  if (question != std::string::npos)
    for (std::size_t at = question + 1; at < path.size();) {
      const auto end = std::min(path.find('&', at), path.size());
      const auto pair = path.substr(at, end - at);
      const auto equals = pair.find('=');
      request.query[pair.substr(0, equals)] = equals == std::string::npos ? "" : pair.substr(equals + 1);
      at = end + 1;
    }
  if (body) {
    const auto text = body->dump();
    request.body.assign(text.begin(), text.end());
    request.headers.emplace_back("Content-Type", "application/json");
  }
  if (!idempotency_key.empty()) request.headers.emplace_back("Idempotency-Key", idempotency_key);
  std::optional<Result<net::Response>> response;
  std::exception_ptr broken;
  auto work = [&]() -> awaitable<void> { response = co_await impl_->send(std::move(request)); };
  impl_->loop.restart();
  asio::co_spawn(impl_->loop, work, [&](std::exception_ptr error) {
    broken = error;
    impl_->loop.stop();
  });
  impl_->loop.run();
  if (broken) std::rethrow_exception(broken);
  if (!*response) return response->error();
  if ((*response)->status >= 400) return net::error_from(**response);
  if ((*response)->body.empty()) return Json{};
  return parse_json(as_text((*response)->body), 64u << 20);
}

Result<void> ApiClient::ensure_tenant() {
  if (!impl_->session.gateway.empty() || impl_->session.tenant != "default") return {};
  auto made = post("/api/v1/tenants", {{"tenant", "default"}, {"name", "Default"}});
  if (!made && made.error().code != Code::conflict) return made.error();
  return {};
}

}  // namespace vmc::cli
