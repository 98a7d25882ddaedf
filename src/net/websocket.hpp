// Turning an established TLS stream into a Link, on either side.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/async.hpp"
#include "net/link.hpp"
#include "net/tls_stream.hpp"

namespace vmc::net {

// A GET that asks for the upgrade, as the HTTP server read it.
struct UpgradeRequest {
  std::string target;
  std::vector<std::pair<std::string, std::string>> headers;
};

// The server's side; the caller has checked path and subprotocol. The error is for the log.
awaitable<Result<std::unique_ptr<Link>>> accept_link(std::unique_ptr<TlsStream> stream,
                                                     UpgradeRequest request, std::string subprotocol,
                                                     LinkLimits limits, Steady::time_point deadline);

// The client's side. UNAVAILABLE names the HTTP status when the upgrade is refused.
awaitable<Result<std::unique_ptr<Link>>> open_link(std::unique_ptr<TlsStream> stream, std::string host,
                                                   std::string target, std::string subprotocol,
                                                   LinkLimits limits, Steady::time_point deadline);

}  // namespace vmc::net
