#include "state/platform.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include <fmt/format.h>

#include "crypto/aead.hpp"
#include "crypto/hash.hpp"
#include "state/detail.hpp"

namespace vmc::state {

std::span<const store::Migration> platform_migrations();  // generated from schemas/migrations

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMasterKeySize = 32;
constexpr std::size_t kTenantNameMax = 200;
constexpr std::string_view kWrapPurpose = "vmc tenant key wrap v1";
constexpr std::string_view kSessionPurpose = "vmc session key v1";

class File {
 public:
  explicit File(int fd) : fd_{fd} {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  int fd() const { return fd_; }

 private:
  int fd_;
};

Error file_error(std::string_view doing, const fs::path& file) {
  return fail(Code::unavailable,
              fmt::format("cannot {} {}: {}", doing, file.string(), std::generic_category().message(errno)));
}

Result<crypto::Secret> read_master_key(const fs::path& file) {
  const File in{open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
  if (in.fd() < 0) return file_error("read", file);
  struct stat info {};
  if (fstat(in.fd(), &info) != 0) return file_error("read", file);
  if (!S_ISREG(info.st_mode) || (info.st_mode & 077) != 0 || (info.st_uid != geteuid() && info.st_uid != 0)) {
    return fail(Code::forbidden,
                fmt::format("{} holds the master key, but others may read it", file.string()),
                fmt::format("chmod 600 {}", file.string()));
  }
  crypto::Secret text{2 * kMasterKeySize + 2};  // room to notice a file that is too long
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t n = read(in.fd(), text.data() + size, text.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return file_error("read", file);
    if (n == 0) break;
    size += static_cast<std::size_t>(n);
  }
  auto hex = text.text().substr(0, size);
  if (hex.ends_with('\n')) hex.remove_suffix(1);
  auto key = hex.size() == 2 * kMasterKeySize ? from_hex(hex) : std::nullopt;
  if (!key) {
    return fail(Code::vault_decrypt_error,
                fmt::format("{} does not hold a master key (64 hex digits)", file.string()),
                "Restore the file from your backup: without it the tenants' data cannot be opened.");
  }
  crypto::Secret secret{*key};
  crypto::wipe(*key);
  return secret;
}

Result<void> write_new_key(const fs::path& file) {
  const File out{open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (out.fd() < 0) return file_error("create", file);
  auto key = crypto::random_bytes(kMasterKeySize);
  auto text = to_hex(key) + "\n";
  crypto::wipe(key);
  const bool written = write(out.fd(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  crypto::wipe(text);
  if (!written || fsync(out.fd()) != 0) return file_error("write", file);
  return {};
}

// Written aside and linked into place: whoever sees the file sees all of it, and the first one wins.
Result<void> create_master_key(const fs::path& file) {
  const fs::path aside = file.string() + "." + to_hex(crypto::random_bytes(8)) + ".new";
  auto made = write_new_key(aside);
  if (made && link(aside.c_str(), file.c_str()) != 0 && errno != EEXIST) made = file_error("create", file);
  unlink(aside.c_str());
  VMC_CHECK(std::move(made));
  const auto folder = file.has_parent_path() ? file.parent_path() : fs::path{"."};
  const File entry{open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (entry.fd() < 0 || fsync(entry.fd()) != 0) return file_error("write", folder);
  return {};
}

// The master key itself seals nothing: every use has a key of its own.
crypto::Secret wrapping_key(ByteView master_key) {
  auto key = crypto::hkdf_sha256(master_key, {}, kWrapPurpose, crypto::kKeySize);
  crypto::Secret secret{key};
  crypto::wipe(key);
  return secret;
}

detail::CellName wrapped_key_of(const store::Tx& tx) {
  return {"tenants.wrapped_key", tx.tenant(), tx.tenant()};
}

bool is_tenant_id(std::string_view text) {
  if (text.empty() || text.size() > 32 || text == store::kPlatform) return false;
  for (const char c : text) {
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) return false;
  }
  return true;
}

Error no_tenant(const store::Tx& tx) {
  return fail(Code::not_found, fmt::format("there is no tenant {}", tx.tenant()));
}

}  // namespace

Result<std::unique_ptr<store::Database>> open_platform(const fs::path& file) {
  store::SqliteSettings settings;
  settings.file = file.string();
  return store::open_sqlite(settings, platform_migrations());
}

Result<crypto::Secret> load_master_key(const fs::path& file) {
  struct stat info {};
  if (lstat(file.c_str(), &info) != 0) {
    if (errno != ENOENT) return file_error("read", file);
    VMC_CHECK(create_master_key(file));
  }
  return read_master_key(file);
}

Result<void> create_tenant(store::Tx& tx, const Tenant& tenant, ByteView master_key, Micros now) {
  if (!is_tenant_id(tenant.tenant)) {
    return fail(Code::invalid_request,
                "a tenant's id is 1 to 32 of a-z, 0-9 and '-'; 'platform' is taken by the platform itself");
  }
  if (tx.tenant() != tenant.tenant)
    return fail(Code::forbidden, "the transaction is bound to another tenant");
  if (!detail::is_plain_line(tenant.name, kTenantNameMax))
    return fail(Code::invalid_request, "a tenant's name is one line of 1 to 200 bytes");
  if (!detail::is_plain_line(tenant.tier, 32)) return fail(Code::invalid_request, "a tier has a short name");

  crypto::Secret key{crypto::kKeySize};
  crypto::random_bytes({key.data(), key.size()});
  const auto wrapping = wrapping_key(master_key);
  const auto added = tx.exec(
      "INSERT INTO tenants (tenant, name, tier, wrapped_key, created_at) "
      "VALUES (:tenant, :name, :tier, :key, :now) ON CONFLICT (tenant) DO NOTHING",
      {{"name", tenant.name},
       {"tier", tenant.tier},
       {"key", detail::seal_cell(wrapping.view(), wrapped_key_of(tx), key.text())},
       {"now", now}});
  if (added == 0) return fail(Code::conflict, fmt::format("tenant {} exists already", tenant.tenant));
  return {};
}

Result<Tenant> find_tenant(store::Tx& tx) {
  const auto row = tx.one("SELECT name, tier FROM tenants WHERE tenant = :tenant");
  if (!row) return no_tenant(tx);
  return Tenant{tx.tenant(), row->text(0), row->text(1)};
}

Result<std::vector<Tenant>> list_tenants(store::Tx& tx) {
  VMC_CHECK(detail::require_platform(tx));
  std::vector<Tenant> list;
  for (const auto& row :
       tx.query("SELECT tenant, name, tier FROM tenants ORDER BY tenant LIMIT :most", {{"most", kListMax}})) {
    list.push_back({row.text(0), row.text(1), row.text(2)});
  }
  return list;
}

Result<crypto::Secret> tenant_key(store::Tx& tx, ByteView master_key) {
  const auto row = tx.one("SELECT wrapped_key FROM tenants WHERE tenant = :tenant");
  if (!row) return no_tenant(tx);
  const auto wrapping = wrapping_key(master_key);
  auto key = detail::open_cell(wrapping.view(), wrapped_key_of(tx), row->bytes(0));
  if (!key) {
    return fail(Code::vault_decrypt_error,
                fmt::format("the key of tenant {} does not open with this master key", tx.tenant()),
                "Start with the master key file that this state was made with.");
  }
  return key;
}

crypto::Secret session_key(ByteView master_key, std::string_view tenant, std::string_view connector_id,
                           std::int64_t epoch) {
  const auto purpose = fmt::format("{}|{}:{}|{}:{}|{}", kSessionPurpose, tenant.size(), tenant,
                                   connector_id.size(), connector_id, epoch);
  auto key = crypto::hkdf_sha256(master_key, {}, purpose, crypto::kKeySize);
  crypto::Secret secret{key};
  crypto::wipe(key);
  return secret;
}

}  // namespace vmc::state
