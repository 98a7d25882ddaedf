// Ed25519 signatures: the device key of an installation.
#pragma once

#include "core/bytes.hpp"
#include "core/result.hpp"
#include "crypto/secret.hpp"

namespace vmc::crypto {

struct KeyPair {
  Secret private_key;  // 32 bytes
  Bytes public_key;    // 32 bytes
};

KeyPair make_key_pair();
Result<KeyPair> key_pair_from(ByteView private_key);
Bytes sign(const KeyPair& keys, ByteView message);                           // 64 bytes
bool verify(ByteView public_key, ByteView message, ByteView signature);      // false on any malformed input

}  // namespace vmc::crypto
