#include "activities/row_digest.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

#include <fmt/format.h>

#define XXH_INLINE_ALL  // rows are short: a call and a dispatch each would cost as much as the hash
#include <xxhash.h>

namespace vmc::activities {
namespace {

using data::Column;
using data::Int128;
using data::Kind;

__extension__ typedef unsigned __int128 Uint128;

constexpr std::size_t kDecimalBytes = sizeof(Int128) + 1;  // digits and scale
constexpr std::uint8_t kNull = 0, kPresent = 1;

std::size_t fixed_bytes(Kind kind) { return kind == Kind::decimal ? kDecimalBytes : data::width(kind); }

// Columns in the order of their names: the order a batch has them in does not matter.
std::vector<std::size_t> by_name(const data::RowType& type) {
  std::vector<std::size_t> order(type.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return type[a].name < type[b].name; });
  return order;
}

// Names and kinds are the same for every row of a batch, so that they go into the seed and not into the rows.
std::uint64_t seed_with_columns(std::uint64_t seed, const data::RowType& type,
                                const std::vector<std::size_t>& order) {
  Bytes text;
  for (const auto i : order) {
    const auto size = static_cast<std::uint32_t>(type[i].name.size());
    for (int shift = 0; shift < 32; shift += 8) text.push_back(static_cast<std::uint8_t>(size >> shift));
    text.insert(text.end(), type[i].name.begin(), type[i].name.end());
    text.push_back(static_cast<std::uint8_t>(type[i].type.kind));
  }
  return XXH3_64bits_withSeed(text.data(), text.size(), seed);
}

// Takes trailing zeros off while there is a scale: 12.50 and 12.5 are one value.
void strip_zeros(Int128& unscaled, std::uint8_t& scale) {
  bool negative = unscaled < 0;
  Uint128 rest = negative ? -static_cast<Uint128>(unscaled) : static_cast<Uint128>(unscaled);
  if (rest == 0) {
    scale = 0;
    return;
  }
  while (scale > 0 && rest > UINT64_MAX) {
    // 2^64 is 6 modulo 10, so that the test needs no 128-bit division.
    const auto high = static_cast<std::uint64_t>(rest >> 64), low = static_cast<std::uint64_t>(rest);
    if ((high % 10 * 6 + low % 10) % 10 != 0) break;
    rest /= 10;
    --scale;
  }
  if (rest <= UINT64_MAX) {
    auto low = static_cast<std::uint64_t>(rest);
    for (; scale > 0 && low % 10 == 0; low /= 10) --scale;
    rest = low;
  }
  unscaled = negative ? -static_cast<Int128>(rest) : static_cast<Int128>(rest);
}

// Bits of a float as the digest sees them: a NaN is a NaN, and -0 is 0 (databases compare them as equal, and
// SQLite does not keep the sign).
std::uint64_t float_bits(double value) {
  if (value != value) return 0x7ff8'0000'0000'0000u;
  if (value == 0) return 0;
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

// A batch's rows, each encoded as one run of bytes. Columns are written one after the other, into all rows.
class EncodedRows {
 public:
  EncodedRows(const data::Batch& batch, const std::vector<std::size_t>& order) {
    measure(batch);
    for (const auto i : order) write(batch.columns[i]);
  }
  // After writing, ends_[row] is where row ends, which is where the next one starts.
  ByteView row(std::size_t i) const {
    const std::size_t start = i == 0 ? 0 : ends_[i - 1];
    return ByteView{bytes_}.subspan(start, ends_[i] - start);
  }

 private:
  void measure(const data::Batch& batch) {
    std::vector<std::size_t> sizes(batch.rows, 0);
    for (const auto& column : batch.columns) {
      const std::size_t fixed = fixed_bytes(column.type().kind);
      const auto offsets = column.offsets();
      for (std::size_t row = 0; row < batch.rows; ++row) {
        if (column.is_null(row))
          sizes[row] += 1;
        else
          sizes[row] += 1 + (fixed ? fixed : sizeof(std::uint32_t) + offsets[row + 1] - offsets[row]);
      }
    }
    ends_.resize(batch.rows);
    std::exclusive_scan(sizes.begin(), sizes.end(), ends_.begin(), std::size_t{0});
    bytes_.resize(batch.rows == 0 ? 0 : ends_.back() + sizes.back());
  }

  void write(const Column& column) {
    switch (column.type().kind) {
      case Kind::boolean:
        return write_fixed(column, column.bools(), [](std::uint8_t v) { return v; });
      case Kind::date:
        return write_fixed(column, column.int32s(), [](std::int32_t v) { return v; });
      case Kind::float64:
        return write_fixed(column, column.doubles(), float_bits);
      case Kind::decimal:
        return write_decimals(column);
      case Kind::uuid:
        return write_uuids(column);
      case Kind::int64:
      case Kind::time:
      case Kind::timestamp:
      case Kind::timestamptz:
        return write_fixed(column, column.int64s(), [](std::int64_t v) { return v; });
      case Kind::number:
      case Kind::text:
      case Kind::bytes:
      case Kind::json:
        return write_texts(column);
    }
  }

  template <class Put>
  void each_row(const Column& column, Put&& put) {
    for (std::size_t row = 0; row < column.size(); ++row) {
      std::uint8_t* out = bytes_.data() + ends_[row];
      if (column.is_null(row)) {
        *out = kNull;
        ends_[row] += 1;
      } else {
        *out = kPresent;
        ends_[row] += 1 + put(row, out + 1);
      }
    }
  }
  template <class T, class Canonical>
  void write_fixed(const Column& column, std::span<const T> values, Canonical&& canonical) {
    each_row(column, [&](std::size_t row, std::uint8_t* out) {
      const auto value = canonical(values[row]);
      std::memcpy(out, &value, sizeof value);
      return sizeof value;
    });
  }
  void write_uuids(const Column& column) {
    each_row(column, [&](std::size_t row, std::uint8_t* out) {
      std::memcpy(out, column.uuid(row).data(), 16);
      return std::size_t{16};
    });
  }
  void write_decimals(const Column& column) {
    const auto values = column.decimals();
    const std::uint8_t column_scale = column.type().scale;
    each_row(column, [&](std::size_t row, std::uint8_t* out) {
      Int128 unscaled = values[row];
      std::uint8_t scale = column_scale;
      strip_zeros(unscaled, scale);
      std::memcpy(out, &unscaled, sizeof unscaled);
      out[sizeof unscaled] = scale;
      return kDecimalBytes;
    });
  }
  void write_texts(const Column& column) {
    each_row(column, [&](std::size_t row, std::uint8_t* out) {
      const auto text = column.text(row);
      const auto size = static_cast<std::uint32_t>(text.size());
      std::memcpy(out, &size, sizeof size);
      if (size != 0) std::memcpy(out + sizeof size, text.data(), size);
      return sizeof size + size;
    });
  }

  Bytes bytes_;
  std::vector<std::size_t> ends_;
};

std::uint64_t seed_from(std::string_view hex) { return XXH3_64bits(hex.data(), hex.size()); }

// Calls visit(hash) for every row, in order.
template <class Visit>
void each_hash(const data::Batch& batch, std::uint64_t seed, Visit&& visit) {
  const auto order = by_name(*batch.type);
  seed = seed_with_columns(seed, *batch.type, order);
  const EncodedRows rows{batch, order};
  for (std::size_t i = 0; i < batch.rows; ++i) {
    const auto row = rows.row(i);
    visit(XXH3_128bits_withSeed(row.data(), row.size(), seed));
  }
}

// Only `names` of a batch; a name it lacks is left out, for every row alike.
data::Batch only(const data::Batch& batch, const std::vector<std::string>& names) {
  auto type = std::make_shared<data::RowType>();
  data::Batch part;
  part.rows = batch.rows;
  for (const auto& name : names) {
    const int index = batch.column(name);
    if (index < 0) continue;
    type->push_back((*batch.type)[static_cast<std::size_t>(index)]);
    part.columns.push_back(batch.columns[static_cast<std::size_t>(index)]);
  }
  part.type = std::move(type);
  return part;
}

}  // namespace

RowDigest::RowDigest(std::string_view seed_hex) : seed_{seed_from(seed_hex)} {}

Result<RowDigest> RowDigest::read(std::string_view seed_hex, std::int64_t rows, std::string_view hex) {
  const auto bytes = from_hex(hex);
  if (!bytes || bytes->size() != 16) return fail(Code::invalid_request, "a digest has 32 hex digits");
  RowDigest out{seed_hex};
  out.rows_ = rows;
  for (std::size_t i = 0; i < 8; ++i) {
    out.high_ = out.high_ << 8 | (*bytes)[i];
    out.low_ = out.low_ << 8 | (*bytes)[i + 8];
  }
  return out;
}

void RowDigest::add(const data::Batch& batch) {
  Uint128 sum = static_cast<Uint128>(high_) << 64 | low_;
  each_hash(batch, seed_, [&](XXH128_hash_t hash) { sum += static_cast<Uint128>(hash.high64) << 64 | hash.low64; });
  low_ = static_cast<std::uint64_t>(sum);
  high_ = static_cast<std::uint64_t>(sum >> 64);
  rows_ += static_cast<std::int64_t>(batch.rows);
}

void RowDigest::add(const RowDigest& other) {
  const Uint128 sum =
      (static_cast<Uint128>(high_) << 64 | low_) + (static_cast<Uint128>(other.high_) << 64 | other.low_);
  low_ = static_cast<std::uint64_t>(sum);
  high_ = static_cast<std::uint64_t>(sum >> 64);
  rows_ += other.rows_;
}

std::vector<std::pair<std::uint64_t, std::uint64_t>> row_hashes(const data::Batch& batch, std::string_view seed_hex,
                                                                const std::vector<std::string>& columns) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> hashes;
  hashes.reserve(batch.rows);
  auto collect = [&](XXH128_hash_t hash) { hashes.emplace_back(hash.high64, hash.low64); };
  each_hash(columns.empty() ? batch : only(batch, columns), seed_from(seed_hex), collect);
  return hashes;
}

std::string RowDigest::hex() const { return fmt::format("{:016x}{:016x}", high_, low_); }

}  // namespace vmc::activities
