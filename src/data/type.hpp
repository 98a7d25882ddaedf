// Column types: what a value is on every hop, exactly.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace vmc::data {

__extension__ typedef __int128 Int128;

// The number is part of the chunk format: never reuse one.
enum class Kind : std::uint8_t {
  boolean = 1,      // 1 byte a value, 0 or 1
  int64 = 2,
  float64 = 3,
  decimal = 4,      // 16-byte integer, scaled by 10^scale; precision 1..38, scale 0..38
  number = 5,       // decimal number without bound, as canonical text (no exponent, no leading zeros, "NaN" allowed)
  text = 6,         // UTF-8
  bytes = 7,
  date = 8,         // int32 days since 1970-01-01
  time = 9,         // int64 µs; -838:59:59 to 838:59:59
  timestamp = 10,   // int64 µs since 1970-01-01 00:00, no zone
  timestamptz = 11, // int64 µs since 1970-01-01 00:00 UTC
  uuid = 12,        // 16 bytes
  json = 13,        // UTF-8 JSON text, as the source wrote it
};

struct Type {
  Kind kind = Kind::text;
  std::uint8_t precision = 0;  // decimal only
  std::uint8_t scale = 0;      // decimal only
  bool operator==(const Type&) const = default;
};

struct Field {
  std::string name;
  Type type;
  bool nullable = true;
  bool operator==(const Field&) const = default;
};

using RowType = std::vector<Field>;
using RowTypePtr = std::shared_ptr<const RowType>;  // shared by all batches of a stream

// "int64", "decimal(12,2)", "timestamptz": the form used in JSON and messages.
std::string to_string(Type type);
Result<Type> type_named(std::string_view text);

// Bytes a value takes in the value buffer; 0 for text, bytes, number and json, which have offsets.
std::size_t width(Kind kind);

// Timestamps a database may hold outside any calendar ('infinity').
inline constexpr std::int64_t kInfinity = INT64_MAX;
inline constexpr std::int64_t kMinusInfinity = INT64_MIN;
// The same for dates.
inline constexpr std::int32_t kDateInfinity = INT32_MAX;
inline constexpr std::int32_t kDateMinusInfinity = INT32_MIN;
// time: the widest a database holds, 838:59:59 either way.
inline constexpr std::int64_t kTimeMax = (838LL * 3600 + 59 * 60 + 59) * 1'000'000;

inline constexpr std::uint8_t kDecimalDigits = 38;
// 10^exponent, for 0..38.
Int128 power_of_ten(unsigned exponent);

}  // namespace vmc::data
