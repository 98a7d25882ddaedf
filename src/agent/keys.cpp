#include "agent/keys.hpp"

#include <algorithm>

#include <fmt/format.h>

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

namespace {

Result<AuditHead> audit_head(Vault& vault) {
  auto record = vault.get(kAuditHeadRecord);
  if (!record && record.error().code == Code::not_found) return AuditHead{};
  if (!record) return record.error();
  VMC_TRY(json, parse_json(record->text()));
  JsonReader reader{json};
  AuditHead head;
  head.seq = reader.integer("seq");
  const auto digest = from_hex(reader.str("digest"));
  VMC_CHECK(reader.finish(Code::buffer_integrity));
  if (!digest || digest->size() != head.digest.size())
    return fail(Code::buffer_integrity, "the vault's record of the audit log is damaged");
  std::copy(digest->begin(), digest->end(), head.digest.begin());
  return head;
}

}  // namespace

Result<AuditSecrets> audit_secrets(const Home& home) {
  const auto none = fail(Code::not_found, fmt::format("no agent has recorded anything in {}", home.folder.string()),
                         "Name its folder with --state.");
  std::error_code ec;
  if (!std::filesystem::exists(vault_settings(home).file, ec)) return none;
  VMC_TRY(vault, Vault::open(vault_settings(home)));
  auto key = vault.get(kAuditRecord);
  if (!key && key.error().code == Code::not_found) return none;
  if (!key) return key.error();
  VMC_TRY(known, audit_head(vault));
  return AuditSecrets{std::move(*key), known};
}

Result<std::unique_ptr<AuditLog>> Keys::open_audit(const Clock& clock) {
  VMC_CHECK(unlock_now());
  AuditSettings settings;
  settings.folder = audit_folder(home_);
  settings.remember = [this](const AuditHead& head) { return remember(head); };
  {
    std::lock_guard lock{mutex_};
    VMC_TRY(key, get_or_make(*vault_, kAuditRecord));
    VMC_TRY(known, audit_head(*vault_));
    settings.key = std::move(key);
    settings.known = known;
  }
  return AuditLog::open(std::move(settings), clock);
}

Result<void> Keys::remember(const AuditHead& head) {
  const auto text = to_text({{"seq", head.seq}, {"digest", to_hex(head.digest)}});
  std::lock_guard lock{mutex_};
  return vault_->put(kAuditHeadRecord, crypto::Secret::from_text(text));
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
