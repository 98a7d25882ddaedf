#include "agent/vault_format.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "crypto/aead.hpp"
#include "crypto/hash.hpp"

namespace vmc::agent {
namespace {

constexpr std::string_view kMagic = "vmcvault";
constexpr std::uint16_t kFormat = 1;
constexpr std::size_t kWrapsMax = 8;
constexpr std::size_t kWrapBytes = 116;
constexpr std::size_t kPreambleBytes = 12;  // magic, format, number of wraps
constexpr std::size_t kIdMax = 128;

class Writer {
 public:
  template <class T>
  void integer(T value) {
    for (int shift = (static_cast<int>(sizeof(T)) - 1) * 8; shift >= 0; shift -= 8)
      out_.push_back(static_cast<std::uint8_t>(value >> shift));
  }
  void bytes(ByteView value) { out_.insert(out_.end(), value.begin(), value.end()); }
  void text(std::string_view value) {
    integer(static_cast<std::uint16_t>(value.size()));
    bytes(as_bytes(value));
  }
  const Bytes& out() const { return out_; }
  Bytes take() { return std::move(out_); }

 private:
  Bytes out_;
};

// Reads past the end yield zeroes and are remembered.
class Reader {
 public:
  explicit Reader(ByteView bytes) : left_{bytes} {}
  template <class T>
  T integer() {
    T value = 0;
    for (auto byte : bytes(sizeof(T))) value = static_cast<T>(static_cast<std::uint64_t>(value) << 8 | byte);
    return value;
  }
  ByteView bytes(std::size_t size) {
    if (size > left_.size()) {
      failed_ = true;
      left_ = {};
      return {};
    }
    const auto out = left_.first(size);
    left_ = left_.subspan(size);
    return out;
  }
  template <std::size_t N>
  void fill(std::array<std::uint8_t, N>& out) {
    const auto from = bytes(N);
    std::copy(from.begin(), from.end(), out.begin());
  }
  ByteView at_most(std::size_t size) { return bytes(std::min(size, left_.size())); }
  bool failed() const { return failed_; }
  bool empty() const { return left_.empty(); }

 private:
  ByteView left_;
  bool failed_ = false;
};

Error damaged(std::string_view what) {
  return fail(Code::buffer_integrity, fmt::format("the vault file is damaged: {}", what),
              "Restore the vault file from a backup, or move it away and enter the credentials again.");
}

std::size_t header_bytes(std::size_t wraps) {
  return kPreambleBytes + wraps * kWrapBytes + sizeof(crypto::Digest);
}

void write_wrap(Writer& out, const VaultWrap& wrap) {
  out.integer(wrap.kind);
  out.integer(wrap.facts);
  out.integer(std::uint16_t{0});
  out.integer(wrap.iterations);
  out.bytes(wrap.salt);
  out.bytes(wrap.canary);
  out.bytes(wrap.sealed_key);
}

VaultWrap read_wrap(Reader& in) {
  VaultWrap wrap;
  wrap.kind = in.integer<std::uint8_t>();
  wrap.facts = in.integer<std::uint8_t>();
  (void)in.integer<std::uint16_t>();
  wrap.iterations = in.integer<std::uint32_t>();
  in.fill(wrap.salt);
  in.fill(wrap.canary);
  in.fill(wrap.sealed_key);
  return wrap;
}

// What the sealed data key is bound to: everything of the wrap that says how its key is made.
Bytes wrap_context(const VaultWrap& wrap) {
  Writer out;
  out.text("vmc vault data key");
  out.integer(wrap.kind);
  out.integer(wrap.facts);
  out.integer(wrap.iterations);
  out.bytes(wrap.salt);
  return out.take();
}

Bytes record_context(std::string_view id, std::uint64_t version) {
  Writer out;
  out.text("vmc vault record");
  out.text(id);
  out.integer(version);
  return out.take();
}

crypto::Secret derive(const crypto::Secret& key, std::string_view purpose, std::size_t size) {
  Bytes bytes = crypto::hkdf_sha256(key.view(), {}, purpose, size);
  crypto::Secret out{ByteView{bytes}};
  crypto::wipe(bytes);
  return out;
}
crypto::Secret wrap_key(const crypto::Secret& key) {
  return derive(key, "vmc vault wrap key", crypto::kKeySize);
}
crypto::Secret canary_of(const crypto::Secret& key) { return derive(key, "vmc vault canary", 16); }

Result<crypto::Secret> open_secret(const crypto::Secret& key, ByteView context, ByteView sealed) {
  VMC_TRY(plain, crypto::open(key.view(), context, sealed));
  crypto::Secret secret{ByteView{plain}};
  crypto::wipe(plain);
  return secret;
}

constexpr std::string_view kIndexContext = "vmc vault index 1";

}  // namespace

bool is_vault_id(std::string_view id) {
  const auto ok = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view{"_-./:"}.find(c) != std::string_view::npos;
  };
  return !id.empty() && id.size() <= kIdMax && std::all_of(id.begin(), id.end(), ok);
}

