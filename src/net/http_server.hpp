// The HTTPS server: TLS, keep-alive, a route table, and the WebSocket upgrade.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/http.hpp"
#include "net/link.hpp"
#include "net/tls.hpp"

namespace vmc::net {

using Handler = std::function<awaitable<Response>(Request)>;   // must outlive the server

struct Route {
  std::string method;
  std::string pattern;              // "/api/v1/executions/{id}"
  std::size_t body_max = 1u << 20;  // INVALID_REQUEST (413) above
  Handler handler;
  std::string summary;              // for OpenAPI
};

struct ServerSettings {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8443;                     // 0: the system chooses
  Duration handshake_timeout = std::chrono::seconds{10};   // TCP accept to first request
  Duration idle_timeout = std::chrono::seconds{75};
  Duration body_timeout = std::chrono::seconds{60};        // for each MiB begun, in either direction
  std::size_t connections_max = 10'000;
  std::size_t header_bytes = 8192;
  LinkLimits link;
};

// Takes over an upgraded connection; returns when the session is over.
using LinkHandler = std::function<awaitable<void>(std::unique_ptr<Link>)>;

class HttpServer {
 public:
  virtual ~HttpServer() = default;
  // Accepts until cancelled; total cancellation stops accepting and lets requests and sessions finish.
  virtual awaitable<void> run() = 0;
  virtual std::uint16_t port() const = 0;        // bound when the server is made
};

// Binds at once (UNAVAILABLE when the port is taken). WebSocket upgrades on `link_path` with subprotocol
// `subprotocol` go to `on_link`; any other subprotocol is refused.
Result<std::unique_ptr<HttpServer>> make_http_server(asio::io_context& loop, const ServerSettings& settings,
                                                     std::shared_ptr<TlsContext> tls, std::vector<Route> routes,
                                                     std::string link_path, std::string subprotocol,
                                                     LinkHandler on_link);

}  // namespace vmc::net
