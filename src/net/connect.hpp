// From a name to an established TLS stream, within one deadline, with a diagnosis of what failed.
#pragma once

#include <memory>

#include "core/async.hpp"
#include "core/result.hpp"
#include "net/client.hpp"
#include "net/tls_stream.hpp"

namespace vmc::net {

std::string host_header(const Address& address);  // "host", "host:8443", "[::1]:8443"
std::string place(const Address& address);        // "host:8443", for messages

// UNAVAILABLE says which step failed: the name, the port, or TLS (and what is wrong with the certificate).
awaitable<Result<std::unique_ptr<TlsStream>>> connect_tls(Address address,
                                                          std::shared_ptr<TlsContext> context,
                                                          Steady::time_point deadline);

}  // namespace vmc::net
