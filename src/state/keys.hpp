// API keys of connectors and tokens of API callers. Shown once, stored as salted SHA-256.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "crypto/api_key.hpp"
#include "state/platform.hpp"

namespace vmc::state {

struct KeyInfo {
  std::string key_id;
  std::string connector_id;
  std::string connector_name;
  Micros created_at = 0;
  std::optional<Micros> used_at, revoked_at;
};

struct CreatedKey {
  crypto::Secret text;
  std::string key_id;
  std::string connector_id;
};

// A key for a connector of this name, which is created unless it exists (CONFLICT when it has a live key).
// `text` is not stored and cannot be had again.
Result<CreatedKey> create_key(store::Tx& tx, std::string_view connector_name, Micros now);
Result<std::vector<KeyInfo>> list_keys(store::Tx& tx);
// NOT_FOUND; revoking twice is fine. The device that enrolled with the key is forgotten and its session
// fenced (epoch + 1), so that the next key can enrol another one. Publish revoked_topic() afterwards: the
// live session is cut at once.
Result<KeyInfo> revoke_key(store::Tx& tx, std::string_view key_id, Micros now);
// AUTH_FAILED for unknown, wrong and revoked alike (same work in each case). Marks the key as used.
Result<KeyInfo> authenticate_key(store::Tx& tx, const crypto::ApiKeyParts& parts, std::string_view key_text,
                                 Micros now);
// AUTH_FAILED unless the key is live.
Result<KeyInfo> check_key_live(store::Tx& tx, std::string_view key_id);

struct CreatedToken {
  crypto::Secret text;  // vmt_<tenant>_<id><random>_<checksum>: the form of a key, checksum included
  std::string token_id;
};
Result<CreatedToken> create_token(store::Tx& tx, std::string_view name, Micros now);
// AUTH_FAILED, with the same work in each case.
Result<void> authenticate_token(store::Tx& tx, std::string_view token_id, std::string_view token_text);
// NOT_FOUND; revoking twice is fine.
Result<void> revoke_token(store::Tx& tx, std::string_view token_id, Micros now);
// Tenant and id of a token's text, format and checksum only.
Result<crypto::ApiKeyParts> parse_token(std::string_view text);

}  // namespace vmc::state
