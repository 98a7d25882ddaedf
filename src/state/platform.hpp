// Opening the platform's state: migrations, the master key, tenants and their keys.
//
// Every noun of this folder is a set of functions over a store::Tx, so that callers compose several of them
// into one transaction; nothing here keeps state of its own. Blocking, on the store pool.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "crypto/secret.hpp"
#include "store/database.hpp"

namespace vmc::state {

// No list holds more rows than this; newest or first ones are kept.
inline constexpr std::size_t kListMax = 10'000;

// The embedded database of the platform, migrated (schemas/migrations).
Result<std::unique_ptr<store::Database>> open_platform(const std::filesystem::path& file);

// 32 random bytes, hex, in a file only its owner can read; created at first use (O_EXCL, so that several
// processes starting at once agree). It wraps the tenants' keys and derives the keys of sessions.
Result<crypto::Secret> load_master_key(const std::filesystem::path& file);

struct Tenant {
  std::string tenant;  // [a-z0-9-]{1,32}: part of every API key
  std::string name;
  std::string tier = "free";
};

// CONFLICT when it exists. Makes the tenant's key. The transaction must be bound to that tenant (FORBIDDEN).
Result<void> create_tenant(store::Tx& tx, const Tenant& tenant, ByteView master_key, Micros now);
Result<Tenant> find_tenant(store::Tx& tx);                // of the transaction
Result<std::vector<Tenant>> list_tenants(store::Tx& tx);  // platform transaction; by id
// The key that seals this tenant's rows.
Result<crypto::Secret> tenant_key(store::Tx& tx, ByteView master_key);

// Authenticates the chunks of one session; any gateway can derive it again.
crypto::Secret session_key(ByteView master_key, std::string_view tenant, std::string_view connector_id,
                           std::int64_t epoch);

}  // namespace vmc::state
