// The API key: vmc_<tenant>_<random>_<checksum>.
//
// <random> is 8 characters of public key id followed by 26 characters that carry 128 random bits
// (base32, lower case, no look-alikes). <checksum> is 8 hex digits of CRC-32 over everything before it: it
// catches typing errors and serves secret scanners, it proves nothing.
#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"
#include "crypto/hash.hpp"
#include "crypto/secret.hpp"

namespace vmc::crypto {

struct ApiKeyParts {
  std::string tenant;   // [a-z0-9-]{1,32}
  std::string key_id;   // 8 characters, public
};

struct NewApiKey {
  Secret text;          // the whole key, shown once
  ApiKeyParts parts;
};

NewApiKey make_api_key(std::string_view tenant);
// Format and checksum only; INVALID_REQUEST tells what is wrong without repeating the key.
Result<ApiKeyParts> parse_api_key(std::string_view text);
// What is stored instead of the key.
Digest api_key_hash(ByteView salt, std::string_view key_text);

}  // namespace vmc::crypto
