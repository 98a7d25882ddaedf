#include "crypto/certificate.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <openssl/ec.h>
#include <openssl/pem.h>

#include "crypto/hash.hpp"
#include "crypto/openssl_handle.hpp"

namespace vmc::crypto {
namespace {

constexpr std::size_t kNamesMax = 100;

// A DNS name of letters, digits and hyphens, "*" only as the whole first label.
bool is_dns_name(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  if (name.starts_with("*.")) name.remove_prefix(2);
  std::size_t label = 0;
  for (std::size_t i = 0; i <= name.size(); ++i) {
    if (i == name.size() || name[i] == '.') {
      if (label == 0 || label > 63 || name[i - 1] == '-') return false;
      label = 0;
      continue;
    }
    const char c = name[i];
    const bool ok =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c == '-' && label > 0);
    if (!ok) return false;
    ++label;
  }
  return true;
}

Bytes ip_bytes(const std::string& name) {
  std::array<std::uint8_t, 16> address{};
  if (inet_pton(AF_INET, name.c_str(), address.data()) == 1) return {address.begin(), address.begin() + 4};
  if (inet_pton(AF_INET6, name.c_str(), address.data()) == 1) return {address.begin(), address.end()};
  return {};
}

void add_name(GENERAL_NAMES& names, const std::string& name) {
  using Text = Handle<ASN1_STRING, ASN1_STRING_free>;
  const auto ip = ip_bytes(name);
  Text text{ASN1_STRING_type_new(ip.empty() ? V_ASN1_IA5STRING : V_ASN1_OCTET_STRING)};
  const ByteView value = ip.empty() ? as_bytes(name) : ByteView{ip};
  must(text && ASN1_STRING_set(text.get(), value.data(), static_cast<int>(value.size())) == 1, "name");
  Handle<GENERAL_NAME, GENERAL_NAME_free> entry{GENERAL_NAME_new()};
  must(entry != nullptr, "name");
  GENERAL_NAME_set0_value(entry.get(), ip.empty() ? GEN_DNS : GEN_IPADD, text.release());
  must(sk_GENERAL_NAME_push(&names, entry.get()) > 0, "name");
  (void)entry.release();
}

void add_alternative_names(X509& certificate, const std::vector<std::string>& names) {
  const Handle<GENERAL_NAMES, GENERAL_NAMES_free> list{GENERAL_NAMES_new()};
  must(list != nullptr, "names");
  for (const auto& name : names) add_name(*list, name);
  must(X509_add1_ext_i2d(&certificate, NID_subject_alt_name, list.get(), 0, 0) == 1, "subjectAltName");
}

void add_extension(X509& certificate, X509& issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, &issuer, &certificate, nullptr, nullptr, 0);
  const Handle<X509_EXTENSION, X509_EXTENSION_free> extension{
      X509V3_EXT_conf_nid(nullptr, &context, nid, value)};
  must(extension && X509_add_ext(&certificate, extension.get(), -1) == 1, "certificate extension");
}

void set_serial(X509& certificate) {
  auto bytes = random_bytes(16);
  bytes[0] = static_cast<std::uint8_t>((bytes[0] & 0x7f) | 0x40);  // positive and never short
  const Handle<BIGNUM, BN_free> number{BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr)};
  must(number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(&certificate)), "serial number");
}

Certificate blank(const CertificateRequest& request, EVP_PKEY& key, const std::string& common_name) {
  Certificate certificate{X509_new()};
  must(certificate != nullptr, "certificate");
  auto& c = *certificate;
  set_serial(c);
  const auto* text = reinterpret_cast<const unsigned char*>(common_name.c_str());
  must(X509_set_version(&c, X509_VERSION_3) == 1 && X509_set_pubkey(&c, &key) == 1 &&
           ASN1_TIME_set(X509_getm_notBefore(&c), request.not_before / 1'000'000) &&
           ASN1_TIME_set(X509_getm_notAfter(&c), request.not_after / 1'000'000) &&
           X509_NAME_add_entry_by_txt(X509_get_subject_name(&c), "CN", MBSTRING_UTF8, text, -1, -1, 0) == 1,
       "certificate");
  return certificate;
}

void sign_with(X509& certificate, X509& issuer, EVP_PKEY& issuer_key) {
  must(X509_set_issuer_name(&certificate, X509_get_subject_name(&issuer)) == 1, "issuer");
  add_extension(certificate, issuer, NID_subject_key_identifier, "hash");
  add_extension(certificate, issuer, NID_authority_key_identifier, "keyid:always");
  must(X509_sign(&certificate, &issuer_key, EVP_sha256()) > 0, "certificate signature");
}

template <class Write>
std::string to_pem(Write write) {
  const Handle<BIO, BIO_free_all> out{BIO_new(BIO_s_secmem())};
  must(out && write(out.get()) == 1, "PEM");
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}
std::string pem_of(X509& certificate) {
  return to_pem([&](BIO* out) { return PEM_write_bio_X509(out, &certificate); });
}
std::string pem_of(EVP_PKEY& key) {
  return to_pem(
      [&](BIO* out) { return PEM_write_bio_PrivateKey(out, &key, nullptr, nullptr, 0, nullptr, nullptr); });
}

Result<void> check(const CertificateRequest& request) {
  if (request.names.empty() || request.names.size() > kNamesMax)
    return fail(Code::invalid_request, fmt::format("a certificate needs 1 to {} names", kNamesMax));
  for (const auto& name : request.names)
    if (ip_bytes(name).empty() && !is_dns_name(name))
      return fail(Code::invalid_request, fmt::format("'{}' is neither a DNS name nor an IP address", name));
  if (request.not_before >= request.not_after)
    return fail(Code::invalid_request, "the certificate would end before it begins");
  return {};
}

}  // namespace

Result<CertificateFiles> make_certificate(const CertificateRequest& request) {
  VMC_CHECK(check(request));
  const Key authority_key{EVP_EC_gen("P-256")}, key{EVP_EC_gen("P-256")};
  must(authority_key && key, "P-256 key");

  const auto authority = blank(request, *authority_key, "vmc authority " + to_hex(random_bytes(4)));
  add_extension(*authority, *authority, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  add_extension(*authority, *authority, NID_key_usage, "critical,keyCertSign,cRLSign");
  sign_with(*authority, *authority, *authority_key);

  // A common name holds 64 characters; clients look at subjectAltName only.
  const auto certificate = blank(request, *key, request.names.front().substr(0, 64));
  add_extension(*certificate, *authority, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(*certificate, *authority, NID_key_usage, "critical,digitalSignature");
  add_extension(*certificate, *authority, NID_ext_key_usage, "serverAuth");
  add_alternative_names(*certificate, request.names);
  sign_with(*certificate, *authority, *authority_key);

  auto authority_pem = pem_of(*authority);
  auto chain = pem_of(*certificate) + authority_pem;
  return CertificateFiles{std::move(authority_pem), std::move(chain), pem_of(*key)};
}

}  // namespace vmc::crypto
