#include "sources/postgres/types.hpp"

namespace vmc::sources::postgres {

using data::Kind;

int scale_of(int modifier) {
  if (modifier < 4) return -1;
  return (((modifier - 4) & 0x7ff) ^ 1024) - 1024;  // eleven bits with a sign, since 15
}

std::string_view formatted_name(Oid type) {
  switch (type) {
    case oid::boolean:
      return "boolean";
    case oid::bytea:
      return "bytea";
    case oid::name:
      return "name";
    case oid::int8:
      return "bigint";
    case oid::int2:
      return "smallint";
    case oid::int4:
      return "integer";
    case oid::oid:
      return "oid";
    case oid::text:
      return "text";
    case oid::json:
      return "json";
    case oid::jsonb:
      return "jsonb";
    case oid::float4:
      return "real";
    case oid::float8:
      return "double precision";
    case oid::bpchar:
      return "character";
    case oid::varchar:
      return "character varying";
    case oid::date:
      return "date";
    case oid::time:
      return "time";
    case oid::timestamp:
      return "timestamp";
    case oid::timestamptz:
      return "timestamptz";
    case oid::numeric:
      return "numeric";
    case oid::uuid:
      return "uuid";
    default:
      return {};
  }
}

data::Type type_of(Oid type, int modifier) {
  switch (type) {
    case oid::boolean:
      return {Kind::boolean};
    case oid::int8:
    case oid::int2:
    case oid::int4:
    case oid::oid:
      return {Kind::int64};
    case oid::float4:
    case oid::float8:
      return {Kind::float64};
    case oid::money:
      return {Kind::number};
    case oid::numeric: {
      const int precision = modifier < 4 ? 0 : ((modifier - 4) >> 16) & 0xffff;
      const int scale = scale_of(modifier);
      if (precision < 1 || precision > 38 || scale < 0 || scale > precision) return {Kind::number};
      return {Kind::decimal, static_cast<std::uint8_t>(precision), static_cast<std::uint8_t>(scale)};
    }
    case oid::bytea:
      return {Kind::bytes};
    case oid::date:
      return {Kind::date};
    case oid::time:
      return {Kind::time};
    case oid::timestamp:
      return {Kind::timestamp};
    case oid::timestamptz:
      return {Kind::timestamptz};
    case oid::uuid:
      return {Kind::uuid};
    case oid::json:
    case oid::jsonb:
      return {Kind::json};
    default:
      return {Kind::text};
  }
}

}  // namespace vmc::sources::postgres
