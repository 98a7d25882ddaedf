#include "crypto/aead.hpp"

#include <climits>

#include "crypto/hash.hpp"
#include "crypto/openssl_handle.hpp"
#include "crypto/secret.hpp"

namespace vmc::crypto {
namespace {

constexpr std::size_t kIvSize = 12;
constexpr std::size_t kTagSize = 16;

void check_key(ByteView key) {
  if (key.size() != kKeySize) throw std::invalid_argument{"an AES-256 key has 32 bytes"};
}

// Fetched once: looking an algorithm up costs more than a short text does.
const EVP_CIPHER* aes_256_gcm() {
  static EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  must(cipher != nullptr, "AES-GCM");
  return cipher;
}

CipherContext new_context() {
  CipherContext context{EVP_CIPHER_CTX_new()};
  must(context != nullptr, "cipher context");
  return context;
}

}  // namespace

Bytes seal(ByteView key, ByteView associated, ByteView plain) {
  check_key(key);
  if (plain.size() > INT_MAX - kSealOverhead || associated.size() > INT_MAX)
    throw std::length_error{"too long for one seal"};
  Bytes out(kSealOverhead + plain.size());
  random_bytes(std::span{out}.first(kIvSize));
  std::uint8_t* cipher = out.data() + kIvSize;
  std::uint8_t* tag = cipher + plain.size();

  const auto context = new_context();
  auto* c = context.get();
  int written = 0;
  must(EVP_EncryptInit_ex(c, aes_256_gcm(), nullptr, key.data(), out.data()) == 1, "AES-GCM");
  if (!associated.empty())
    must(EVP_EncryptUpdate(c, nullptr, &written, associated.data(), static_cast<int>(associated.size())) == 1,
         "AES-GCM");
  if (!plain.empty())
    must(EVP_EncryptUpdate(c, cipher, &written, plain.data(), static_cast<int>(plain.size())) == 1,
         "AES-GCM");
  must(EVP_EncryptFinal_ex(c, tag, &written) == 1, "AES-GCM");
  must(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, static_cast<int>(kTagSize), tag) == 1, "AES-GCM");
  return out;
}

Result<Bytes> open(ByteView key, ByteView associated, ByteView sealed) {
  check_key(key);
  if (sealed.size() < kSealOverhead || sealed.size() > INT_MAX || associated.size() > INT_MAX)
    return fail(Code::buffer_integrity, "the sealed data has an impossible length");
  const auto cipher = sealed.subspan(kIvSize, sealed.size() - kSealOverhead);
  Bytes tag(sealed.end() - kTagSize, sealed.end());  // OpenSSL wants it writable
  Bytes plain(cipher.size());

  const auto context = new_context();
  auto* c = context.get();
  int written = 0;
  must(EVP_DecryptInit_ex(c, aes_256_gcm(), nullptr, key.data(), sealed.data()) == 1, "AES-GCM");
  if (!associated.empty())
    must(EVP_DecryptUpdate(c, nullptr, &written, associated.data(), static_cast<int>(associated.size())) == 1,
         "AES-GCM");
  if (!cipher.empty())
    must(EVP_DecryptUpdate(c, plain.data(), &written, cipher.data(), static_cast<int>(cipher.size())) == 1,
         "AES-GCM");
  must(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, static_cast<int>(kTagSize), tag.data()) == 1, "AES-GCM");
  std::uint8_t end[kTagSize];
  if (EVP_DecryptFinal_ex(c, end, &written) != 1) {
    wipe(plain);  // unauthenticated text must not linger
    return fail(Code::buffer_integrity, "the sealed data does not match its key, its place or its seal");
  }
  return plain;
}

}  // namespace vmc::crypto
