// Judging a server's certificate and saying in words why it was refused.
#pragma once

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>
#include <cstdint>
#include <string>

namespace vmc::net {

using Pin = std::array<std::uint8_t, 32>;

// SSL_CTX_set_cert_verify_callback; `pins` is a std::vector<Pin>*: when it holds any, only they decide.
// A refusal is explained in the std::string that SSL_set_app_data() names, if any.
int verify_server(X509_STORE_CTX* chain, void* pins);

std::string time_text(const ASN1_TIME* time);  // "2026-01-31 12:00:00 UTC"
std::string last_tls_error();                  // the newest entry of OpenSSL's error queue; empties it

}  // namespace vmc::net
