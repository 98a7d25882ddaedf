#include "sources/mssql/types.hpp"

#include <cmath>

#include <fmt/format.h>

namespace vmc::sources::mssql {
namespace {

using data::Kind;
using data::Type;

constexpr std::int32_t kFirstDay = -719'162, kLastDay = 2'932'896;

bool is(const CatalogueType& type, std::initializer_list<std::string_view> names) {
  for (auto name : names)
    if (type.name == name) return true;
  return false;
}

Type decimal(int precision, int scale) {
  return {Kind::decimal, static_cast<std::uint8_t>(precision), static_cast<std::uint8_t>(scale)};
}

}  // namespace

std::string declared_name(const CatalogueType& type) {
  const auto sized = [&](int units) {
    return type.max_length < 0 ? type.name + "(max)" : fmt::format("{}({})", type.name, units);
  };
  if (is(type, {"varchar", "char", "varbinary", "binary"})) return sized(type.max_length);
  if (is(type, {"nvarchar", "nchar"})) return sized(type.max_length / 2);
  if (is(type, {"decimal", "numeric"})) return fmt::format("{}({},{})", type.name, type.precision, type.scale);
  if (is(type, {"time", "datetime2", "datetimeoffset"})) return fmt::format("{}({})", type.name, type.scale);
  return type.name;
}

std::optional<Type> type_of(const CatalogueType& type) {
  if (type.name == "bit") return Type{Kind::boolean};
  if (is(type, {"tinyint", "smallint", "int", "bigint"})) return Type{Kind::int64};
  if (is(type, {"float", "real"})) return Type{Kind::float64};
  if (is(type, {"decimal", "numeric"})) return decimal(type.precision, type.scale);
  if (type.name == "money") return decimal(19, 4);
  if (type.name == "smallmoney") return decimal(10, 4);
  if (is(type, {"varbinary", "binary", "image", "timestamp"})) return Type{Kind::bytes};
  if (type.name == "uniqueidentifier") return Type{Kind::uuid};
  if (type.name == "date") return Type{Kind::date};
  if (is(type, {"datetime", "smalldatetime"})) return Type{Kind::timestamp};
  if (is(type, {"time", "datetime2", "datetimeoffset"}) && type.scale > 6) return Type{Kind::text};
  if (type.name == "time") return Type{Kind::time};
  if (type.name == "datetime2") return Type{Kind::timestamp};
  if (type.name == "datetimeoffset") return Type{Kind::timestamptz};
  if (is(type, {"varchar", "char", "nvarchar", "nchar", "text", "ntext", "xml", "hierarchyid"}))
    return Type{Kind::text};
  return std::nullopt;
}

std::optional<Type> type_of_result(int dbtype, int precision, int scale) {
  switch (dbtype) {
    case 50:
    case 104:
      return Type{Kind::boolean};
    case 48:
    case 52:
    case 56:
    case 127:
      return Type{Kind::int64};
    case 59:
    case 62:
      return Type{Kind::float64};
    case 106:
    case 108:
      return decimal(precision, scale);
    case 60:
      return decimal(19, 4);
    case 122:
      return decimal(10, 4);
    case 58:
    case 61:
      return Type{Kind::timestamp};
    case 40:
      return Type{Kind::date};
    case 41:
      return Type{scale > 6 ? Kind::text : Kind::time};
    case 42:
      return Type{scale > 6 ? Kind::text : Kind::timestamp};
    case 43:
      return Type{scale > 6 ? Kind::text : Kind::timestamptz};
    case 36:
      return Type{Kind::uuid};
    case 34:
    case 37:
    case 45:
      return Type{Kind::bytes};
    case 35:
    case 39:
    case 47:
      return Type{Kind::text};
    default:
      return std::nullopt;
  }
}

bool fits_date(std::int32_t days) { return days >= kFirstDay && days <= kLastDay; }
bool fits_instant(std::int64_t micros) {
  return micros >= kFirstDay * kDayMicros && micros < (kLastDay + 1) * kDayMicros;
}
bool fits_float(double value) { return value == 0 || std::isnormal(value); }
bool is_datetime_tick(std::int64_t micros) {
  const auto milli = (micros / 1000 % 10 + 10) % 10;
  return micros % 1000 == 0 && (milli == 0 || milli == 3 || milli == 7);
}

}  // namespace vmc::sources::mssql
