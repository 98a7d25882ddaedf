#include "crypto/signature.hpp"

#include "crypto/hash.hpp"
#include "crypto/openssl_handle.hpp"

namespace vmc::crypto {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kSignatureBytes = 64;

Key private_key_of(ByteView bytes) {
  Key key{EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, bytes.data(), bytes.size())};
  must(key != nullptr, "Ed25519 private key");
  return key;
}

}  // namespace

KeyPair make_key_pair() {
  Secret seed{kKeyBytes};
  random_bytes({seed.data(), seed.size()});
  return *key_pair_from(seed.view());
}

Result<KeyPair> key_pair_from(ByteView private_key) {
  if (private_key.size() != kKeyBytes)
    return fail(Code::invalid_request, "an Ed25519 private key has 32 bytes");
  const auto key = private_key_of(private_key);
  KeyPair pair{Secret{private_key}, Bytes(kKeyBytes)};
  std::size_t size = kKeyBytes;
  must(EVP_PKEY_get_raw_public_key(key.get(), pair.public_key.data(), &size) == 1, "Ed25519 public key");
  return pair;
}

Bytes sign(const KeyPair& keys, ByteView message) {
  const auto key = private_key_of(keys.private_key.view());
  const DigestContext context{EVP_MD_CTX_new()};
  Bytes signature(kSignatureBytes);
  std::size_t size = signature.size();
  must(context && EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
           EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) == 1,
       "Ed25519 signature");
  return signature;
}

bool verify(ByteView public_key, ByteView message, ByteView signature) {
  if (public_key.size() != kKeyBytes || signature.size() != kSignatureBytes) return false;
  const Key key{EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, public_key.data(), public_key.size())};
  const DigestContext context{EVP_MD_CTX_new()};
  return key && context && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
         EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                          message.size()) == 1;
}

}  // namespace vmc::crypto
