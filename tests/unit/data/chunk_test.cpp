#include <cstring>
#include <fstream>
#include <iterator>

#include <zstd.h>

#include "data/chunk.hpp"
#include "support/show_result.hpp"
#include "unit/data/random_batch.hpp"

using namespace vmc;
using namespace vmc::data;

namespace {

Bytes golden(const std::string& name) {
  std::ifstream file{std::string{VMC_SOURCE_DIR} + "/tests/unit/data/golden/" + name, std::ios::binary};
  REQUIRE(file);
  return {std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{}};
}

Uuid uuid(std::uint8_t first, std::uint8_t step) {
  Uuid out;
  for (std::size_t i = 0; i < 16; ++i) out.bytes[i] = static_cast<std::uint8_t>(first + i * step);
  return out;
}

// The rows golden/make_chunk_v1.py writes.
Batch golden_batch() {
  const Value null;
  const RowType type{{"flag", {Kind::boolean, 0, 0}, true},
                     {"id", {Kind::int64, 0, 0}, false},
                     {"ratio", {Kind::float64, 0, 0}, true},
                     {"amount", {Kind::decimal, 38, 2}, true},
                     {"big", {Kind::number, 0, 0}, true},
                     {"näme", {Kind::text, 0, 0}, true},
                     {"raw", {Kind::bytes, 0, 0}, true},
                     {"day", {Kind::date, 0, 0}, true},
                     {"span", {Kind::time, 0, 0}, true},
                     {"at", {Kind::timestamp, 0, 0}, true},
                     {"instant", {Kind::timestamptz, 0, 0}, true},
                     {"key", {Kind::uuid, 0, 0}, true},
                     {"doc", {Kind::json, 0, 0}, true}};
  return batch_of(
      type,
      {{true, INT64_MIN, -0.0, Decimal{power_of_ten(38) - 1, 2}, Number{"-0.5"}, std::string{"Zoë ☃ 𝄞"},
        Bytes{0, 255}, Date{19'782}, Time{-kTimeMax}, Timestamp{1'709'211'600'250'000}, TimestampTz{0},
        uuid(0, 1), JsonText{"{\"a\": 1.0}"}},
       {null, std::int64_t{0}, 1.5, Decimal{-1250, 2}, Number{"NaN"}, std::string{}, null, Date{-2'440'588},
        Time{kTimeMax}, Timestamp{kInfinity}, TimestampTz{-1}, null, JsonText{"null"}},
       {false, INT64_MAX, HUGE_VAL, null, null, null, Bytes{}, null, null, Timestamp{kMinusInfinity},
        TimestampTz{253'402'300'799'999'999}, uuid(255, 0), null}});
}

std::string complaint(ByteView chunk, const ChunkLimits& limits = {}) {
  const auto batch = decode(chunk, limits);
  if (batch) return "";
  CHECK(batch.error().code == Code::buffer_integrity);
  return batch.error().message;
}

// A raw chunk of one nullable column "c" with the given parts.
Bytes one_column(Kind kind, std::uint8_t precision, std::uint8_t scale, std::uint32_t rows,
                 const Bytes& column) {
  Bytes chunk{'V',       'M',   'C', 1, 0, 1, 0, 0, 0, 1, 0, 'c', static_cast<std::uint8_t>(kind),
              precision, scale, 1};
  for (int shift = 0; shift < 32; shift += 8) chunk.push_back(static_cast<std::uint8_t>(rows >> shift));
  chunk.insert(chunk.end(), column.begin(), column.end());
  return chunk;
}

Bytes compressed(const Bytes& body) {
  Bytes chunk(5 + ZSTD_compressBound(body.size()));
  std::memcpy(chunk.data(), "VMC\1\1", 5);
  chunk.resize(5 + ZSTD_compress(chunk.data() + 5, chunk.size() - 5, body.data(), body.size(), 1));
  return chunk;
}

}  // namespace

TEST_CASE("chunk version 1 is read, and written, as it always was") {
  const Batch expected = golden_batch();
  CHECK(same(decode(golden("chunk_v1_raw.bin")).value(), expected));
  CHECK(same(decode(golden("chunk_v1_zstd.bin")).value(), expected));
  CHECK(encode(expected, Compression::none) == golden("chunk_v1_raw.bin"));
}

TEST_CASE("any batch survives a chunk") {
  const auto seed = fresh_seed();
  INFO("seed " << seed);
  RandomBatch random{seed};
  for (int round = 0; round < 500; ++round) {
    const Batch batch = random.batch();
    REQUIRE(same(decode(encode(batch, Compression::none)).value(), batch));
    REQUIRE(same(decode(encode(batch, Compression::zstd)).value(), batch));
  }
}

TEST_CASE("a batch that fills a chunk survives it and shrinks") {
  RandomBatch random{1};
  const Batch batch = random.batch(random.row_type(12), kBatchRows);
  const Bytes chunk = encode(batch);
  CHECK(chunk.size() < encode(batch, Compression::none).size());
  CHECK(same(decode(chunk).value(), batch));
}

TEST_CASE("20,000 damaged chunks are refused or read within bounds") {
  const auto seed = fresh_seed();
  INFO("seed " << seed);
  RandomBatch random{seed};
  int read = 0;
  for (int round = 0; round < 20'000; ++round) {
    const Batch batch = random.batch(random.row_type(1 + random.below(4)), random.below(20));
    Bytes chunk = encode(batch, random.below(4) == 0 ? Compression::zstd : Compression::none);
    for (std::size_t n = 1 + random.below(4); n > 0; --n) {
      switch (random.below(4)) {
        case 0:
          chunk[random.below(chunk.size())] ^= static_cast<std::uint8_t>(1u << random.below(8));
          break;
        case 1:
          chunk[random.below(chunk.size())] = static_cast<std::uint8_t>(random.below(3) * 127);
          break;
        case 2:
          chunk.resize(1 + random.below(chunk.size()));
          break;
        case 3:
          chunk.insert(chunk.begin() + static_cast<std::ptrdiff_t>(random.below(chunk.size())),
                       static_cast<std::uint8_t>(random.below(256)));
          break;
      }
    }
    const auto decoded = decode(chunk);
    if (!decoded) {
      REQUIRE(decoded.error().code == Code::buffer_integrity);
      continue;
    }
    read_everything(*decoded);
    REQUIRE(same(decode(encode(*decoded)).value(), *decoded));
    ++read;
  }
  CHECK(read > 0);  // damage inside a value is for the seal to find
}

TEST_CASE("a chunk cut anywhere is refused") {
  const Bytes whole = golden("chunk_v1_raw.bin");
  for (std::size_t size = 0; size < whole.size(); ++size)
    REQUIRE(complaint(ByteView{whole}.first(size)) != "");
  const Bytes packed = golden("chunk_v1_zstd.bin");
  for (std::size_t size = 0; size < packed.size(); ++size)
    REQUIRE(complaint(ByteView{packed}.first(size)) != "");
}

TEST_CASE("a chunk says what is wrong with it") {
  const Bytes good = golden("chunk_v1_raw.bin");
  const auto with = [&](std::size_t at, std::uint8_t byte) {
    Bytes chunk = good;
    chunk[at] = byte;
    return complaint(chunk);
  };
  CHECK(with(0, 'X').find("begin as a chunk") != std::string::npos);
  CHECK(with(3, 2).find("version 2") != std::string::npos);
  CHECK(with(4, 2).find("flags") != std::string::npos);
  Bytes longer = good;
  longer.push_back(0);
  CHECK(complaint(longer).find("goes on") != std::string::npos);
}

TEST_CASE("values that are not what their column says are refused") {
  CHECK(complaint(one_column(Kind::boolean, 0, 0, 1, {0, 1})) == "");
  CHECK(complaint(one_column(Kind::boolean, 0, 0, 1, {0, 2})) != "");
  CHECK(complaint(one_column(Kind::boolean, 1, 0, 1, {0, 1})) != "");
  CHECK(complaint(one_column(static_cast<Kind>(0), 0, 0, 0, {0})) != "");
  CHECK(complaint(one_column(static_cast<Kind>(14), 0, 0, 0, {0})) != "");
  CHECK(complaint(one_column(Kind::decimal, 39, 0, 0, {0})) != "");

  Bytes hundred(17, 0);
  hundred[1] = 100;
  CHECK(complaint(one_column(Kind::decimal, 3, 2, 1, hundred)) == "");
  CHECK(complaint(one_column(Kind::decimal, 2, 2, 1, hundred)) != "");

  const Bytes too_long{0, 0, 0, 0, 0, 0, 0, 0, 0x10};
  CHECK(complaint(one_column(Kind::time, 0, 0, 1, too_long)) != "");
  CHECK(complaint(one_column(Kind::int64, 0, 0, 1, too_long)) == "");

  CHECK(complaint(one_column(Kind::text, 0, 0, 1, {0, 0, 0, 0, 0, 2, 0, 0, 0, 0xc3, 0xa9})) == "");
  CHECK(complaint(one_column(Kind::text, 0, 0, 1, {0, 0, 0, 0, 0, 2, 0, 0, 0, 0xc3, 0x28})) != "");
  CHECK(complaint(one_column(Kind::bytes, 0, 0, 1, {0, 0, 0, 0, 0, 2, 0, 0, 0, 0xc3, 0x28})) == "");
  CHECK(complaint(one_column(Kind::number, 0, 0, 1, {0, 0, 0, 0, 0, 2, 0, 0, 0, '1', '2'})) == "");
  CHECK(complaint(one_column(Kind::number, 0, 0, 1, {0, 0, 0, 0, 0, 2, 0, 0, 0, '0', '2'})) != "");
}

TEST_CASE("no text begins inside another's character") {
  const Bytes split{0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0xc3, 0xa9};
  CHECK(complaint(one_column(Kind::text, 0, 0, 2, split)) != "");
  CHECK(complaint(one_column(Kind::bytes, 0, 0, 2, split)) == "");
}

TEST_CASE("offsets only rise, from zero to the end") {
  const auto offsets = [](std::uint8_t a, std::uint8_t b, std::uint8_t c) {
    return one_column(Kind::bytes, 0, 0, 2, {0, a, 0, 0, 0, b, 0, 0, 0, c, 0, 0, 0, 'x', 'y'});
  };
  CHECK(complaint(offsets(0, 1, 2)) == "");
  CHECK(complaint(offsets(1, 1, 2)) != "");
  CHECK(complaint(offsets(0, 3, 2)) != "");
  CHECK(complaint(offsets(0, 1, 3)) != "");
  CHECK(complaint(offsets(0, 1, 1)) != "");
}

TEST_CASE("what a null row holds is never seen") {
  const auto batch = decode(one_column(Kind::boolean, 0, 0, 2, {1, 0b01, 1, 77})).value();
  CHECK(batch.columns[0].is_null(1));
  CHECK(batch.columns[0].bools()[1] == 0);
  CHECK(complaint(one_column(Kind::bytes, 0, 0, 1, {1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 'x'})) != "");

  Bytes strict = one_column(Kind::boolean, 0, 0, 2, {1, 0b01, 1, 0});
  CHECK(complaint(strict) == "");
  strict[15] = 0;  // not nullable
  CHECK(complaint(strict) != "");
}

TEST_CASE("two columns of one name are refused") {
  Bytes chunk{'V', 'M', 'C', 1, 0, 2, 0, 0, 0};
  for (int i = 0; i < 2; ++i) chunk.insert(chunk.end(), {1, 0, 'c', 1, 0, 0, 1});
  chunk.insert(chunk.end(), {0, 0, 0, 0, 0, 0});
  CHECK(complaint(chunk).find("same name") != std::string::npos);
}

TEST_CASE("a chunk cannot make the reader allocate what it did not send") {
  CHECK(complaint(one_column(Kind::decimal, 38, 0, 1u << 20, {0})).find("ends inside") != std::string::npos);
  CHECK(complaint(one_column(Kind::text, 0, 0, 1u << 20, {0})).find("ends inside") != std::string::npos);
  CHECK(complaint(Bytes{'V', 'M', 'C', 1, 0, 0, 16, 0, 0}).find("ends inside") != std::string::npos);

  ChunkLimits small;
  small.rows = 2;
  small.columns = 1;
  small.decoded_bytes = 64;
  CHECK(complaint(one_column(Kind::boolean, 0, 0, 2, {0, 1, 1}), small) == "");
  CHECK(complaint(one_column(Kind::boolean, 0, 0, 3, {0, 1, 1, 1}), small).find("rows") != std::string::npos);
  CHECK(complaint(golden("chunk_v1_raw.bin"), small).find("64 bytes") != std::string::npos);
  small.decoded_bytes = 1u << 20;
  CHECK(complaint(golden("chunk_v1_raw.bin"), small).find("columns") != std::string::npos);
}

TEST_CASE("a bomb is stopped while it unfolds") {
  const Bytes bomb = compressed(Bytes(100u << 20, 0));
  CHECK(bomb.size() < 20'000);
  CHECK(complaint(bomb).find("decompresses to more") != std::string::npos);

  // A frame that claims little and holds much, one that claims much and holds little, one that says nothing.
  Bytes liar = compressed(Bytes(1000, 0));
  REQUIRE(ZSTD_getFrameContentSize(liar.data() + 5, liar.size() - 5) == 1000);
  liar[5 + 5] ^= 0x01;
  CHECK(complaint(liar) != "");
  Bytes silent(200);
  std::memcpy(silent.data(), "VMC\1\1", 5);
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
  const Bytes body(100, 0);
  silent.resize(5 + ZSTD_compress2(context, silent.data() + 5, 195, body.data(), body.size()));
  ZSTD_freeCCtx(context);
  CHECK(complaint(silent) != "");

  Bytes two_frames = compressed(Bytes(10, 0));
  two_frames.insert(two_frames.end(), two_frames.begin() + 5, two_frames.end());
  CHECK(complaint(two_frames) != "");
}
