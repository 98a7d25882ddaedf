// The seal envelope of a chunk: who it belongs to is part of what is authenticated, so that a chunk cannot
// be moved, reordered, cut short or replayed.
#pragma once

#include <string>

#include "core/bytes.hpp"
#include "core/result.hpp"
#include "crypto/hash.hpp"
#include "crypto/secret.hpp"

namespace vmc::data {

struct ChunkLabel {
  std::string tenant;
  std::string connector;
  std::string command;        // command id
  std::int64_t attempt_epoch = 0;
  std::uint32_t index = 0;    // 0, 1, 2 …
  bool last = false;          // a command without rows still has one last, empty chunk
  bool operator==(const ChunkLabel&) const = default;
};

// Unambiguous bytes of a label: version, then every field with its length.
Bytes label_bytes(const ChunkLabel& label);

// AES-256-GCM under the command's data key with the label as associated data.
Bytes seal_chunk(ByteView data_key, const ChunkLabel& label, ByteView chunk);
Result<Bytes> open_chunk(ByteView data_key, const ChunkLabel& label, ByteView sealed);

// What the gateway checks without opening: HMAC-SHA-256 over label, length and SHA-256 of the sealed bytes.
crypto::Digest chunk_mac(ByteView session_key, const ChunkLabel& label, ByteView sealed);

}  // namespace vmc::data
