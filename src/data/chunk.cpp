#include "data/chunk.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <stdexcept>

#include <fmt/format.h>
#include <zstd.h>

#include "data/chunk_body.hpp"

namespace vmc::data {
namespace {

constexpr std::uint8_t kMagic[] = {'V', 'M', 'C'};
constexpr std::size_t kHeader = sizeof kMagic + 2;
constexpr std::uint8_t kFlagZstd = 1;
constexpr int kZstdLevel = 1;
constexpr int kWindowLogMax = 23;  // 8 MiB; level 1 writes windows of 512 KiB
constexpr std::size_t kFirstAllocation = 1u << 20;
constexpr std::size_t kBelievableRatio = 16;  // beyond it memory follows what was really decompressed

Error damaged(std::string what) {
  return fail(Code::buffer_integrity, "the chunk is damaged: " + std::move(what));
}

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

// A thread's own, kept: made anew they cost as much as a small chunk.
ZSTD_CCtx* compressor() {
  static thread_local const std::unique_ptr<ZSTD_CCtx, FreeContext> context{ZSTD_createCCtx()};
  if (!context) throw std::bad_alloc{};
  return context.get();
}
ZSTD_DCtx* decompressor() {
  static thread_local const std::unique_ptr<ZSTD_DCtx, FreeContext> context{ZSTD_createDCtx()};
  if (!context) throw std::bad_alloc{};
  ZSTD_DCtx_reset(context.get(), ZSTD_reset_session_and_parameters);
  return context.get();
}

using Buffer = std::unique_ptr<std::uint8_t[]>;

struct Plain {
  Buffer bytes;
  std::size_t size = 0;
  ByteView view() const { return {bytes.get(), size}; }
};

void write_header(std::uint8_t* out, std::uint8_t flags) {
  std::memcpy(out, kMagic, sizeof kMagic);
  out[3] = kChunkVersion;
  out[4] = flags;
}

// For a claim that is not believed: the buffer starts small and grows with what the frame really yields.
Result<Plain> decompress_carefully(ByteView frame, std::size_t size) {
  auto* context = decompressor();
  ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, kWindowLogMax);

  std::size_t capacity = kFirstAllocation;
  Plain plain{std::make_unique_for_overwrite<std::uint8_t[]>(capacity), 0};
  ZSTD_inBuffer in{frame.data(), frame.size(), 0};
  for (;;) {
    ZSTD_outBuffer out{plain.bytes.get(), capacity, plain.size};
    const std::size_t before = in.pos;
    const std::size_t rest = ZSTD_decompressStream(context, &out, &in);
    if (ZSTD_isError(rest)) return damaged("its compressed part does not decompress");
    const bool moved = in.pos != before || out.pos != plain.size;
    plain.size = out.pos;
    if (rest == 0) break;
    if (plain.size == capacity && capacity < size) {
      capacity = std::min(size, capacity * 4);
      auto larger = std::make_unique_for_overwrite<std::uint8_t[]>(capacity);
      std::memcpy(larger.get(), plain.bytes.get(), plain.size);
      plain.bytes = std::move(larger);
    } else if (!moved) {
      return damaged("its compressed part is cut short");
    }
  }
  if (plain.size != size || in.pos != in.size)
    return damaged("its compressed part has another length than it says");
  return plain;
}

// One frame that says its size, is no larger than the limit and ends with the input.
Result<Plain> decompress(ByteView frame, std::size_t size_max) {
  const unsigned long long claimed = ZSTD_getFrameContentSize(frame.data(), frame.size());
  if (claimed == ZSTD_CONTENTSIZE_UNKNOWN || claimed == ZSTD_CONTENTSIZE_ERROR)
    return damaged("its compressed part has no valid header");
  if (claimed > size_max) return damaged(fmt::format("it decompresses to more than {} bytes", size_max));
  const auto size = static_cast<std::size_t>(claimed);

  if (size > std::max(kFirstAllocation, frame.size() * kBelievableRatio)) return decompress_carefully(frame, size);

  const std::size_t frame_size = ZSTD_findFrameCompressedSize(frame.data(), frame.size());
  if (ZSTD_isError(frame_size)) return damaged("its compressed part is cut short");
  if (frame_size != frame.size()) return damaged("its compressed part has another length than it says");
  Plain plain{std::make_unique_for_overwrite<std::uint8_t[]>(size), size};
  const std::size_t written = ZSTD_decompressDCtx(decompressor(), plain.bytes.get(), size, frame.data(), frame.size());
  if (ZSTD_isError(written)) return damaged("its compressed part does not decompress");
  if (written != size) return damaged("its compressed part has another length than it says");
  return plain;
}

}  // namespace

Bytes encode(const Batch& batch, Compression compression) {
  const std::size_t size = body_size(batch);
  if (compression == Compression::zstd) {
    const auto body = std::make_unique_for_overwrite<std::uint8_t[]>(size);
    write_body(batch, body.get());
    const std::size_t bound = ZSTD_compressBound(size);
    const auto packed = std::make_unique_for_overwrite<std::uint8_t[]>(kHeader + bound);
    const std::size_t packed_size =
        ZSTD_compressCCtx(compressor(), packed.get() + kHeader, bound, body.get(), size, kZstdLevel);
    if (ZSTD_isError(packed_size)) throw std::runtime_error{ZSTD_getErrorName(packed_size)};
    if (packed_size < size) {
      write_header(packed.get(), kFlagZstd);
      return {packed.get(), packed.get() + kHeader + packed_size};
    }
  }
  Bytes chunk(kHeader + size);
  write_header(chunk.data(), 0);
  write_body(batch, chunk.data() + kHeader);
  return chunk;
}

Result<Batch> decode(ByteView chunk, const ChunkLimits& limits) {
  if (chunk.size() < kHeader || !std::equal(std::begin(kMagic), std::end(kMagic), chunk.begin()))
    return damaged("it does not begin as a chunk");
  if (chunk[3] != kChunkVersion)
    return damaged(
        fmt::format("version {} is not known here (this program reads {})", chunk[3], kChunkVersion));
  if (chunk[4] > kFlagZstd) return damaged("it has flags that are not known here");
  const ByteView body = chunk.subspan(kHeader);
  if (chunk[4] == kFlagZstd) {
    VMC_TRY(plain, decompress(body, limits.decoded_bytes));
    return read_body(plain.view(), limits);
  }
  if (body.size() > limits.decoded_bytes)
    return damaged(fmt::format("it has more than {} bytes", limits.decoded_bytes));
  return read_body(body, limits);
}

}  // namespace vmc::data
