#include "net/tls_verify.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <memory>
#include <vector>

#include <fmt/format.h>

#include "core/bytes.hpp"

namespace vmc::net {
namespace {

constexpr std::size_t kNamesShownMax = 8;

std::string printable(std::string_view text) {
  std::string out;
  for (char c : text.substr(0, 120)) out += (c >= 0x20 && c < 0x7f) ? c : '?';
  return out;
}

std::string name_text(const X509_NAME* name) {
  if (name == nullptr) return "an unnamed authority";
  char* line = X509_NAME_oneline(name, nullptr, 0);
  if (line == nullptr) return "an unnamed authority";
  const std::unique_ptr<char, void (*)(char*)> owner{line, [](char* p) { OPENSSL_free(p); }};
  return printable(line);
}

std::string address_text(const ASN1_OCTET_STRING* address) {
  const auto* bytes = ASN1_STRING_get0_data(address);
  const int size = ASN1_STRING_length(address);
  if (size == 4) return fmt::format("{}.{}.{}.{}", bytes[0], bytes[1], bytes[2], bytes[3]);
  std::string text;
  for (int i = 0; i + 1 < size; i += 2)
    text += fmt::format("{}{:x}", i ? ":" : "", bytes[i] * 256 + bytes[i + 1]);
  return text;
}

// The names a certificate is for, from its subjectAltName.
std::string subject_names(X509* certificate) {
  auto* names =
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  if (names == nullptr) return "no name at all";
  std::string text;
  const int count = std::min<int>(sk_GENERAL_NAME_num(names), kNamesShownMax);
  for (int i = 0; i < count; ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    std::string one;
    if (name->type == GEN_DNS)
      one = printable(as_text({ASN1_STRING_get0_data(name->d.dNSName),
                               static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName))}));
    else if (name->type == GEN_IPADD)
      one = address_text(name->d.iPAddress);
    if (!one.empty()) text += (text.empty() ? "" : ", ") + one;
  }
  GENERAL_NAMES_free(names);
  return text.empty() ? "no name at all" : text;
}

bool pinned(X509* leaf, const std::vector<Pin>& pins, Pin& actual) {
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &der);
  if (size <= 0) return false;
  EVP_Digest(der, static_cast<std::size_t>(size), actual.data(), nullptr, EVP_sha256(), nullptr);
  OPENSSL_free(der);
  return std::find(pins.begin(), pins.end(), actual) != pins.end();
}

std::string explain(X509_STORE_CTX* chain, X509* leaf) {
  X509* current = X509_STORE_CTX_get_current_cert(chain);
  if (current == nullptr) current = leaf;
  const char* whose = current == leaf ? "the server's certificate" : "an authority's certificate";
  const int error = X509_STORE_CTX_get_error(chain);
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return fmt::format("{} expired on {}", whose, time_text(X509_get0_notAfter(current)));
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return fmt::format("{} is not valid before {}; is the clock right?", whose,
                         time_text(X509_get0_notBefore(current)));
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "the server's certificate is for another host: it names " + subject_names(leaf);
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_CERT_UNTRUSTED:
      return fmt::format("the server's certificate is signed by an authority that is not trusted here: {}",
                         name_text(X509_get_issuer_name(current)));
    default:
      return fmt::format("{} was refused: {}", whose, X509_verify_cert_error_string(error));
  }
}

}  // namespace

int verify_server(X509_STORE_CTX* chain, void* argument) {
  const auto& pins = *static_cast<const std::vector<Pin>*>(argument);
  auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* explanation = static_cast<std::string*>(SSL_get_app_data(ssl));
  X509* leaf = X509_STORE_CTX_get0_cert(chain);
  std::string text;
  if (pins.empty()) {
    if (X509_verify_cert(chain) == 1) return 1;
    text = explain(chain, leaf);
  } else {
    Pin actual{};
    if (pinned(leaf, pins, actual)) {
      X509_STORE_CTX_set_error(chain, X509_V_OK);
      return 1;
    }
    X509_STORE_CTX_set_error(chain, X509_V_ERR_APPLICATION_VERIFICATION);
    text = fmt::format("the server's key is not the pinned one (its SHA-256 is {}, certificate signed by {})",
                       to_base64(actual), name_text(X509_get_issuer_name(leaf)));
  }
  if (explanation != nullptr) *explanation = std::move(text);
  return 0;
}

std::string time_text(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return "an unreadable date";
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

std::string last_tls_error() {
  const auto error = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = ERR_reason_error_string(error);
  return reason != nullptr ? reason : "unknown reason";
}

}  // namespace vmc::net
