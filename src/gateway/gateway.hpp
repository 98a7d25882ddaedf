// The gateway role: WebSocket endpoint for agents, chunk buffer, REST API.
// Everything runs on one loop; state, objects and bus outlive it.
#pragma once

#include <memory>
#include <string>

#include "core/clock.hpp"
#include "core/config.hpp"
#include "core/offload.hpp"
#include "crypto/secret.hpp"
#include "net/http_server.hpp"
#include "store/bus.hpp"
#include "store/database.hpp"
#include "store/objects.hpp"

namespace vmc::gateway {

struct Settings {
  std::string listen = "127.0.0.1:8443";
  std::string certificate_file;  // empty: made at first start in the state folder
  std::string private_key_file;
  Duration heartbeat_timeout = std::chrono::seconds{90};
  Duration command_ttl = std::chrono::hours{4};
  Duration sweep = std::chrono::seconds{1};  // finds what a lost wake-up left lying
  Duration authentication_timeout = std::chrono::seconds{10};
  Duration grace = std::chrono::seconds{10};  // of a drain
};
Settings read_settings(config::Table table);  // [gateway]; state, objects and bus are read by app/

// What a gateway works with. References outlive it.
struct Platform {
  store::Database& db;
  store::Objects& objects;
  store::Bus& bus;
  Pool& cpu;
  const crypto::Secret& master_key;
  const Clock& clock;
};

// Who makes a request: a token's tenant, or the owner of the state folder on this machine.
struct Caller {
  std::string tenant;
  bool local = false;  // may also create tenants
  std::string token_id{};  // of who comes over the network
  crypto::Secret token{};
};

// The REST API. One table serves HTTPS (with bearer tokens) and the local command line (without a network).
class Api {
 public:
  virtual ~Api() = default;
  virtual std::vector<net::Route> routes() = 0;  // authenticate, then dispatch
  virtual awaitable<net::Response> dispatch(net::Request request, Caller caller) = 0;
};
class Switchboard;
std::unique_ptr<Api> make_api(asio::io_context& loop, Platform platform, const Settings& settings);
// Within a gateway, whose sessions hear of its commands at once.
std::unique_ptr<Api> make_api(asio::io_context& loop, Platform platform, const Settings& settings,
                              Switchboard& switchboard);

class Gateway {
 public:
  virtual ~Gateway() = default;
  // Until cancelled: total drains (agents are told, requests finish), terminal stops now.
  virtual awaitable<void> run() = 0;
  virtual std::uint16_t port() const = 0;  // bound when made
};
// UNAVAILABLE when the port is taken, INVALID_REQUEST for a bad certificate.
Result<std::unique_ptr<Gateway>> make_gateway(asio::io_context& loop, Platform platform,
                                              const Settings& settings);

}  // namespace vmc::gateway
