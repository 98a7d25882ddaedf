#include "net/tls.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include <fmt/format.h>

#include "core/bytes.hpp"
#include "core/text.hpp"
#include "net/tls_verify.hpp"

namespace vmc::net {
namespace {

struct FreeContext {
  void operator()(SSL_CTX* p) const { SSL_CTX_free(p); }
};
using ContextPtr = std::unique_ptr<SSL_CTX, FreeContext>;

class Context final : public TlsContext {
 public:
  explicit Context(ContextPtr native) : native_{std::move(native)} {}
  void* native() const override { return native_.get(); }
  std::vector<Pin> pins;

 private:
  ContextPtr native_;
};

// A key file that asks for a passphrase must fail, not read from the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

int select_http11(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                  unsigned int in_size, void*) {
  static constexpr unsigned char ours[] = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  const int found = SSL_select_next_proto(&chosen, out_size, ours, sizeof ours - 1, in, in_size);
  if (found != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_NOACK;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

Result<ContextPtr> make_context(const SSL_METHOD* method) {
  ContextPtr context{SSL_CTX_new(method)};
  if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) != 1)
    return fail(Code::internal, "the TLS library could not be initialised: " + last_tls_error());
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context.get(), 0);
  SSL_CTX_set_read_ahead(context.get(), 1);  // header and body of a record with one recv
  SSL_CTX_set_default_passwd_cb(context.get(), no_passphrase);
  return context;
}

Result<void> check_readable(const std::string& path, std::string_view what) {
  if (path.empty()) return fail(Code::invalid_request, fmt::format("no {} file is configured", what));
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr)
    return fail(Code::invalid_request, fmt::format("{} file {}: {}", what, path, std::strerror(errno)));
  std::fclose(file);
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored))
    return fail(Code::invalid_request, fmt::format("{} file {} is not a file", what, path));
  return {};
}

Result<void> check_validity(SSL_CTX* context, const std::string& path) {
  const X509* leaf = SSL_CTX_get0_certificate(context);
  if (X509_cmp_current_time(X509_get0_notAfter(leaf)) < 0)
    return fail(Code::invalid_request,
                fmt::format("certificate file {} expired on {}", path, time_text(X509_get0_notAfter(leaf))),
                "Put a valid certificate there.");
  if (X509_cmp_current_time(X509_get0_notBefore(leaf)) > 0)
    return fail(
        Code::invalid_request,
        fmt::format("certificate file {} is not valid before {}", path, time_text(X509_get0_notBefore(leaf))),
        "Check the machine's clock.");
  return {};
}

Result<std::vector<Pin>> parse_pins(const std::string& text) {
  std::vector<Pin> pins;
  for (const auto& part : split(text, ',')) {
    const auto bytes = from_base64(trim(part));
    Pin pin;
    if (!bytes || bytes->size() != pin.size())
      return fail(Code::invalid_request, "a pin is not the base64 of a SHA-256 (44 characters)");
    std::copy(bytes->begin(), bytes->end(), pin.begin());
    pins.push_back(pin);
  }
  if (pins.size() > 2) return fail(Code::invalid_request, "at most two pins (one and a backup) can be given");
  return pins;
}

}  // namespace

Result<std::shared_ptr<TlsContext>> make_server_tls(const ServerTls& settings) {
  VMC_CHECK(check_readable(settings.certificate_file, "certificate"));
  VMC_CHECK(check_readable(settings.private_key_file, "private key"));
  VMC_TRY(context, make_context(TLS_server_method()));
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(context.get(), settings.certificate_file.c_str()) != 1)
    return fail(Code::invalid_request, fmt::format("certificate file {} holds no usable PEM certificate ({})",
                                                   settings.certificate_file, last_tls_error()));
  // Checks as well that the key fits the certificate loaded before.
  if (SSL_CTX_use_PrivateKey_file(context.get(), settings.private_key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    const bool mismatch = ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH ||
                          ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_TYPE_MISMATCH;
    if (mismatch)
      return fail(Code::invalid_request, fmt::format("private key file {} does not fit certificate file {}",
                                                     settings.private_key_file, settings.certificate_file));
    return fail(Code::invalid_request,
                fmt::format("private key file {} holds no usable PEM key without passphrase ({})",
                            settings.private_key_file, last_tls_error()));
  }
  VMC_CHECK(check_validity(context.get(), settings.certificate_file));
  SSL_CTX_set_alpn_select_cb(context.get(), select_http11, nullptr);
  return std::shared_ptr<TlsContext>{std::make_shared<Context>(std::move(context))};
}

Result<std::shared_ptr<TlsContext>> make_client_tls(const ClientTls& settings) {
  if (!settings.authority_file.empty() && !settings.pin_sha256.empty())
    return fail(Code::invalid_request, "a custom authority and a pin exclude each other; give one of them");
  VMC_TRY(context, make_context(TLS_client_method()));
  auto made = std::make_shared<Context>(std::move(context));
  auto* native = static_cast<SSL_CTX*>(made->native());
  ERR_clear_error();
  if (!settings.pin_sha256.empty()) {
    VMC_TRY(pins, parse_pins(settings.pin_sha256));
    made->pins = std::move(pins);
  } else if (!settings.authority_file.empty()) {
    VMC_CHECK(check_readable(settings.authority_file, "authority"));
    if (SSL_CTX_load_verify_file(native, settings.authority_file.c_str()) != 1)
      return fail(Code::invalid_request, fmt::format("authority file {} holds no usable PEM certificate ({})",
                                                     settings.authority_file, last_tls_error()));
  } else if (SSL_CTX_set_default_verify_paths(native) != 1) {
    return fail(Code::invalid_request,
                "the system's certificate authorities cannot be read: " + last_tls_error());
  }
  SSL_CTX_set_verify(native, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(native, verify_server, &made->pins);
  return std::shared_ptr<TlsContext>{std::move(made)};
}

}  // namespace vmc::net
