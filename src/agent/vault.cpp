#include "agent/vault.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <mutex>

#include <fmt/format.h>

#include "agent/file_handle.hpp"
#include "agent/vault_format.hpp"
#include "core/crash_point.hpp"
#include "crypto/aead.hpp"
#include "crypto/hash.hpp"

namespace vmc::agent {
namespace {

constexpr std::uint32_t kIterations = 600'000;
constexpr std::uint32_t kIterationsMax = 10'000'000;
constexpr std::size_t kKeyFileBytes = 32;
constexpr std::string_view kAppSalt = "vmc vault machine key 1";

Error system_error(std::string_view what, const std::filesystem::path& file) {
  return fail(Code::internal, fmt::format("cannot {} {}: {}", what, file.string(), std::strerror(errno)),
              "Check that the directory exists, belongs to the user vmc runs as, and has room.");
}

// Only a certain "no" counts as absent: a vault that cannot be looked at must never be made anew.
bool is_present(const std::filesystem::path& file) {
  return ::access(file.c_str(), F_OK) == 0 || errno != ENOENT;
}

Result<void> write_all(const FileHandle& file, ByteView bytes, const std::filesystem::path& name) {
  while (!bytes.empty()) {
    const auto written = ::write(file.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return system_error("write", name);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

// Fills `out` from the start of the file; the number of bytes there were.
Result<std::size_t> read_into(const FileHandle& file, std::span<std::uint8_t> out,
                              const std::filesystem::path& name) {
  std::size_t size = 0;
  while (size < out.size()) {
    const auto got = ::pread(file.get(), out.data() + size, out.size() - size, static_cast<off_t>(size));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error("read", name);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  return size;
}

Result<void> sync_folder_of(const std::filesystem::path& file) {
  const auto folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path{"."};
  const FileHandle handle{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!handle || ::fsync(handle.get()) != 0) return system_error("sync", folder);
  return {};
}

Result<void> make_folder_of(const std::filesystem::path& file) {
  const auto folder = file.parent_path();
  std::error_code error;
  if (folder.empty() || std::filesystem::is_directory(folder, error)) return {};
  std::filesystem::create_directories(folder.parent_path(), error);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return system_error("make the directory", folder);
  return {};
}

Error key_file_missing(const std::filesystem::path& key_file) {
  return fail(Code::vault_decrypt_error,
              fmt::format("the key file {} of the vault is missing", key_file.string()));
}

// Opens the key file, making it when neither it nor a vault exists.
Result<FileHandle> open_key_file(const VaultSettings& settings) {
  FileHandle handle{::open(settings.key_file.c_str(), O_RDONLY | O_CLOEXEC)};
  if (handle) return handle;
  if (errno != ENOENT) return system_error("open the key file", settings.key_file);
  if (is_present(settings.file)) return key_file_missing(settings.key_file);
  VMC_CHECK(make_folder_of(settings.key_file));
  handle = FileHandle{::open(settings.key_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (!handle) return system_error("make the key file", settings.key_file);
  return handle;
}

Result<void> check_key_file(const FileHandle& handle, const std::filesystem::path& key_file) {
  struct stat facts {};
  if (::fstat(handle.get(), &facts) != 0) return system_error("look at", key_file);
  if (!S_ISREG(facts.st_mode))
    return fail(Code::invalid_request,
                fmt::format("the key file {} is not a regular file", key_file.string()));
  if ((facts.st_mode & 077) != 0)
    return fail(Code::forbidden, fmt::format("the key file {} is open to other users", key_file.string()),
                fmt::format("Run: chmod 600 '{}'", key_file.string()));
  return {};
}

// Serialises everybody who changes the vault; held while it lives.
class KeyFileLock {
 public:
  explicit KeyFileLock(const FileHandle& file) : file_{file} {
    while (::flock(file_.get(), LOCK_EX) != 0)
      if (errno != EINTR) throw std::runtime_error{"flock failed on the vault's key file"};
  }
  ~KeyFileLock() { ::flock(file_.get(), LOCK_UN); }
  KeyFileLock(const KeyFileLock&) = delete;
  KeyFileLock& operator=(const KeyFileLock&) = delete;

 private:
  const FileHandle& file_;
};

// Under the lock. An empty key file is one whose making was interrupted: it is filled while no vault needs
// it.
Result<crypto::Secret> read_key_file(const FileHandle& handle, const VaultSettings& settings) {
  crypto::Secret key{kKeyFileBytes + 1};
  VMC_TRY(size, read_into(handle, {key.data(), key.size()}, settings.key_file));
  if (size == kKeyFileBytes) return crypto::Secret{key.view().first(kKeyFileBytes)};
  if (size != 0 || is_present(settings.file))
    return fail(Code::vault_decrypt_error, fmt::format("the key file {} is not one: it must have {} bytes",
                                                       settings.key_file.string(), kKeyFileBytes));
  crypto::Secret fresh{kKeyFileBytes};
  crypto::random_bytes({fresh.data(), fresh.size()});
  const FileHandle writer{::open(settings.key_file.c_str(), O_WRONLY | O_CLOEXEC)};
  if (!writer) return system_error("write", settings.key_file);
  VMC_CHECK(write_all(writer, fresh.view(), settings.key_file));
  if (::fsync(writer.get()) != 0) return system_error("sync", settings.key_file);
  VMC_CHECK(sync_folder_of(settings.key_file));
  return fresh;
}

std::uint8_t known_facts(const crypto::MachineFacts& machine) {
  return static_cast<std::uint8_t>((machine.machine_id.empty() ? 0 : kFactMachineId) |
                                   (machine.hardware_id.empty() ? 0 : kFactHardwareId));
}

crypto::Secret machine_key(const VaultWrap& wrap, const crypto::Secret& key,
                           const crypto::MachineFacts& machine) {
  const std::string machine_id = wrap.facts & kFactMachineId ? machine.machine_id : "";
  const std::string hardware_id = wrap.facts & kFactHardwareId ? machine.hardware_id : "";
  const auto ids =
      fmt::format("|{}:{}|{}:{}", machine_id.size(), machine_id, hardware_id.size(), hardware_id);
  crypto::Secret material{key.size() + ids.size()};
  std::copy(key.view().begin(), key.view().end(), material.data());
  std::copy(ids.begin(), ids.end(), material.data() + key.size());
  Bytes salt{kAppSalt.begin(), kAppSalt.end()};
  salt.insert(salt.end(), wrap.salt.begin(), wrap.salt.end());

  Bytes derived = crypto::pbkdf2_sha256(material.view(), salt, wrap.iterations, crypto::kKeySize);
  crypto::Secret out{ByteView{derived}};
  crypto::wipe(derived);
  return out;
}

// What a fact that has become unreadable does to the key deserves words of its own.
Result<void> check_facts(const VaultWrap& wrap, const crypto::MachineFacts& machine) {
  const auto missing = wrap.facts & ~known_facts(machine);
  if (missing & kFactHardwareId)
    return fail(Code::vault_decrypt_error, "the vault is bound to a hardware id that cannot be read now",
                "Run vmc as the user that made the vault: usually only root may read the hardware id.");
  if (missing & kFactMachineId)
    return fail(Code::vault_decrypt_error,
                "the vault is bound to a machine id and /etc/machine-id has none now",
                "Mount /etc/machine-id of the host, or enter the credentials again.");
  return {};
}

Result<crypto::Secret> unlock(const std::vector<VaultWrap>& wraps, const FileHandle& key_handle,
                              const VaultSettings& settings) {
  const VaultWrap* wrap = find_wrap(wraps, WrapKind::machine);
  if (!wrap) return fail(Code::vault_decrypt_error, "the vault has no key for this machine");
  if (wrap->iterations < kIterations || wrap->iterations > kIterationsMax)
    return fail(Code::buffer_integrity, "the vault names an impossible number of key iterations");
  VMC_CHECK(check_facts(*wrap, settings.machine));
  VMC_TRY(key, read_key_file(key_handle, settings));
  return open_data_key(*wrap, machine_key(*wrap, key, settings.machine));
}

Result<Bytes> read_image(const std::filesystem::path& file) {
  const FileHandle handle{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat facts {};
  if (!handle || ::fstat(handle.get(), &facts) != 0) return system_error("open the vault", file);
  if (!S_ISREG(facts.st_mode) || static_cast<std::uint64_t>(facts.st_size) > kVaultBytesMax)
    return fail(Code::buffer_integrity,
                fmt::format("{} cannot be a vault: no file, or too large", file.string()));
  Bytes image(static_cast<std::size_t>(facts.st_size));
  VMC_TRY(size, read_into(handle, image, file));
  image.resize(size);
  return image;
}

// After this returns the new content survives a power failure; before, the old one does.
Result<void> replace_file(const std::filesystem::path& file, ByteView bytes) {
  auto temporary = file;
  temporary += ".new";
  {
    const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
    const FileHandle handle{::open(temporary.c_str(), flags, 0600)};
    if (!handle) return system_error("make", temporary);
    VMC_CHECK(write_all(handle, bytes, temporary));
    if (::fsync(handle.get()) != 0) return system_error("sync", temporary);
  }
  crash_point("vault.temp_written");
  if (::rename(temporary.c_str(), file.c_str()) != 0) return system_error("replace", file);
  crash_point("vault.renamed");
  return sync_folder_of(file);
}

Result<void> check_id(std::string_view id) {
  if (is_vault_id(id)) return {};
  return fail(Code::invalid_request, "a vault id has 1 to 128 letters, digits and '_-./:'");
}

Error no_record(std::string_view id) {
  return fail(Code::not_found, fmt::format("the vault has no record '{}'", id));
}

}  // namespace

struct Vault::Impl {
  VaultSettings settings;
  FileHandle key_handle;
  std::mutex mutex;
  crypto::Secret data_key;
  VaultFile vault;
  Bytes image;  // the file as last read or written

  // Under the lock on the key file, which keeps a second process from making the same vault.
  Result<void> open_or_make() {
    if (is_present(settings.file)) return load();
    VMC_TRY(key, read_key_file(key_handle, settings));
    VMC_CHECK(make_folder_of(settings.file));
    VaultWrap wrap;
    wrap.kind = static_cast<std::uint8_t>(WrapKind::machine);
    wrap.facts = known_facts(settings.machine);
    wrap.iterations = kIterations;
    crypto::random_bytes(std::span{wrap.salt});
    data_key = crypto::Secret{crypto::kKeySize};
    crypto::random_bytes({data_key.data(), data_key.size()});
    seal_data_key(wrap, machine_key(wrap, key, settings.machine), data_key);
    vault.wraps.push_back(wrap);
    return save(vault);
  }

  // Reads the file when it is not the one we know: inode and time would miss a quick second change.
  Result<void> load() {
    VMC_TRY(now, read_image(settings.file));
    if (!image.empty() && now == image) return {};
    VMC_TRY(wraps, read_wraps(now));
    // Mostly another process has changed a record; only a replaced vault needs the slow key again.
    if (!data_key.empty())
      if (auto content = read_vault(now, data_key)) return adopt(std::move(*content), std::move(now));
    VMC_TRY(key, unlock(wraps, key_handle, settings));
    VMC_TRY(content, read_vault(now, key));
    data_key = std::move(key);
    return adopt(std::move(content), std::move(now));
  }

  Result<void> adopt(VaultFile content, Bytes bytes) {
    vault = std::move(content);
    image = std::move(bytes);
    return {};
  }

  Result<void> save(VaultFile next) {
    ++next.generation;
    auto bytes = write_vault(next, data_key);
    if (bytes.size() > kVaultBytesMax)
      return fail(Code::quota_exceeded, "the vault would grow beyond 16 MiB");
    VMC_CHECK(replace_file(settings.file, bytes));
    return adopt(std::move(next), std::move(bytes));
  }
};

Vault::Vault(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
Vault::Vault(Vault&&) noexcept = default;
Vault& Vault::operator=(Vault&&) noexcept = default;
Vault::~Vault() = default;

Result<Vault> Vault::open(VaultSettings settings) {
  VMC_TRY(key_handle, open_key_file(settings));
  VMC_CHECK(check_key_file(key_handle, settings.key_file));
  auto impl = std::make_unique<Impl>();
  impl->settings = std::move(settings);
  impl->key_handle = std::move(key_handle);
  {
    const KeyFileLock lock{impl->key_handle};
    VMC_CHECK(impl->open_or_make());
  }
  return Vault{std::move(impl)};
}

Result<crypto::Secret> Vault::get(std::string_view id) {
  VMC_CHECK(check_id(id));
  std::lock_guard guard{impl_->mutex};
  VMC_CHECK(impl_->load());
  const auto record = impl_->vault.records.find(id);
  if (record == impl_->vault.records.end()) return no_record(id);
  return open_record(impl_->data_key, id, record->second);
}

Result<void> Vault::put(std::string_view id, crypto::Secret secret) {
  VMC_CHECK(check_id(id));
  if (secret.size() > kVaultSecretMax) return fail(Code::invalid_request, "a secret may have at most 64 KiB");
  std::lock_guard guard{impl_->mutex};
  const KeyFileLock lock{impl_->key_handle};
  VMC_CHECK(impl_->load());
  VaultFile next = impl_->vault;
  if (next.records.size() >= kVaultRecordsMax && !next.records.contains(id))
    return fail(Code::quota_exceeded, "the vault is full");
  // The generation never repeats, so neither does a version: not even for an id that was removed meanwhile.
  auto& record = next.records[std::string{id}];
  record.version = next.generation + 1;
  record.sealed = seal_record(impl_->data_key, id, record.version, secret);
  return impl_->save(std::move(next));
}

Result<void> Vault::remove(std::string_view id) {
  VMC_CHECK(check_id(id));
  std::lock_guard guard{impl_->mutex};
  const KeyFileLock lock{impl_->key_handle};
  VMC_CHECK(impl_->load());
  VaultFile next = impl_->vault;
  const auto record = next.records.find(id);
  if (record == next.records.end()) return no_record(id);
  next.records.erase(record);
  return impl_->save(std::move(next));
}

Result<std::vector<std::string>> Vault::ids() {
  std::lock_guard guard{impl_->mutex};
  VMC_CHECK(impl_->load());
  std::vector<std::string> out;
  for (const auto& [id, record] : impl_->vault.records) out.push_back(id);
  return out;
}

}  // namespace vmc::agent
