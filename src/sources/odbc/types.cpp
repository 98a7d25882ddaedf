#include "sources/odbc/types.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "core/text.hpp"
#include "sources/odbc/driver_manager.hpp"

namespace vmc::sources::odbc {
namespace {

using data::Kind;
using data::Type;

constexpr int kMicroDigits = 6;
// What psqlodbc says of a numeric without limits.
constexpr std::int64_t kPostgresOpenSize = 28;
constexpr int kPostgresOpenDigits = 6;
// Microsoft's own.
constexpr int kTime2 = -154, kZoned = -155, kXml = -152;

std::string base_name(const DriverType& type) {
  return lowered(std::string_view{type.name}.substr(0, type.name.find('(')));
}

// To a driver that asks as those of old, SQL Server's newer types are texts of their length, and only their
// names say what they are. The digits of a second are in that length.
std::optional<DriverType> mssql_time(const DriverType& type) {
  struct Time {
    std::string_view name;
    int code;
    std::int64_t whole;  // characters without a fraction
  };
  constexpr Time kTimes[] = {{"date", SQL_TYPE_DATE, 10},
                             {"time", kTime2, 8},
                             {"datetime2", SQL_TYPE_TIMESTAMP, 19},
                             {"datetimeoffset", kZoned, 26}};
  const auto name = base_name(type);
  for (const auto& time : kTimes) {
    if (name != time.name) continue;
    auto out = type;
    out.code = time.code;
    if (!out.digits) out.digits = static_cast<int>(std::max<std::int64_t>(0, type.size - time.whole - 1));
    return out;
  }
  return std::nullopt;
}

// What a family's name says better than its code does.
std::optional<Type> by_name(Family family, const DriverType& type) {
  const auto name = base_name(type);
  if (name == "json" || name == "jsonb") return Type{Kind::json};
  if (name == "uuid") return Type{Kind::uuid};
  if (family == Family::postgres) {
    if (name == "timestamptz") return Type{Kind::timestamptz};
    if (name == "numeric" && type.size == kPostgresOpenSize && type.digits == kPostgresOpenDigits)
      return Type{Kind::number};
    if (name == "money" || name == "xid") return Type{Kind::text};  // an xid is cast to no number
  }
  if (family == Family::mysql) {
    if (name == "timestamp") return Type{Kind::timestamptz};
    if (name == "bit" && type.code != SQL_BIT) return Type{Kind::bytes};
    if (name == "inet4" || name == "inet6") return Type{Kind::text};
  }
  if (name.find("unsigned") != name.npos && type.code == SQL_BIGINT) return Type{Kind::decimal, 20, 0};
  return std::nullopt;
}

}  // namespace

std::string declared_name(Family family, const DriverType& type) {
  if (type.name.find('(') != type.name.npos) return type.name;
  if (family == Family::mssql) {
    const auto time = mssql_time(type);
    if (time)
      return time->code == SQL_TYPE_DATE ? type.name : fmt::format("{}({})", type.name, *time->digits);
    if (base_name(type).ends_with("money")) return type.name;
  }
  switch (type.code) {
    case SQL_CHAR:
    case SQL_VARCHAR:
    case SQL_WCHAR:
    case SQL_WVARCHAR:
    case SQL_BINARY:
    case SQL_VARBINARY:
      return type.size > 0 ? fmt::format("{}({})", type.name, type.size) : type.name;
    case SQL_DECIMAL:
    case SQL_NUMERIC:
      return type.size > 0 ? fmt::format("{}({},{})", type.name, type.size, type.digits.value_or(0))
                           : type.name;
    default:
      return type.name;
  }
}

Type exact_number(std::int64_t precision, int scale) {
  // A negative scale rounds in front of the point, one above the precision has zeros behind it.
  const auto digits = scale < 0 ? precision - scale : std::max<std::int64_t>(precision, scale);
  if (precision < 1 || digits > data::kDecimalDigits) return {Kind::number};
  return {Kind::decimal, static_cast<std::uint8_t>(digits), static_cast<std::uint8_t>(std::max(scale, 0))};
}

std::optional<Type> type_of(Family family, const DriverType& told) {
  if (const auto known = by_name(family, told)) return known;
  const auto time = family == Family::mssql ? mssql_time(told) : std::nullopt;
  const auto& type = time ? *time : told;
  const bool fine = type.digits.value_or(0) > kMicroDigits;  // a microsecond cannot hold it: as its text
  switch (type.code) {
    case SQL_BIT:
      return Type{Kind::boolean};
    case SQL_TINYINT:
    case SQL_SMALLINT:
    case SQL_INTEGER:
    case SQL_BIGINT:
      return Type{Kind::int64};
    case SQL_REAL:
    case SQL_FLOAT:
    case SQL_DOUBLE:
      return Type{Kind::float64};
    case SQL_DECIMAL:
    case SQL_NUMERIC:
      return exact_number(type.size, type.digits.value_or(0));
    case SQL_CHAR:
    case SQL_VARCHAR:
    case SQL_LONGVARCHAR:
    case SQL_WCHAR:
    case SQL_WVARCHAR:
    case SQL_WLONGVARCHAR:
    case kXml:
      return Type{Kind::text};
    case SQL_BINARY:
    case SQL_VARBINARY:
    case SQL_LONGVARBINARY:
      return Type{Kind::bytes};
    case SQL_TYPE_DATE:
      return Type{Kind::date};
    case SQL_TYPE_TIME:
    case kTime2:
      return Type{fine ? Kind::text : Kind::time};
    case SQL_TYPE_TIMESTAMP:
      return Type{fine ? Kind::text : Kind::timestamp};
    case kZoned:
      return Type{fine ? Kind::text : Kind::timestamptz};
    case SQL_GUID:
      return Type{Kind::uuid};
    default:
      // 101 to 113: intervals.
      if (type.code >= SQL_INTERVAL_YEAR && type.code <= SQL_INTERVAL_MINUTE_TO_SECOND)
        return Type{Kind::text};
      return std::nullopt;
  }
}

}  // namespace vmc::sources::odbc
