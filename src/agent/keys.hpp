// The agent's secrets, all from the vault, which is opened at first use and off the loop.
#pragma once

#include <memory>
#include <optional>

#include "agent/agent.hpp"
#include "agent/audit_log.hpp"
#include "agent/vault.hpp"
#include "core/offload.hpp"
#include "crypto/signature.hpp"

namespace vmc::agent {

VaultSettings vault_settings(const Home& home);
std::filesystem::path audit_folder(const Home& home);

// Of the audit log: the key of its seals, and a late record. NOT_FOUND before an agent has begun to write.
struct AuditSecrets {
  crypto::Secret key;
  AuditHead known;
};
Result<AuditSecrets> audit_secrets(const Home& home);

class Keys {
 public:
  Keys(Home home, SecretResolver resolver, Pool& pool)
      : home_{std::move(home)}, resolver_{std::move(resolver)}, pool_{pool} {}

  // Opens the vault unless it is open, and makes device key and journal key at the very first use.
  awaitable<Result<void>> unlock();

  const crypto::KeyPair& device() const { return device_; }
  crypto::Secret journal_key() const { return journal_key_.clone(); }
  // Blocking. Its end is remembered in the vault.
  Result<std::unique_ptr<AuditLog>> open_audit(const Clock& clock);
  awaitable<Result<crypto::Secret>> api_key(config::SecretRef reference);
  // Blocking, from any thread: the password of a connection.
  Result<crypto::Secret> password(const ConnectionSettings& connection);

 private:
  Result<crypto::Secret> resolve(const config::SecretRef& reference);
  Result<void> unlock_now();
  Result<void> remember(const AuditHead& head);
  Home home_;
  SecretResolver resolver_;
  Pool& pool_;
  std::mutex mutex_;  // passwords are asked for on sources threads
  std::optional<Vault> vault_;
  crypto::KeyPair device_;
  crypto::Secret journal_key_;
};

}  // namespace vmc::agent
