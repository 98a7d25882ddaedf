#include "sources/mssql/decode.hpp"

#include <cstring>

#include <fmt/format.h>

#include "data/text_rules.hpp"
#include "data/value.hpp"
#include "sources/mssql/dblib.hpp"
#include "sources/mssql/numeric.hpp"
#include "sources/mssql/types.hpp"

namespace vmc::sources::mssql {
namespace {

using data::ColumnBuilder;
using data::Kind;
using data::Type;

constexpr const char* kMangled = "the server sent a value of another size";
constexpr std::int64_t kDay1900 = -25'567;  // days from 1970
constexpr std::int64_t kTicksPerSecond = 10'000'000;

template <class T>
bool take(const unsigned char* bytes, int size, T& out) {
  if (size != static_cast<int>(sizeof out)) return false;
  std::memcpy(&out, bytes, sizeof out);
  return true;
}

const char* decode_bit(const unsigned char* bytes, int size, Type, ColumnBuilder& out) {
  if (size != 1) return kMangled;
  return out.boolean(*bytes != 0), nullptr;
}

template <class T>
const char* decode_integer(const unsigned char* bytes, int size, Type, ColumnBuilder& out) {
  T value;
  if (!take(bytes, size, value)) return kMangled;
  return out.int64(value), nullptr;
}

template <class T>
const char* decode_real(const unsigned char* bytes, int size, Type, ColumnBuilder& out) {
  T value;
  if (!take(bytes, size, value)) return kMangled;
  return out.float64(value), nullptr;
}

const char* decode_numeric(const unsigned char* bytes, int size, Type type, ColumnBuilder& out) {
  DBNUMERIC value;
  if (!take(bytes, size, value)) return kMangled;
  const auto unscaled = from_numeric(value);
  if (!unscaled || value.scale != type.scale || value.precision > type.precision)
    return "the number has more digits than the column declared when it was discovered";
  return out.decimal(*unscaled), nullptr;
}

const char* decode_money(const unsigned char* bytes, int size, Type type, ColumnBuilder& out) {
  DBMONEY value;
  if (!take(bytes, size, value) || type.scale != 4) return kMangled;
  return out.decimal((static_cast<std::int64_t>(value.mnyhigh) << 32) | value.mnylow), nullptr;
}

const char* decode_money4(const unsigned char* bytes, int size, Type type, ColumnBuilder& out) {
  DBMONEY4 value;
  if (!take(bytes, size, value) || type.scale != 4) return kMangled;
  return out.decimal(value.mny4), nullptr;
}

const char* decode_text(const unsigned char* bytes, int size, Type, ColumnBuilder& out) {
  const std::string_view text{reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)};
  if (!data::is_valid_utf8(text)) return "the text is not valid Unicode";
  return out.text(text), nullptr;
}

const char* decode_bytes(const unsigned char* bytes, int size, Type, ColumnBuilder& out) {
  return out.text({reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)}), nullptr;
}

const char* decode_uuid(const unsigned char* bytes, int size, Type, ColumnBuilder& out) {
  if (size != 16) return kMangled;
  return out.uuid(swapped_uuid(bytes)), nullptr;
}

const char* decode_datetime(const unsigned char* bytes, int size, Type, ColumnBuilder& out) {
  DBDATETIME value;
  if (!take(bytes, size, value)) return kMangled;
  // 1/300 s, shown as whole milliseconds: .000, .003, .007.
  const std::int64_t millis = (std::int64_t{value.dttime} * 10 + 1) / 3;
  return out.int64((kDay1900 + value.dtdays) * kDayMicros + millis * 1000), nullptr;
}

const char* decode_smalldatetime(const unsigned char* bytes, int size, Type, ColumnBuilder& out) {
  DBDATETIME4 value;
  if (!take(bytes, size, value)) return kMangled;
  return out.int64((kDay1900 + value.days) * kDayMicros + std::int64_t{value.minutes} * 60'000'000), nullptr;
}

