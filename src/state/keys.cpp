#include "state/keys.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "core/ids.hpp"
#include "crypto/hash.hpp"
#include "state/connectors.hpp"
#include "state/detail.hpp"

namespace vmc::state {
namespace {

constexpr std::size_t kSaltSize = 16;
constexpr std::size_t kTokenNameMax = 100;
constexpr int kIdTries = 5;  // public ids are 40 random bits: a taken one is drawn again
constexpr std::string_view kKeyPrefix = "vmc_", kTokenPrefix = "vmt_";

Bytes to_bytes(const crypto::Digest& digest) { return {digest.begin(), digest.end()}; }

Error refused(std::string_view what) {
  return fail(Code::auth_failed, fmt::format("the {} was not accepted", what));
}

struct Stored {
  Bytes salt, hash;
  bool live = false;
};

Stored stored_from(const store::Row& row) { return {row.bytes(0), row.bytes(1), row.null(2)}; }

// A text that is not stored at all is hashed and compared too, with a salt and hash that nothing matches: how
// long the answer takes tells nothing.
bool matches(const std::optional<Stored>& stored, std::string_view text) {
  static const Stored nobody{Bytes(kSaltSize), Bytes(sizeof(crypto::Digest)), false};
  const Stored& against = stored ? *stored : nobody;
  const auto hash = crypto::api_key_hash(against.salt, text);
  const bool equal = crypto::equal_constant_time(hash, against.hash);
  return static_cast<int>(equal) & static_cast<int>(against.live);
}

std::vector<KeyInfo> select_keys(store::Tx& tx, std::string_view condition, std::string_view key_id) {
  const auto sql = fmt::format(
      "SELECT k.key_id, k.connector_id, c.name, k.created_at, k.used_at, k.revoked_at FROM api_keys k "
      "JOIN connectors c ON c.tenant = k.tenant AND c.connector_id = k.connector_id "
      "WHERE k.tenant = :tenant AND {} ORDER BY k.created_at DESC, k.key_id LIMIT :most",
      condition);
  std::vector<KeyInfo> keys;
  for (const auto& row : tx.query(sql, {{"key", key_id}, {"most", kListMax}})) {
    keys.push_back({row.text(0), row.text(1), row.text(2), row.integer(3), row.integer_or_null(4),
                    row.integer_or_null(5)});
  }
  return keys;
}

std::optional<KeyInfo> select_key(store::Tx& tx, std::string_view key_id) {
  auto keys = select_keys(tx, "k.key_id = :key", key_id);
  if (keys.empty()) return std::nullopt;
  return std::move(keys.front());
}

// The connector of this name, made when there is none.
std::string connector_for_key(store::Tx& tx, std::string_view name, Micros now) {
  tx.exec(
      "INSERT INTO connectors (tenant, connector_id, name, created_at, epoch, last_ordinal) "
      "VALUES (:tenant, :id, :name, :now, 0, 0) ON CONFLICT (tenant, name) DO NOTHING",
      {{"id", new_id("con", now)}, {"name", name}, {"now", now}});
  const auto row =
      tx.one("SELECT connector_id FROM connectors WHERE tenant = :tenant AND name = :name", {{"name", name}});
  return row.value().text(0);
}

// A token is a key with another prefix; the checksum stays that of the key.
crypto::Secret with_prefix(std::string_view prefix, std::string_view text) {
  auto copy = crypto::Secret::from_text(text);
  std::copy(prefix.begin(), prefix.end(), copy.data());
  return copy;
}

}  // namespace

Result<CreatedKey> create_key(store::Tx& tx, std::string_view connector_name, Micros now) {
  if (!is_connector_name(connector_name)) {
    return fail(Code::invalid_request, "this cannot be a connector's name",
                "Use one line of 1 to 64 bytes; 'cloud' and 'mini' mean something else in workflows.");
  }
  VMC_CHECK(find_tenant(tx));
  const auto connector_id = connector_for_key(tx, connector_name, now);
  const auto live = tx.one(
      "SELECT key_id FROM api_keys WHERE tenant = :tenant AND connector_id = :connector AND revoked_at IS "
      "NULL LIMIT 1",
      {{"connector", connector_id}});
  if (live) {
    return fail(Code::conflict,
                fmt::format("connector \"{}\" has key {} already", connector_name, live->text(0)),
                "Revoke it first, or give the new connector a name of its own.");
  }
  for (int i = 0; i < kIdTries; ++i) {
    auto key = crypto::make_api_key(tx.tenant());
    auto salt = crypto::random_bytes(kSaltSize);
    auto hash = to_bytes(crypto::api_key_hash(salt, key.text.text()));
    const auto added = tx.exec(
        "INSERT INTO api_keys (tenant, key_id, connector_id, salt, hash, created_at) "
        "VALUES (:tenant, :key, :connector, :salt, :hash, :now) ON CONFLICT (tenant, key_id) DO NOTHING",
        {{"key", key.parts.key_id},
         {"connector", connector_id},
         {"salt", std::move(salt)},
         {"hash", std::move(hash)},
         {"now", now}});
    if (added == 1) return CreatedKey{std::move(key.text), key.parts.key_id, connector_id};
  }
  return fail(Code::unavailable, "no free key id was found");
}

Result<std::vector<KeyInfo>> list_keys(store::Tx& tx) { return select_keys(tx, "k.key_id <> :key", ""); }

Result<KeyInfo> revoke_key(store::Tx& tx, std::string_view key_id, Micros now) {
  const auto revoked = tx.exec(
      "UPDATE api_keys SET revoked_at = :now WHERE tenant = :tenant AND key_id = :key AND revoked_at IS NULL",
      {{"key", key_id}, {"now", now}});
  if (revoked == 1) {
    tx.exec(
        "UPDATE connectors SET installation_id = NULL, public_key = NULL, key_id = NULL, connected_at = "
        "NULL, "
        "epoch = epoch + 1 WHERE tenant = :tenant AND key_id = :key",
        {{"key", key_id}});
  }
  auto key = select_key(tx, key_id);
  if (!key) return fail(Code::not_found, "there is no such key");
  return std::move(*key);
}

Result<KeyInfo> authenticate_key(store::Tx& tx, const crypto::ApiKeyParts& parts, std::string_view key_text,
                                 Micros now) {
  const auto row =
      tx.one("SELECT salt, hash, revoked_at FROM api_keys WHERE tenant = :tenant AND key_id = :key",
             {{"key", parts.key_id}});
  const bool right = matches(row ? std::optional{stored_from(*row)} : std::nullopt, key_text);
  if (!right || parts.tenant != tx.tenant()) return refused("API key");
  tx.exec("UPDATE api_keys SET used_at = :now WHERE tenant = :tenant AND key_id = :key",
          {{"key", parts.key_id}, {"now", now}});
  return check_key_live(tx, parts.key_id);
}

Result<KeyInfo> check_key_live(store::Tx& tx, std::string_view key_id) {
  auto key = select_key(tx, key_id);
  if (!key || key->revoked_at) return refused("API key");
  return std::move(*key);
}

Result<CreatedToken> create_token(store::Tx& tx, std::string_view name, Micros now) {
  if (!detail::is_plain_line(name, kTokenNameMax))
    return fail(Code::invalid_request, "a token's name is one line of 1 to 100 bytes");
  VMC_CHECK(find_tenant(tx));
  for (int i = 0; i < kIdTries; ++i) {
    const auto key = crypto::make_api_key(tx.tenant());
    auto text = with_prefix(kTokenPrefix, key.text.text());
    auto salt = crypto::random_bytes(kSaltSize);
    auto hash = to_bytes(crypto::api_key_hash(salt, text.text()));
    const auto added = tx.exec(
        "INSERT INTO api_tokens (tenant, token_id, name, salt, hash, created_at) "
        "VALUES (:tenant, :token, :name, :salt, :hash, :now) ON CONFLICT (tenant, token_id) DO NOTHING",
        {{"token", key.parts.key_id},
         {"name", name},
         {"salt", std::move(salt)},
         {"hash", std::move(hash)},
         {"now", now}});
    if (added == 1) return CreatedToken{std::move(text), key.parts.key_id};
  }
  return fail(Code::unavailable, "no free token id was found");
}

Result<void> authenticate_token(store::Tx& tx, std::string_view token_id, std::string_view token_text) {
  const auto row =
      tx.one("SELECT salt, hash, revoked_at FROM api_tokens WHERE tenant = :tenant AND token_id = :token",
             {{"token", token_id}});
  if (!matches(row ? std::optional{stored_from(*row)} : std::nullopt, token_text))
    return refused("API token");
  return {};
}

Result<void> revoke_token(store::Tx& tx, std::string_view token_id, Micros now) {
  const auto revoked = tx.exec(
      "UPDATE api_tokens SET revoked_at = COALESCE(revoked_at, :now) WHERE tenant = :tenant AND token_id = "
      ":token",
      {{"token", token_id}, {"now", now}});
  if (revoked == 0) return fail(Code::not_found, "there is no such token");
  return {};
}

Result<crypto::ApiKeyParts> parse_token(std::string_view text) {
  const auto malformed = [] {
    return fail(Code::invalid_request, "this is not an API token",
                "A token begins with 'vmt_': copy all of it.");
  };
  if (!text.starts_with(kTokenPrefix)) return malformed();
  if (text.size() > 128) return malformed();
  const auto as_key = with_prefix(kKeyPrefix, text);
  auto parts = crypto::parse_api_key(as_key.text());
  if (!parts) return malformed();
  return parts;
}

}  // namespace vmc::state
