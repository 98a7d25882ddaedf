// The client side: connect a Link, send HTTPS requests over kept-alive connections.
// A diagnosis says what failed: name, port, TLS (and whose certificate), upgrade.
#pragma once

#include <memory>
#include <string>

#include "net/http.hpp"
#include "net/link.hpp"
#include "net/tls.hpp"

namespace vmc::net {

struct Address {
  std::string host;
  std::uint16_t port = 443;
  std::string path = "/";
};
// "wss://host[:port]/path" or "https://…"; INVALID_REQUEST for anything else (plain ws and http included).
Result<Address> parse_address(std::string_view url);

struct ConnectSettings {
  Duration timeout = std::chrono::seconds{10};   // name, TCP, TLS and upgrade together
  LinkLimits link;
};

awaitable<Result<std::unique_ptr<Link>>> connect_link(Address address, std::string subprotocol,
                                                      std::shared_ptr<TlsContext> tls, ConnectSettings settings);

// A pool of kept-alive HTTPS connections to one host, on one loop. Only host and port of the address count:
// each request names its whole path.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  // Any HTTP status is a value; UNAVAILABLE when no answer came. A request on a kept-alive connection that
  // turns out closed is sent again on a new one when nothing of the answer had arrived and method is GET, HEAD or PUT.
  // CANCELLED when the caller was told to stop.
  virtual awaitable<Result<Response>> send(Request request, Duration timeout) = 0;
};

struct HttpClientSettings {
  std::size_t idle_connections = 4;
  std::size_t response_max = 16u << 20;
  Duration connect_timeout = std::chrono::seconds{10};
};
std::unique_ptr<HttpClient> make_http_client(asio::io_context& loop, Address address, std::shared_ptr<TlsContext> tls,
                                             HttpClientSettings settings = {});

}  // namespace vmc::net
