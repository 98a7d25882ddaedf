#include "sources/postgres/decode.hpp"

#include <bit>

#include "data/text_rules.hpp"
#include "sources/postgres/byte_order.hpp"
#include "sources/postgres/params.hpp"
#include "sources/postgres/types.hpp"

namespace vmc::sources::postgres {
namespace {

using data::ColumnBuilder;
using data::Int128;
using data::Kind;
using data::Type;

constexpr const char* kMangled = "the server sent a value of another size";
constexpr const char* kOutOfRange = "the instant is outside what vmc can carry";
constexpr const char* kNoNumber = "NaN or infinity cannot be carried as a decimal";
constexpr const char* kTooManyDigits =
    "the number has more digits than the column declared when it was discovered";

const char* decode_bool(const char* bytes, int size, Type, ColumnBuilder& out) {
  if (size != 1) return kMangled;
  return out.boolean(*bytes != 0), nullptr;
}
const char* decode_int2(const char* bytes, int size, Type, ColumnBuilder& out) {
  if (size != 2) return kMangled;
  return out.int64(static_cast<std::int16_t>(load_big<std::uint16_t>(bytes))), nullptr;
}
const char* decode_int4(const char* bytes, int size, Type, ColumnBuilder& out) {
  if (size != 4) return kMangled;
  return out.int64(static_cast<std::int32_t>(load_big<std::uint32_t>(bytes))), nullptr;
}
const char* decode_oid(const char* bytes, int size, Type, ColumnBuilder& out) {
  if (size != 4) return kMangled;
  return out.int64(load_big<std::uint32_t>(bytes)), nullptr;
}
const char* decode_int8(const char* bytes, int size, Type, ColumnBuilder& out) {
  if (size != 8) return kMangled;
  return out.int64(static_cast<std::int64_t>(load_big<std::uint64_t>(bytes))), nullptr;
}
const char* decode_float4(const char* bytes, int size, Type, ColumnBuilder& out) {
  if (size != 4) return kMangled;
  return out.float64(std::bit_cast<float>(load_big<std::uint32_t>(bytes))), nullptr;
}
const char* decode_float8(const char* bytes, int size, Type, ColumnBuilder& out) {
  if (size != 8) return kMangled;
  return out.float64(std::bit_cast<double>(load_big<std::uint64_t>(bytes))), nullptr;
}
const char* decode_text(const char* bytes, int size, Type, ColumnBuilder& out) {
  return out.text({bytes, static_cast<std::size_t>(size)}), nullptr;
}
const char* decode_checked_text(const char* bytes, int size, Type, ColumnBuilder& out) {
  const std::string_view text{bytes, static_cast<std::size_t>(size)};
  if (!data::is_valid_utf8(text)) return "the text is not valid UTF-8";
  return out.text(text), nullptr;
}
const char* decode_json(const char* bytes, int size, Type, ColumnBuilder& out) {
  const std::string_view text{bytes, static_cast<std::size_t>(size)};
  if (!data::is_json_text(text)) return "the document is nested too deep or not JSON";
  return out.text(text), nullptr;
}
const char* decode_jsonb(const char* bytes, int size, Type type, ColumnBuilder& out) {
  if (size < 1 || *bytes != 1) return kMangled;
  return decode_json(bytes + 1, size - 1, type, out);
}
const char* decode_uuid(const char* bytes, int size, Type, ColumnBuilder& out) {
  if (size != 16) return kMangled;
  return out.uuid({reinterpret_cast<const std::uint8_t*>(bytes), 16}), nullptr;
}
const char* decode_date(const char* bytes, int size, Type, ColumnBuilder& out) {
  if (size != 4) return kMangled;
  std::int32_t days = 0;
  if (!from_server_days(static_cast<std::int32_t>(load_big<std::uint32_t>(bytes)), days)) return kOutOfRange;
  return out.date(days), nullptr;
}
const char* decode_instant(const char* bytes, int size, Type, ColumnBuilder& out) {
  if (size != 8) return kMangled;
  std::int64_t micros = 0;
  if (!from_server_micros(static_cast<std::int64_t>(load_big<std::uint64_t>(bytes)), micros))
    return kOutOfRange;
  return out.int64(micros), nullptr;
}

// numeric: groups of four decimal digits, the first worth 10000^weight.
struct Numeric {
  int groups = 0;
  int weight = 0;
  std::uint16_t sign = 0;
  const char* digits = nullptr;
  unsigned group(int i) const { return i < groups ? load_big<std::uint16_t>(digits + 2 * i) : 0; }
};
constexpr std::uint16_t kNegative = 0x4000, kNan = 0xc000;

bool parse_numeric(const char* bytes, int size, Numeric& out) {
  if (size < 8) return false;
  out.groups = load_big<std::uint16_t>(bytes);
  out.weight = static_cast<std::int16_t>(load_big<std::uint16_t>(bytes + 2));
  out.sign = load_big<std::uint16_t>(bytes + 4);
  out.digits = bytes + 8;
  return size == 8 + 2 * out.groups;
}

constexpr int kPowers[] = {1, 10, 100, 1000, 10'000};

const char* decode_decimal(const char* bytes, int size, Type type, ColumnBuilder& out) {
  Numeric number;
  if (!parse_numeric(bytes, size, number)) return kMangled;
  if (number.sign != 0 && number.sign != kNegative) return kNoNumber;
  if (number.groups == 0) return out.decimal(0), nullptr;
  // The exponent of the last group at the column's scale: negative means digits to be cut, which must be
  // zeros.
  const int last = (number.weight - number.groups + 1) * 4 + type.scale;
  const int whole = last < 0 ? number.groups - 1 : number.groups;
  if (last <= -4 || number.groups > 11) return kTooManyDigits;
  Int128 value = 0;
  if (whole <= 4) {
    std::int64_t small = 0;
    for (int i = 0; i < whole; ++i) small = small * 10'000 + number.group(i);
    value = small;
  } else {
    for (int i = 0; i < whole; ++i)
      if (__builtin_mul_overflow(value, Int128{10'000}, &value) ||
          __builtin_add_overflow(value, Int128{number.group(i)}, &value))
        return kTooManyDigits;
  }
  if (last < 0) {
    const auto cut = static_cast<unsigned>(kPowers[-last]);
    const auto group = number.group(number.groups - 1);
    if (group % cut != 0) return kTooManyDigits;
    if (__builtin_mul_overflow(value, Int128{kPowers[4 + last]}, &value)) return kTooManyDigits;
    value += group / cut;
  }
  for (int zeros = last; zeros > 0; zeros -= 4)
    if (__builtin_mul_overflow(value, Int128{kPowers[zeros < 4 ? zeros : 4]}, &value)) return kTooManyDigits;
  static const auto kBounds = [] {
    std::array<Int128, 39> bounds{};
    bounds[0] = 1;
    for (std::size_t i = 1; i < bounds.size(); ++i) bounds[i] = bounds[i - 1] * 10;
    return bounds;
  }();
  if (value >= kBounds[type.precision]) return kTooManyDigits;
  return out.decimal(number.sign == kNegative ? -value : value), nullptr;
}

// The canonical text: no exponent, no leading zeros, no zeros at the end of a fraction.
const char* decode_number(const char* bytes, int size, Type, ColumnBuilder& out) {
  Numeric number;
  if (!parse_numeric(bytes, size, number)) return kMangled;
  if (number.sign == kNan) return out.text("NaN"), nullptr;
  if (number.sign != 0 && number.sign != kNegative) return "infinity cannot be carried as a number";
  constexpr int kGroupsMax = static_cast<int>(data::kNumberDigitsMax) / 4 + 1;
  if (number.weight > kGroupsMax || number.weight - number.groups < -2 * kGroupsMax)
    return "the number has more than 1,000 digits";
  std::string integer, fraction;
  const auto append = [](std::string& to, unsigned group) {
    for (int power = 3; power >= 0; --power)
      to += static_cast<char>('0' + group / static_cast<unsigned>(kPowers[power]) % 10);
  };
  for (int i = 0; i <= number.weight; ++i) append(integer, number.group(i));
  for (int i = -1; i > number.weight; --i) append(fraction, 0);
  for (int i = std::max(0, number.weight + 1); i < number.groups; ++i) append(fraction, number.group(i));
  integer.erase(0, std::min(integer.find_first_not_of('0'), integer.size()));
  fraction.erase(fraction.find_last_not_of('0') + 1);
  std::string text = number.sign == kNegative && !(integer.empty() && fraction.empty()) ? "-" : "";
  text += integer.empty() ? "0" : integer;
  if (!fraction.empty()) text += "." + fraction;
  if (!data::is_canonical_number(text)) return "the number has more than 1,000 digits";
  return out.text(text), nullptr;
}

}  // namespace

Decoder decoder_for(Type type, Oid sent, bool check_text) {
  const auto when = [](bool fits, Decoder decoder) { return fits ? decoder : nullptr; };
  switch (type.kind) {
    case Kind::boolean:
      return when(sent == oid::boolean, decode_bool);
    case Kind::int64:
      if (sent == oid::int8) return decode_int8;
      if (sent == oid::int4) return decode_int4;
      if (sent == oid::int2) return decode_int2;
      return when(sent == oid::oid, decode_oid);
    case Kind::float64:
      if (sent == oid::float8) return decode_float8;
      return when(sent == oid::float4, decode_float4);
    case Kind::decimal:
      return when(sent == oid::numeric, decode_decimal);
    case Kind::number:
      return when(sent == oid::numeric, decode_number);
    case Kind::text:
      if (sent == oid::text || sent == oid::varchar || sent == oid::bpchar || sent == oid::name)
        return check_text ? decode_checked_text : decode_text;
      return nullptr;
    case Kind::bytes:
      return when(sent == oid::bytea, decode_text);
    case Kind::date:
      return when(sent == oid::date, decode_date);
    case Kind::time:
      return when(sent == oid::time, decode_int8);
    case Kind::timestamp:
      return when(sent == oid::timestamp, decode_instant);
    case Kind::timestamptz:
      return when(sent == oid::timestamptz, decode_instant);
    case Kind::uuid:
      return when(sent == oid::uuid, decode_uuid);
    case Kind::json:
      if (sent == oid::jsonb) return decode_jsonb;
      return when(sent == oid::json || sent == oid::text, decode_json);
  }
  return nullptr;
}

}  // namespace vmc::sources::postgres
