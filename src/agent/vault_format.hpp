// The vault file, format 1: how bytes become records and back. Pure, no files.
//
//   "vmcvault" | format u16 | number of wraps u16 | wraps, 116 bytes each | SHA-256 of all that
//   length u32 | sealed index: generation, then id, version and length of every record
//   the sealed records, one after the other
//
// A wrap is the data key sealed by another key: the machine's key now, a recovery code beside it later;
// wraps of a kind this program does not know are carried along. The checksum finds damage before any key is
// tried; the canary of a wrap tells a wrong key from damage behind the checksum. A record is sealed
// under its id and version, and the sealed index says which version is current: a record swapped with
// another, or put back from an older file, does not open. Integers are big-endian.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "core/bytes.hpp"
#include "core/result.hpp"
#include "crypto/secret.hpp"

namespace vmc::agent {

enum class WrapKind : std::uint8_t { machine = 1 };

// Which facts went into a machine key: what was empty then is left out ever after.
inline constexpr std::uint8_t kFactMachineId = 1;
inline constexpr std::uint8_t kFactHardwareId = 2;

struct VaultWrap {
  std::uint8_t kind = 0;
  std::uint8_t facts = 0;
  std::uint32_t iterations = 0;
  std::array<std::uint8_t, 32> salt{};
  std::array<std::uint8_t, 16> canary{};
  std::array<std::uint8_t, 60> sealed_key{};
};

struct VaultRecord {
  std::uint64_t version = 1;
  Bytes sealed;
};

struct VaultFile {
  std::vector<VaultWrap> wraps;
  std::uint64_t generation = 0;  // grows with every write
  std::map<std::string, VaultRecord, std::less<>> records;
};

inline constexpr std::size_t kVaultBytesMax = 16u << 20;
inline constexpr std::size_t kVaultRecordsMax = 10'000;
inline constexpr std::size_t kVaultSecretMax = 64u << 10;

// The wraps of a file. BUFFER_INTEGRITY when it is damaged, UNAVAILABLE when it is of a newer format.
Result<std::vector<VaultWrap>> read_wraps(ByteView file);
const VaultWrap* find_wrap(const std::vector<VaultWrap>& wraps, WrapKind kind);

// `key` is 32 bytes of good randomness; `wrap` carries kind, facts, iterations and salt.
void seal_data_key(VaultWrap& wrap, const crypto::Secret& key, const crypto::Secret& data_key);
// VAULT_DECRYPT_ERROR for another key, BUFFER_INTEGRITY for damage.
Result<crypto::Secret> open_data_key(const VaultWrap& wrap, const crypto::Secret& key);

// BUFFER_INTEGRITY when the index is damaged. Records that are damaged or cut off come along as they are
// and fail when opened, so that one bad page does not cost the others.
Result<VaultFile> read_vault(ByteView file, const crypto::Secret& data_key);
Bytes write_vault(const VaultFile& vault, const crypto::Secret& data_key);

Bytes seal_record(const crypto::Secret& data_key, std::string_view id, std::uint64_t version,
                  const crypto::Secret& secret);
Result<crypto::Secret> open_record(const crypto::Secret& data_key, std::string_view id,
                                   const VaultRecord& record);

// 1 to 128 letters, digits and "_-./:".
bool is_vault_id(std::string_view id);

}  // namespace vmc::agent
