#include "agent/keys.hpp"

#include "crypto/hash.hpp"

namespace vmc::agent {
namespace {

constexpr const char* kDeviceRecord = "device-key";
constexpr const char* kJournalRecord = "journal-key";

// The record, made with 32 random bytes when there is none.
Result<crypto::Secret> get_or_make(Vault& vault, const char* record) {
  auto found = vault.get(record);
  if (found || found.error().code != Code::not_found) return found;
  crypto::Secret fresh{32};
  crypto::random_bytes({fresh.data(), fresh.size()});
  VMC_CHECK(vault.put(record, fresh.clone()));
  return fresh;
}

}  // namespace

VaultSettings vault_settings(const Home& home) {
  return {home.folder / "vault", home.folder / "vault.key", crypto::machine_facts()};
}

Result<void> Keys::unlock_now() {
  std::lock_guard lock{mutex_};
  if (vault_) return {};
  VMC_TRY(vault, Vault::open(vault_settings(home_)));
  VMC_TRY(device, get_or_make(vault, kDeviceRecord));
  VMC_TRY(pair, crypto::key_pair_from(device.view()));
  VMC_TRY(journal, get_or_make(vault, kJournalRecord));
  device_ = std::move(pair);
  journal_key_ = std::move(journal);
  vault_.emplace(std::move(vault));
  return {};
}

awaitable<Result<void>> Keys::unlock() {
  auto work = [this] { return unlock_now(); };
  co_return co_await offload(pool_, work);
}

Result<crypto::Secret> Keys::resolve(const config::SecretRef& reference) {
  if (reference.scheme != "vault") return resolver_(reference);
  std::lock_guard lock{mutex_};
  if (!vault_) return fail(Code::unavailable, "the vault is not open yet");
  return vault_->get(reference.rest);
}

awaitable<Result<crypto::Secret>> Keys::api_key(config::SecretRef reference) {
  if (reference.empty())
    co_return fail(Code::auth_failed, "this agent has no API key",
                   "Set one with 'vmc agent configure --api-key-stdin'.");
  auto work = [&] { return resolve(reference); };
  co_return co_await offload(pool_, work);
}

Result<crypto::Secret> Keys::password(const ConnectionSettings& connection) {
  VMC_CHECK(unlock_now());
  const config::SecretRef standard{"vault", "connection/" + connection.id};
  auto secret = resolve(connection.password.empty() ? standard : connection.password);
  // A database that asks for no password needs no record.
  if (!secret && secret.error().code == Code::not_found && connection.password.empty())
    return crypto::Secret{};
  return secret;
}

}  // namespace vmc::agent
