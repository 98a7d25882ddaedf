// The vault: the agent's credentials at rest, in one file that is useless on another machine.
//
// Every record is sealed (AES-256-GCM) under a random data key. The data key is sealed by the machine's key:
// PBKDF2-HMAC-SHA-256, 600,000 iterations, over the key file (32 random bytes, mode 0600, made with the
// vault), the machine id and, where it may be read, the hardware id. The ids are world-readable: the strength
// is the key file's, the ids make a copied pair of files useless elsewhere. The release of the operating
// system is left out on purpose: an upgrade must not lock anybody out. A fact that was unknown when the
// vault was made is left out ever after.
//
// Everything here blocks: callers on a loop offload. Several threads and several processes may share one
// vault file: changes are serialised by a lock on the key file and seen by the others at their next call.
// Every change is durable when its call returns. An old copy of the whole file is accepted: that is what a
// restored backup looks like.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "crypto/machine.hpp"
#include "crypto/secret.hpp"

namespace vmc::agent {

struct VaultSettings {
  std::filesystem::path file;
  std::filesystem::path key_file;
  crypto::MachineFacts machine;
};

class Vault {
 public:
  // Opens the vault, or makes one when there is none; 0.1 to 0.3 s for the key. VAULT_DECRYPT_ERROR: it is of
  // another machine, or its key file is missing or another one. BUFFER_INTEGRITY: it is damaged. FORBIDDEN:
  // the key file is open to others.
  static Result<Vault> open(VaultSettings settings);

  Vault(Vault&&) noexcept;
  Vault& operator=(Vault&&) noexcept;
  ~Vault();

  // `id`: 1 to 128 letters, digits and "_-./:". NOT_FOUND; BUFFER_INTEGRITY when this one record is damaged.
  Result<crypto::Secret> get(std::string_view id);
  // Adds or replaces; at most 64 KiB.
  Result<void> put(std::string_view id, crypto::Secret secret);
  Result<void> remove(std::string_view id);  // NOT_FOUND
  Result<std::vector<std::string>> ids();    // sorted

 private:
  struct Impl;
  explicit Vault(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace vmc::agent
