// AES-256-GCM. A sealed text is IV (12 random bytes) | ciphertext | tag (16 bytes).
#pragma once

#include "core/bytes.hpp"
#include "core/result.hpp"

namespace vmc::crypto {

inline constexpr std::size_t kKeySize = 32;
inline constexpr std::size_t kSealOverhead = 12 + 16;

// `key` must have kKeySize bytes. At most 2^32 seals a key (random IVs).
Bytes seal(ByteView key, ByteView associated, ByteView plain);
// BUFFER_INTEGRITY when key, associated data or a single bit differ.
Result<Bytes> open(ByteView key, ByteView associated, ByteView sealed);

}  // namespace vmc::crypto
