// What the tests of this folder share: certificates made on the spot, a loop with a ceiling, a running
// server.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "core/task_group.hpp"
#include "net/client.hpp"
#include "net/http_server.hpp"
#include "net/tls_stream.hpp"

namespace vmc::net::test {

// A directory with: authority.pem, server.pem/.key (localhost, 127.0.0.1), other_host.pem
// (elsewhere.example), expired.pem (2001), all with server.key and signed by the authority; stranger.pem/.key
// by another one.
const std::filesystem::path& certificates();
std::string file(const char* name);

std::shared_ptr<TlsContext> server_tls(const char* certificate = "server.pem",
                                       const char* key = "server.key");
std::shared_ptr<TlsContext> client_tls(const char* authority = "authority.pem");
// A server context that presents what make_server_tls() would refuse (an expired certificate).
std::shared_ptr<TlsContext> careless_server_tls(const char* certificate);
std::string pin_of(const char* certificate);

// Runs the coroutine on a loop of its own; throws what it throws, or when it takes longer than 30 s.
void on_loop(std::function<awaitable<void>(asio::io_context&)> body);

// Catch2 prints what it compares, and cannot print a Result.
template <class T>
bool ok(const T& result) {
  return static_cast<bool>(result);
}

inline const ConnectSettings kConnect{};

ServerSettings any_port();

// A server around `body`: started before, cancelled and joined after it, whatever happens.
struct Setup {
  ServerSettings settings = any_port();
  std::shared_ptr<TlsContext> tls;  // server_tls() when empty
  std::vector<Route> routes;
  LinkHandler on_link;  // echo when empty
};
struct Running {
  asio::io_context& loop;
  HttpServer& server;
  TaskGroup& tasks;  // holds the server; more may be spawned
  Address address;
};
void with_server(Setup setup, std::function<awaitable<void>(Running&)> body);

awaitable<void> echo(std::unique_ptr<Link> link);
awaitable<Result<std::unique_ptr<Link>>> open(Running& on, std::size_t message_max = 4u << 20);
awaitable<tcp::socket> raw_connection(std::uint16_t port);
awaitable<std::unique_ptr<TlsStream>> tls_connection(std::uint16_t port);
// Sends `text` over TLS and returns all that comes back until the server closes.
awaitable<std::string> dialogue(std::uint16_t port, std::string text);
awaitable<std::string> read_until(TlsStream& stream, std::string end);
awaitable<void> send_text(TlsStream& stream, std::string text);

}  // namespace vmc::net::test
