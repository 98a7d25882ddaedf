// The chunk codec: a batch as bytes, on the wire and at rest.
//
// Layout: "VMC" | version byte | flags | body. The body (row type, row count, the columns' buffers; see
// chunk_body.hpp) is one zstd frame under flag 1. Golden files under tests/unit/data pin every version ever
// written.
// Decoding treats the bytes as hostile: bounded, validated (offsets, UTF-8, precision), no over-read.
#pragma once

#include "core/result.hpp"
#include "data/batch.hpp"

namespace vmc::data {

inline constexpr std::uint8_t kChunkVersion = 1;

struct ChunkLimits {
  std::size_t decoded_bytes = 64u << 20;  // after decompression, checked while it happens
  std::size_t rows = 1u << 20;
  std::size_t columns = 4096;
};

enum class Compression { none, zstd };

Bytes encode(const Batch& batch, Compression compression = Compression::zstd);
// BUFFER_INTEGRITY says what is wrong.
Result<Batch> decode(ByteView chunk, const ChunkLimits& limits = {});

}  // namespace vmc::data