const char* decode_date(const unsigned char* bytes, int size, Type, ColumnBuilder& out) {
  DBDATETIMEALL value;
  if (!take(bytes, size, value)) return kMangled;
  return out.date(static_cast<std::int32_t>(kDay1900 + value.date)), nullptr;
}

// With a date: days count.
template <bool dated>
const char* decode_micros(const unsigned char* bytes, int size, Type, ColumnBuilder& out) {
  DBDATETIMEALL value;
  if (!take(bytes, size, value)) return kMangled;
  if (value.time % 10 != 0)
    return "the time has seven digits of a second, and the column declared fewer when it was discovered";
  const auto day = dated ? (kDay1900 + value.date) * kDayMicros : 0;
  return out.int64(day + static_cast<std::int64_t>(value.time / 10)), nullptr;
}

// As the server writes it: "13:00:00.1234567", "2024-02-29 13:00:00.1234567", "… +02:00".
std::string time_text(std::int64_t ticks) {
  const auto seconds = ticks / kTicksPerSecond;
  return fmt::format("{:02}:{:02}:{:02}.{:07}", seconds / 3600, seconds / 60 % 60, seconds % 60,
                     ticks % kTicksPerSecond);
}

template <bool dated, bool zoned>
const char* decode_ticks(const unsigned char* bytes, int size, Type, ColumnBuilder& out) {
  DBDATETIMEALL value;
  if (!take(bytes, size, value)) return kMangled;
  constexpr std::int64_t kDayTicks = 24 * 3600 * kTicksPerSecond;
  const std::int64_t offset = zoned ? value.offset : 0;
  std::int64_t day = kDay1900 + value.date,
               ticks = static_cast<std::int64_t>(value.time) + offset * 60 * kTicksPerSecond;
  if (ticks < 0) day -= 1, ticks += kDayTicks;
  if (ticks >= kDayTicks) day += 1, ticks -= kDayTicks;
  std::string text = dated ? data::format_date(static_cast<std::int32_t>(day)) + " " : "";
  text += time_text(ticks);
  if (zoned)
    text += fmt::format(" {}{:02}:{:02}", offset < 0 ? '-' : '+', std::abs(offset) / 60, std::abs(offset) % 60);
  return out.text(text), nullptr;
}

Decoder decoder_of_text(int dbtype) {
  switch (dbtype) {
    case 35:
    case 39:
    case 47:
      return decode_text;
    case 41:
      return decode_ticks<false, false>;
    case 42:
      return decode_ticks<true, false>;
    case 43:
      return decode_ticks<true, true>;
    default:
      return nullptr;
  }
}

}  // namespace

Decoder decoder_for(Type type, int dbtype) {
  const auto when = [&](std::initializer_list<int> types, Decoder decoder) -> Decoder {
    for (int one : types)
      if (one == dbtype) return decoder;
    return nullptr;
  };
  switch (type.kind) {
    case Kind::boolean:
      return when({50, 104}, decode_bit);
    case Kind::int64:
      if (dbtype == 48) return decode_integer<std::uint8_t>;
      if (dbtype == 52) return decode_integer<std::int16_t>;
      if (dbtype == 56) return decode_integer<std::int32_t>;
      return when({127}, decode_integer<std::int64_t>);
    case Kind::float64:
      if (dbtype == 59) return decode_real<float>;
      return when({62}, decode_real<double>);
    case Kind::decimal:
      if (dbtype == 60) return decode_money;
      if (dbtype == 122) return decode_money4;
      return when({106, 108}, decode_numeric);
    case Kind::text:
      return decoder_of_text(dbtype);
    case Kind::bytes:
      return when({34, 37, 45}, decode_bytes);
    case Kind::date:
      return when({40}, decode_date);
    case Kind::time:
      return when({41}, decode_micros<false>);
    case Kind::timestamp:
      if (dbtype == 61) return decode_datetime;
      if (dbtype == 58) return decode_smalldatetime;
      return when({42}, decode_micros<true>);
    case Kind::timestamptz:
      return when({43}, decode_micros<true>);
    case Kind::uuid:
      return when({36}, decode_uuid);
    default:
      return nullptr;
  }
}

}  // namespace vmc::sources::mssql
