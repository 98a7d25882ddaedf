// Hashes, message authentication, key derivation, random bytes.
#pragma once

#include <array>

#include "core/bytes.hpp"

namespace vmc::crypto {

using Digest = std::array<std::uint8_t, 32>;

Digest sha256(ByteView bytes);
Digest hmac_sha256(ByteView key, ByteView message);
// RFC 5869; `size` at most 255 * 32.
Bytes hkdf_sha256(ByteView secret, ByteView salt, std::string_view purpose, std::size_t size);
// Blocking: 600,000 iterations take 0.1 to 0.3 s, so never on a loop.
Bytes pbkdf2_sha256(ByteView secret, ByteView salt, unsigned iterations, std::size_t size);
bool equal_constant_time(ByteView a, ByteView b);
void random_bytes(std::span<std::uint8_t> out);  // from the kernel
Bytes random_bytes(std::size_t size);

}  // namespace vmc::crypto
