#include "crypto/hash.hpp"

#include <sys/random.h>

#include <cerrno>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/params.h>

#include "crypto/openssl_handle.hpp"

namespace vmc::crypto {
namespace {

// OpenSSL takes parameters as non-const and refuses null even for an empty value.
OSSL_PARAM octets(const char* name, ByteView value) {
  static std::uint8_t empty = 0;
  auto* data = value.empty() ? &empty : const_cast<std::uint8_t*>(value.data());
  return OSSL_PARAM_construct_octet_string(name, data, value.size());
}

// Fetched once: looking an algorithm up costs more than a short text does.
const EVP_MD* sha256_algorithm() {
  static EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  must(algorithm != nullptr, "SHA-256");
  return algorithm;
}
EVP_KDF* hkdf_algorithm() {
  static EVP_KDF* const algorithm = EVP_KDF_fetch(nullptr, "HKDF", nullptr);
  must(algorithm != nullptr, "HKDF");
  return algorithm;
}

}  // namespace

Digest sha256(ByteView bytes) {
  Digest out;
  must(EVP_Digest(bytes.data(), bytes.size(), out.data(), nullptr, sha256_algorithm(), nullptr) == 1, "SHA-256");
  return out;
}

Digest hmac_sha256(ByteView key, ByteView message) {
  static constexpr std::uint8_t empty = 0;  // OpenSSL takes a null key for "the key of before"
  Digest out;
  must(HMAC(sha256_algorithm(), key.empty() ? &empty : key.data(), static_cast<int>(key.size()), message.data(),
            message.size(), out.data(), nullptr) != nullptr,
       "HMAC");
  return out;
}

Bytes hkdf_sha256(ByteView secret, ByteView salt, std::string_view purpose, std::size_t size) {
  const KdfContext context{EVP_KDF_CTX_new(hkdf_algorithm())};
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
      octets(OSSL_KDF_PARAM_KEY, secret),
      octets(OSSL_KDF_PARAM_SALT, salt),
      octets(OSSL_KDF_PARAM_INFO, as_bytes(purpose)),
      OSSL_PARAM_construct_end(),
  };
  Bytes out(size);
  must(context && EVP_KDF_derive(context.get(), out.data(), out.size(), parameters) == 1, "HKDF");
  return out;
}

Bytes pbkdf2_sha256(ByteView secret, ByteView salt, unsigned iterations, std::size_t size) {
  Bytes out(size);
  must(PKCS5_PBKDF2_HMAC(reinterpret_cast<const char*>(secret.data()), static_cast<int>(secret.size()),
                         salt.data(), static_cast<int>(salt.size()), static_cast<int>(iterations),
                         sha256_algorithm(), static_cast<int>(size), out.data()) == 1,
       "PBKDF2");
  return out;
}

bool equal_constant_time(ByteView a, ByteView b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void random_bytes(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    const auto got = getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) throw std::runtime_error{"getrandom failed"};
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

Bytes random_bytes(std::size_t size) {
  Bytes out(size);
  random_bytes(std::span{out});
  return out;
}

}  // namespace vmc::crypto
