#include "agent/keys.hpp"

#include <algorithm>

#include "crypto/hash.hpp"

namespace vmc::agent {
namespace {

constexpr const char* kDeviceRecord = "device-key";
constexpr const char* kJournalRecord = "journal-key";
constexpr const char* kAuditRecord = "audit-key";
constexpr const char* kAuditHeadRecord = "audit-head";

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

std::filesystem::path audit_folder(const Home& home) { return home.folder / "audit"; }

Result<AuditSecrets> audit_secrets(Vault& vault) {
  AuditSecrets out;
  VMC_TRY(key, get_or_make(vault, kAuditRecord));
  out.key = std::move(key);
  auto head = vault.get(kAuditHeadRecord);
  if (!head && head.error().code == Code::not_found) return out;
  if (!head) return head.error();
  VMC_TRY(json, parse_json(head->text()));
  JsonReader reader{json};
  out.known.seq = reader.integer("seq");
  const auto digest = from_hex(reader.str("digest"));
  VMC_CHECK(reader.finish());
  if (!digest || digest->size() != out.known.digest.size())
    return fail(Code::buffer_integrity, "the vault's record of the audit log is damaged");
  std::copy(digest->begin(), digest->end(), out.known.digest.begin());
  return out;
}

Result<std::unique_ptr<AuditLog>> Keys::open_audit(const Clock& clock) {
  VMC_CHECK(unlock_now());
  std::lock_guard lock{mutex_};
  VMC_TRY(secrets, audit_secrets(*vault_));
  VMC_TRY(log, AuditLog::open(audit_folder(home_), std::move(secrets.key), secrets.known, clock));
  const auto head = log->head();
  const auto text = to_text({{"seq", head.seq}, {"digest", to_hex(head.digest)}});
  VMC_CHECK(vault_->put(kAuditHeadRecord, crypto::Secret::from_text(text)));
  return log;
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
