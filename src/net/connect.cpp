#include "net/connect.hpp"

#include <fmt/format.h>

namespace vmc::net {
namespace {

using Endpoints = std::vector<tcp::endpoint>;

constexpr std::size_t kEndpointsMax = 8;

// Shared with the resolver's thread, which cannot be interrupted: it may answer when nobody waits any more.
struct Lookup {
  explicit Lookup(const asio::any_io_executor& loop) : resolver{loop}, answered{loop} {}
  tcp::resolver resolver;
  asio::steady_timer answered;
  bool done = false;
  error_code error;
  Endpoints endpoints;
};

awaitable<Result<Endpoints>> resolve(const Address& address, Steady::time_point deadline) {
  error_code not_numeric;
  const auto numeric = asio::ip::make_address(address.host, not_numeric);
  if (!not_numeric) co_return Endpoints{tcp::endpoint{numeric, address.port}};

  const auto lookup = std::make_shared<Lookup>(co_await asio::this_coro::executor);
  lookup->answered.expires_at(deadline);
  auto keep = [lookup](error_code error, const tcp::resolver::results_type& results) {
    lookup->done = true;
    lookup->error = error;
    for (const auto& entry : results)
      if (lookup->endpoints.size() < kEndpointsMax) lookup->endpoints.push_back(entry.endpoint());
    lookup->answered.cancel();
  };
  lookup->resolver.async_resolve(address.host, std::to_string(address.port), tcp::resolver::numeric_service,
                                 std::move(keep));
  const auto [waited] = co_await lookup->answered.async_wait(as_tuple_awaitable);
  if (!lookup->done) {
    lookup->resolver.cancel();
    if (waited) co_return fail(Code::cancelled, "connecting was cancelled");
    co_return fail(Code::unavailable, fmt::format("the name {} could not be resolved in time", address.host),
                   "Check the name server.");
  }
  if (lookup->error || lookup->endpoints.empty())
    co_return fail(Code::unavailable,
                   fmt::format("the name {} does not resolve: {}", address.host, lookup->error.message()),
                   "Check the host name and the name server.");
  co_return std::move(lookup->endpoints);
}

// Shared with a timer that may already be queued when the attempt is over.
struct Attempt {
  explicit Attempt(const asio::any_io_executor& loop) : socket{loop}, timer{loop} {}
  tcp::socket socket;
  asio::steady_timer timer;
  bool over = false;
  bool late = false;
};

struct Connected {
  tcp::socket socket;
  error_code error;
};

awaitable<Connected> connect_tcp(tcp::endpoint endpoint, Steady::time_point deadline) {
  const auto attempt = std::make_shared<Attempt>(co_await asio::this_coro::executor);
  attempt->timer.expires_at(deadline);
  attempt->timer.async_wait([attempt](error_code error) {
    if (error || attempt->over) return;
    attempt->late = true;
    error_code ignored;
    attempt->socket.close(ignored);
  });
  auto [error] = co_await attempt->socket.async_connect(endpoint, as_tuple_awaitable);
  attempt->over = true;
  attempt->timer.cancel();
  if (attempt->late) error = asio::error::timed_out;
  co_return Connected{std::move(attempt->socket), error};
}

Error tcp_failure(const Address& address, const tcp::endpoint& endpoint, error_code error) {
  const std::string where = address.host == endpoint.address().to_string()
                                ? place(address)
                                : fmt::format("{} ({})", place(address), endpoint.address().to_string());
  if (error == asio::error::connection_refused)
    return fail(Code::unavailable, fmt::format("port closed: nothing listens at {}", where),
                "Check the port and that the server runs.");
  if (error == asio::error::timed_out)
    return fail(Code::unavailable, fmt::format("no answer from {} in time", where),
                "Check the firewall between here and there.");
  return fail(Code::unavailable, fmt::format("cannot connect to {}: {}", where, error.message()));
}

}  // namespace

std::string host_header(const Address& address) {
  const bool v6 = address.host.find(':') != std::string::npos;
  const std::string host = v6 ? "[" + address.host + "]" : address.host;
  return address.port == 443 ? host : fmt::format("{}:{}", host, address.port);
}

std::string place(const Address& address) {
  const bool v6 = address.host.find(':') != std::string::npos;
  return fmt::format(fmt::runtime(v6 ? "[{}]:{}" : "{}:{}"), address.host, address.port);
}

awaitable<Result<std::unique_ptr<TlsStream>>> connect_tls(Address address,
                                                          std::shared_ptr<TlsContext> context,
                                                          Steady::time_point deadline) {
  auto endpoints = co_await resolve(address, deadline);
  if (!endpoints) co_return endpoints.error();

  Error failure;
  for (std::size_t i = 0; i < endpoints->size(); ++i) {
    // A dead first address (often IPv6) must leave time for the next.
    const auto left = deadline - Steady::now();
    const auto until = Steady::now() + left / static_cast<int>(endpoints->size() - i);
    auto connected = co_await connect_tcp((*endpoints)[i], until);
    if (connected.error == asio::error::operation_aborted)
      co_return fail(Code::cancelled, "connecting was cancelled");
    if (connected.error) {
      failure = tcp_failure(address, (*endpoints)[i], connected.error);
      continue;
    }
    auto stream = std::make_unique<TlsStream>(std::move(connected.socket), context, TlsStream::Role::client);
    stream->limit_read_until(deadline);
    const auto error = co_await stream->handshake(address.host);
    if (error == asio::error::operation_aborted) co_return fail(Code::cancelled, "connecting was cancelled");
    if (error)
      co_return fail(Code::unavailable, fmt::format("{}: {}", place(address), stream->diagnosis(error)));
    stream->lift_limits();
    co_return std::move(stream);
  }
  co_return failure;
}

}  // namespace vmc::net
