#include "sources/mysql/decode.hpp"

#include <bit>
#include <cstring>

#include "data/text_rules.hpp"
#include "data/value.hpp"
#include "sources/mysql/params.hpp"
#include "sources/mysql/types.hpp"

namespace vmc::sources::mysql {
namespace {

using data::ColumnBuilder;
using data::Int128;
using data::Kind;
using data::Type;
using Bytes8 = const unsigned char*;

constexpr const char* kMangled = "the server sent a value of another size";
constexpr const char* kTooManyDigits = "the number has more digits than the column declared when it was discovered";
constexpr std::int64_t kSecond = 1'000'000;

template <class T>
T load(Bytes8 at) {
  T value;
  std::memcpy(&value, at, sizeof value);  // the protocol is little-endian, and so is every machine vmc runs on
  return value;
}
static_assert(std::endian::native == std::endian::little);

template <class T>
const char* take(Bytes8& at, Bytes8 end, T& out) {
  if (static_cast<std::size_t>(end - at) < sizeof(T)) return kMangled;
  out = load<T>(at);
  at += sizeof(T);
  return nullptr;
}

// Length, then the bytes.
const char* take_text(Bytes8& at, Bytes8 end, std::string_view& out) {
  if (at >= end) return kMangled;
  std::uint64_t size = *at++;
  const std::size_t more = size == 252 ? 2 : size == 253 ? 3 : size == 254 ? 8 : 0;
  if (size == 251 || size == 255 || static_cast<std::size_t>(end - at) < more) return kMangled;
  if (more > 0) {
    size = 0;
    std::memcpy(&size, at, more);
    at += more;
  }
  if (static_cast<std::size_t>(end - at) < size) return kMangled;
  out = {reinterpret_cast<const char*>(at), static_cast<std::size_t>(size)};
  at += size;
  return nullptr;
}

template <class T>
const char* decode_int(Bytes8& at, Bytes8 end, Type, ColumnBuilder& out) {
  T value{};
  if (const char* why = take(at, end, value)) return why;
  if constexpr (std::is_same_v<T, std::uint64_t>)
    if (value > INT64_MAX) return "the number is larger than 64 bits with a sign hold";
  return out.int64(static_cast<std::int64_t>(value)), nullptr;
}

const char* decode_tiny_truth(Bytes8& at, Bytes8 end, Type, ColumnBuilder& out) {
  std::uint8_t value = 0;
  if (const char* why = take(at, end, value)) return why;
  if (value > 1) return "TINYINT(1) stands for true or false, and the value is neither 1 nor 0";
  return out.boolean(value != 0), nullptr;
}

template <class T>
const char* decode_int_as_decimal(Bytes8& at, Bytes8 end, Type type, ColumnBuilder& out) {
  T value{};
  if (const char* why = take(at, end, value)) return why;
  Int128 scaled = 0;
  const auto bound = data::power_of_ten(type.precision);
  if (__builtin_mul_overflow(Int128{value}, data::power_of_ten(type.scale), &scaled) || scaled >= bound ||
      scaled <= -bound)
    return kTooManyDigits;
  return out.decimal(scaled), nullptr;
}

const char* take_bits(Bytes8& at, Bytes8 end, std::uint64_t& value) {
  std::string_view bytes;
  if (const char* why = take_text(at, end, bytes)) return why;
  if (bytes.size() > 8) return kMangled;
  for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  return nullptr;
}

const char* decode_bit(Bytes8& at, Bytes8 end, Type type, ColumnBuilder& out) {
  std::uint64_t value = 0;
  if (const char* why = take_bits(at, end, value)) return why;
  if (type.kind == Kind::decimal) return out.decimal(Int128{value}), nullptr;
  if (type.kind == Kind::boolean && value > 1) return kMangled;
  if (type.kind == Kind::boolean) return out.boolean(value != 0), nullptr;
  if (value > INT64_MAX) return kTooManyDigits;
  return out.int64(static_cast<std::int64_t>(value)), nullptr;
}

template <class T>
const char* decode_real(Bytes8& at, Bytes8 end, Type, ColumnBuilder& out) {
  T value{};
  if (const char* why = take(at, end, value)) return why;
  return out.float64(value), nullptr;
}

// "-12.50" at the column's scale.
const char* decode_decimal(Bytes8& at, Bytes8 end, Type type, ColumnBuilder& out) {
  std::string_view text;
  if (const char* why = take_text(at, end, text)) return why;
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  Int128 value = 0;
  std::uint64_t small = 0;
  int digits = 0, fraction = -1;
  for (const char c : text) {
    if (c == '.' && fraction < 0) {
      fraction = 0;
      continue;
    }
    if (c < '0' || c > '9') return "the server sent a number in another form";
    if (fraction >= type.scale && fraction >= 0) {
      if (c != '0') return kTooManyDigits;
      continue;
    }
    if (fraction >= 0) ++fraction;
    if (digits == 0 && c == '0') continue;
    if (++digits > type.precision) return kTooManyDigits;
    if (digits <= 18)
      small = small * 10 + static_cast<unsigned>(c - '0');
    else
      value = (digits == 19 ? Int128{small} : value) * 10 + (c - '0');
  }
  if (digits <= 18) value = small;
  if (const int missing = type.scale - std::max(fraction, 0); missing > 0) {
    if (digits + missing > type.precision && value != 0) return kTooManyDigits;
    value *= data::power_of_ten(static_cast<unsigned>(missing));
  }
  return out.decimal(negative ? -value : value), nullptr;
}

const char* decode_number(Bytes8& at, Bytes8 end, Type, ColumnBuilder& out) {
  std::string_view text;
  if (const char* why = take_text(at, end, text)) return why;
  const auto canonical = data::canonical_number(text);
  if (!canonical) return "the server sent a number in another form";
  return out.text(*canonical), nullptr;
}

const char* decode_bytes(Bytes8& at, Bytes8 end, Type, ColumnBuilder& out) {
  std::string_view bytes;
  if (const char* why = take_text(at, end, bytes)) return why;
  return out.text(bytes), nullptr;
}

const char* decode_text(Bytes8& at, Bytes8 end, Type, ColumnBuilder& out) {
  std::string_view text;
  if (const char* why = take_text(at, end, text)) return why;
  if (!data::is_valid_utf8(text)) return "the text is not valid UTF-8";
  return out.text(text), nullptr;
}

const char* decode_json(Bytes8& at, Bytes8 end, Type, ColumnBuilder& out) {
  std::string_view text;
  if (const char* why = take_text(at, end, text)) return why;
  if (!data::is_json_text(text)) return "the document is nested too deep or not JSON";
  return out.text(text), nullptr;
}

const char* decode_uuid(Bytes8& at, Bytes8 end, Type, ColumnBuilder& out) {
  std::string_view text;
  if (const char* why = take_text(at, end, text)) return why;
  const auto uuid = data::parse_uuid(text);
  if (!uuid) return "the server sent a UUID in another form";
  return out.uuid(uuid->bytes), nullptr;
}

// Year, month, day; then hour, minute, second; then microseconds, each part only where it is not zero.
const char* take_instant(Bytes8& at, Bytes8 end, std::int32_t& days, std::int64_t& of_day) {
  if (at >= end) return kMangled;
  const std::size_t size = *at++;
  if (static_cast<std::size_t>(end - at) < size || (size != 0 && size != 4 && size != 7 && size != 11)) return kMangled;
  const Bytes8 from = at;
  at += size;
  const unsigned month = size ? from[2] : 0, day = size ? from[3] : 0;
  if (month == 0 || day == 0) return "a date with a zero for day or month is none, and cannot be carried";
  days = days_of(load<std::uint16_t>(from), month, day);
  of_day = 0;
  if (size >= 7) of_day = ((from[4] * 60 + from[5]) * 60 + from[6]) * kSecond;
  if (size == 11) of_day += load<std::uint32_t>(from + 7);
  return nullptr;
}

const char* decode_date(Bytes8& at, Bytes8 end, Type, ColumnBuilder& out) {
  std::int32_t days = 0;
  std::int64_t of_day = 0;
  if (const char* why = take_instant(at, end, days, of_day)) return why;
  return out.date(days), nullptr;
}

const char* decode_timestamp(Bytes8& at, Bytes8 end, Type, ColumnBuilder& out) {
  std::int32_t days = 0;
  std::int64_t of_day = 0;
  if (const char* why = take_instant(at, end, days, of_day)) return why;
  return out.int64(days * 86'400 * kSecond + of_day), nullptr;
}

// Sign, days, hour, minute, second; then microseconds.
const char* decode_time(Bytes8& at, Bytes8 end, Type, ColumnBuilder& out) {
  if (at >= end) return kMangled;
  const std::size_t size = *at++;
  if (static_cast<std::size_t>(end - at) < size || (size != 0 && size != 8 && size != 12)) return kMangled;
  std::int64_t micros = 0;
  if (size >= 8) {
    const std::int64_t hours = std::int64_t{load<std::uint32_t>(at + 1)} * 24 + at[5];
    micros = ((hours * 60 + at[6]) * 60 + at[7]) * kSecond;
    if (size == 12) micros += load<std::uint32_t>(at + 8);
    if (micros > data::kTimeMax) return "the time is longer than 838:59:59";
    if (at[0]) micros = -micros;
  }
  at += size;
  return out.int64(micros), nullptr;
}

bool is_text_type(const MYSQL_FIELD& field) {
  switch (field.type) {
    case MYSQL_TYPE_VARCHAR:
    case MYSQL_TYPE_VAR_STRING:
    case MYSQL_TYPE_STRING:
    case MYSQL_TYPE_ENUM:
    case MYSQL_TYPE_SET:
    case MYSQL_TYPE_TINY_BLOB:
    case MYSQL_TYPE_MEDIUM_BLOB:
    case MYSQL_TYPE_LONG_BLOB:
    case MYSQL_TYPE_BLOB:
      return true;
    default:
      return false;
  }
}

Decoder integer_decoder(const MYSQL_FIELD& sent) {
  const bool is_unsigned = (sent.flags & UNSIGNED_FLAG) != 0;
  switch (sent.type) {
    case MYSQL_TYPE_TINY:
      return is_unsigned ? decode_int<std::uint8_t> : decode_int<std::int8_t>;
    case MYSQL_TYPE_SHORT:
      return is_unsigned ? decode_int<std::uint16_t> : decode_int<std::int16_t>;
    case MYSQL_TYPE_YEAR:
      return decode_int<std::uint16_t>;
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_LONG:
      return is_unsigned ? decode_int<std::uint32_t> : decode_int<std::int32_t>;
    case MYSQL_TYPE_LONGLONG:
      return is_unsigned ? decode_int<std::uint64_t> : decode_int<std::int64_t>;
    case MYSQL_TYPE_BIT:
      return decode_bit;
    default:
      return nullptr;
  }
}

}  // namespace

Decoder decoder_for(Type type, const MYSQL_FIELD& sent) {
  const auto when = [](bool fits, Decoder decoder) { return fits ? decoder : nullptr; };
  const bool number = sent.type == MYSQL_TYPE_NEWDECIMAL || sent.type == MYSQL_TYPE_DECIMAL;
  switch (type.kind) {
    case Kind::boolean:
      if (sent.type == MYSQL_TYPE_BIT) return decode_bit;
      return when(sent.type == MYSQL_TYPE_TINY, decode_tiny_truth);
    case Kind::int64:
      return integer_decoder(sent);
    case Kind::float64:
      if (sent.type == MYSQL_TYPE_FLOAT) return decode_real<float>;
      return when(sent.type == MYSQL_TYPE_DOUBLE, decode_real<double>);
    case Kind::decimal:
      if (sent.type == MYSQL_TYPE_LONGLONG)
        return sent.flags & UNSIGNED_FLAG ? decode_int_as_decimal<std::uint64_t> : decode_int_as_decimal<std::int64_t>;
      if (sent.type == MYSQL_TYPE_BIT && type.scale == 0) return decode_bit;
      return when(number, decode_decimal);
    case Kind::number:
      return when(number, decode_number);
    case Kind::text:
      if (sent.type == MYSQL_TYPE_NULL) return decode_text;
      return when(is_text_type(sent) &&
                      (!is_binary(sent) || (sent.flags & (ENUM_FLAG | SET_FLAG)) != 0 || !extended_name(sent).empty()),
                  decode_text);
    case Kind::bytes:
      return when(sent.type == MYSQL_TYPE_GEOMETRY || (is_text_type(sent) && is_binary(sent)), decode_bytes);
    case Kind::date:
      return when(sent.type == MYSQL_TYPE_DATE || sent.type == MYSQL_TYPE_NEWDATE, decode_date);
    case Kind::time:
      return when(sent.type == MYSQL_TYPE_TIME, decode_time);
    case Kind::timestamp:
      return when(sent.type == MYSQL_TYPE_DATETIME, decode_timestamp);
    case Kind::timestamptz:
      return when(sent.type == MYSQL_TYPE_TIMESTAMP, decode_timestamp);
    case Kind::uuid:
      return when(is_text_type(sent), decode_uuid);
    case Kind::json:
      return when(sent.type == MYSQL_TYPE_JSON || is_text_type(sent), decode_json);
  }
  return nullptr;
}

std::optional<std::string> as_text(const MYSQL_FIELD& field, Reach reach, unsigned char*& next) {
  const unsigned char* at = reach.at;
  const auto moved = [&] { next = const_cast<unsigned char*>(at); };
  if (is_text_type(field)) {
    std::string_view text;
    if (take_text(at, reach.end, text)) return std::nullopt;
    moved();
    return std::string{text};
  }
  const auto decoder = field.type == MYSQL_TYPE_BIT ? nullptr : integer_decoder(field);
  if (!decoder) return std::nullopt;
  data::ColumnBuilder one{{Kind::int64}};
  if (decoder(at, reach.end, {Kind::int64}, one)) return std::nullopt;
  moved();
  return std::to_string(one.finish().int64s()[0]);
}

}  // namespace vmc::sources::mysql