Result<std::vector<VaultWrap>> read_wraps(ByteView file) {
  Reader in{file};
  if (as_text(in.bytes(kMagic.size())) != kMagic) return damaged("it does not begin as a vault does");
  const auto format = in.integer<std::uint16_t>();
  const auto count = in.integer<std::uint16_t>();
  if (in.failed() || count == 0 || count > kWrapsMax || file.size() < header_bytes(count))
    return damaged("its header is cut off or makes no sense");
  const auto covered = file.first(header_bytes(count) - sizeof(crypto::Digest));
  std::vector<VaultWrap> wraps;
  for (std::size_t i = 0; i < count; ++i) wraps.push_back(read_wrap(in));
  crypto::Digest checksum;
  in.fill(checksum);
  if (checksum != crypto::sha256(covered)) return damaged("the checksum of its header does not match");
  if (format != kFormat)
    return fail(Code::unavailable,
                fmt::format("the vault file has format {}, this program reads {}", format, kFormat),
                "Update vmc to the version that wrote this vault.");
  return wraps;
}

const VaultWrap* find_wrap(const std::vector<VaultWrap>& wraps, WrapKind kind) {
  for (const auto& wrap : wraps)
    if (wrap.kind == static_cast<std::uint8_t>(kind)) return &wrap;
  return nullptr;
}

void seal_data_key(VaultWrap& wrap, const crypto::Secret& key, const crypto::Secret& data_key) {
  const auto canary = canary_of(key);
  std::copy_n(canary.view().begin(), wrap.canary.size(), wrap.canary.begin());
  const auto sealed = crypto::seal(wrap_key(key).view(), wrap_context(wrap), data_key.view());
  std::copy_n(sealed.begin(), wrap.sealed_key.size(), wrap.sealed_key.begin());
}

Result<crypto::Secret> open_data_key(const VaultWrap& wrap, const crypto::Secret& key) {
  if (!crypto::equal_constant_time(canary_of(key).view(), wrap.canary))
    return fail(Code::vault_decrypt_error, "the vault belongs to another machine or another key file");
  auto data_key = open_secret(wrap_key(key), wrap_context(wrap), wrap.sealed_key);
  if (!data_key || data_key->size() != crypto::kKeySize) return damaged("its data key does not open");
  return data_key;
}

Result<VaultFile> read_vault(ByteView file, const crypto::Secret& data_key) {
  VaultFile vault;
  VMC_TRY(wraps, read_wraps(file));
  vault.wraps = std::move(wraps);

  Reader body{file.subspan(header_bytes(vault.wraps.size()))};
  const auto sealed_index = body.bytes(body.integer<std::uint32_t>());
  const auto index = crypto::open(data_key.view(), as_bytes(kIndexContext), sealed_index);
  if (body.failed() || !index) return damaged("its index does not open");

  Reader in{*index};
  vault.generation = in.integer<std::uint64_t>();
  const auto count = in.integer<std::uint32_t>();
  for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
    const std::string id{as_text(in.bytes(in.integer<std::uint16_t>()))};
    VaultRecord record;
    record.version = in.integer<std::uint64_t>();
    const auto sealed = body.at_most(in.integer<std::uint32_t>());
    record.sealed.assign(sealed.begin(), sealed.end());
    vault.records.emplace(id, std::move(record));
  }
  if (in.failed() || !in.empty() || vault.records.size() != count) return damaged("its index makes no sense");
  if (!body.empty()) return damaged("there is something behind its last record");
  return vault;
}

Bytes write_vault(const VaultFile& vault, const crypto::Secret& data_key) {
  Writer out;
  out.bytes(as_bytes(kMagic));
  out.integer(kFormat);
  out.integer(static_cast<std::uint16_t>(vault.wraps.size()));
  for (const auto& wrap : vault.wraps) write_wrap(out, wrap);
  out.bytes(crypto::sha256(out.out()));

  Writer index;
  index.integer(vault.generation);
  index.integer(static_cast<std::uint32_t>(vault.records.size()));
  for (const auto& [id, record] : vault.records) {
    index.text(id);
    index.integer(record.version);
    index.integer(static_cast<std::uint32_t>(record.sealed.size()));
  }
  const auto sealed_index = crypto::seal(data_key.view(), as_bytes(kIndexContext), index.out());
  out.integer(static_cast<std::uint32_t>(sealed_index.size()));
  out.bytes(sealed_index);
  for (const auto& [id, record] : vault.records) out.bytes(record.sealed);
  return out.take();
}

Bytes seal_record(const crypto::Secret& data_key, std::string_view id, std::uint64_t version,
                  const crypto::Secret& secret) {
  return crypto::seal(data_key.view(), record_context(id, version), secret.view());
}

Result<crypto::Secret> open_record(const crypto::Secret& data_key, std::string_view id,
                                   const VaultRecord& record) {
  auto secret = open_secret(data_key, record_context(id, record.version), record.sealed);
  if (!secret)
    return fail(Code::buffer_integrity, fmt::format("the record '{}' of the vault is damaged", id),
                "Enter this credential again, or restore the vault file from a backup.");
  return secret;
}

}  // namespace vmc::agent
