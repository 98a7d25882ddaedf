// TLS policy: one for WebSocket and HTTPS alike. TLS 1.3 only.
#pragma once

#include <memory>
#include <string>

#include "core/result.hpp"

namespace vmc::net {

struct ServerTls {
  std::string certificate_file;    // PEM chain, leaf first
  std::string private_key_file;    // PEM
};

// Trust modes exclude each other: the system's authorities, a custom authority, or pins.
struct ClientTls {
  std::string authority_file;      // custom CA, PEM; empty: the system's
  std::string pin_sha256;          // base64 of SHA-256 over SubjectPublicKeyInfo, and ",backup"; empty: none
};

// A configured OpenSSL context; shared by all connections of a server or client.
class TlsContext {
 public:
  virtual ~TlsContext() = default;
  virtual void* native() const = 0;  // SSL_CTX*
};

// INVALID_REQUEST names the file and what is wrong with it (missing, unreadable, key does not fit, expired).
Result<std::shared_ptr<TlsContext>> make_server_tls(const ServerTls& settings);
Result<std::shared_ptr<TlsContext>> make_client_tls(const ClientTls& settings);

}  // namespace vmc::net
