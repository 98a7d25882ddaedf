#include "sources/mysql/types.hpp"

#include <cctype>
#include <cstdlib>

namespace vmc::sources::mysql {
namespace {

using data::Kind;
using data::Type;

constexpr Type kUnsigned64{Kind::decimal, 20, 0};

Type decimal(int precision, int scale) {
  if (precision > data::kDecimalDigits || scale > precision) return {Kind::number};
  return {Kind::decimal, static_cast<std::uint8_t>(precision), static_cast<std::uint8_t>(scale)};
}

Type bits(unsigned long count) {
  if (count == 1) return {Kind::boolean};
  return count < 64 ? Type{Kind::int64} : kUnsigned64;
}

struct Named {
  std::string_view name;
  Kind kind;
};
constexpr Named kNamed[] = {
    {"tinyint", Kind::int64},
    {"smallint", Kind::int64},
    {"mediumint", Kind::int64},
    {"int", Kind::int64},
    {"bigint", Kind::int64},
    {"year", Kind::int64},
    {"float", Kind::float64},
    {"double", Kind::float64},
    {"date", Kind::date},
    {"time", Kind::time},
    {"datetime", Kind::timestamp},
    {"timestamp", Kind::timestamptz},
    {"binary", Kind::bytes},
    {"varbinary", Kind::bytes},
    {"tinyblob", Kind::bytes},
    {"blob", Kind::bytes},
    {"mediumblob", Kind::bytes},
    {"longblob", Kind::bytes},
    {"geometry", Kind::bytes},
    {"point", Kind::bytes},
    {"linestring", Kind::bytes},
    {"polygon", Kind::bytes},
    {"multipoint", Kind::bytes},
    {"multilinestring", Kind::bytes},
    {"multipolygon", Kind::bytes},
    {"geometrycollection", Kind::bytes},
    {"geomcollection", Kind::bytes},
    {"vector", Kind::bytes},
    {"uuid", Kind::uuid},
    {"json", Kind::json},
};

}  // namespace

std::vector<int> numbers_of(std::string_view column_type) {
  std::vector<int> out;
  const auto open = column_type.find('(');
  if (open == column_type.npos) return out;
  const std::string text{column_type.substr(open + 1)};
  const char* at = text.c_str();
  for (;;) {
    char* end = nullptr;
    const auto number = std::strtol(at, &end, 10);
    if (end == at) return out;
    out.push_back(static_cast<int>(number));
    if (*end != ',') return out;
    at = end + 1;
  }
}

std::vector<std::string> members_of(std::string_view column_type) {
  std::vector<std::string> out;
  if (!column_type.starts_with("enum(") && !column_type.starts_with("set(")) return out;
  bool inside = false;
  for (std::size_t i = column_type.find('('); i < column_type.size(); ++i) {
    const char c = column_type[i];
    if (!inside) {
      if (c == '\'') inside = true, out.emplace_back();
    } else if (c == '\'') {
      if (i + 1 < column_type.size() && column_type[i + 1] == '\'')
        out.back() += '\'', ++i;
      else
        inside = false;
    } else {
      out.back() += c;
    }
  }
  return out;
}

Type type_of(std::string_view data_type, std::string_view column_type) {
  const auto numbers = numbers_of(column_type);
  const bool is_unsigned = column_type.find(" unsigned") != column_type.npos;
  if (data_type == "tinyint" && !is_unsigned && !numbers.empty() && numbers[0] == 1) return {Kind::boolean};
  if (data_type == "bigint" && is_unsigned) return kUnsigned64;
  if (data_type == "bit") return bits(numbers.empty() ? 1 : static_cast<unsigned long>(numbers[0]));
  if (data_type == "decimal" && numbers.size() == 2) return decimal(numbers[0], numbers[1]);
  for (const auto& named : kNamed)
    if (named.name == data_type) return {named.kind};
  return {Kind::text};
}

std::string_view extended_name(const MYSQL_FIELD& field) {
  for (const auto which : {MARIADB_FIELD_ATTR_DATA_TYPE_NAME, MARIADB_FIELD_ATTR_FORMAT_NAME}) {
    MARIADB_CONST_STRING text{};
    if (mariadb_field_attr(&text, &field, which) == 0 && text.length > 0) return {text.str, text.length};
  }
  return {};
}

bool is_binary(const MYSQL_FIELD& field) { return field.charsetnr == kBinary; }

Type type_of(const MYSQL_FIELD& field) {
  const bool is_unsigned = (field.flags & UNSIGNED_FLAG) != 0;
  switch (field.type) {
    case MYSQL_TYPE_TINY:
      return {!is_unsigned && field.length == 1 ? Kind::boolean : Kind::int64};
    case MYSQL_TYPE_SHORT:
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_LONG:
    case MYSQL_TYPE_YEAR:
      return {Kind::int64};
    case MYSQL_TYPE_LONGLONG:
      return is_unsigned ? kUnsigned64 : Type{Kind::int64};
    case MYSQL_TYPE_BIT:
      return bits(field.length);
    case MYSQL_TYPE_FLOAT:
    case MYSQL_TYPE_DOUBLE:
      return {Kind::float64};
    case MYSQL_TYPE_DECIMAL:
    case MYSQL_TYPE_NEWDECIMAL:
      return decimal(static_cast<int>(field.length) - (field.decimals > 0) - !is_unsigned,
                     static_cast<int>(field.decimals));
    case MYSQL_TYPE_DATE:
    case MYSQL_TYPE_NEWDATE:
      return {Kind::date};
    case MYSQL_TYPE_TIME:
      return {Kind::time};
    case MYSQL_TYPE_DATETIME:
      return {Kind::timestamp};
    case MYSQL_TYPE_TIMESTAMP:
      return {Kind::timestamptz};
    case MYSQL_TYPE_JSON:
      return {Kind::json};
    case MYSQL_TYPE_GEOMETRY:
      return {Kind::bytes};
    case MYSQL_TYPE_NULL:
      return {Kind::text};
    default:
      break;
  }
  const auto name = extended_name(field);
  if (name == "json") return {Kind::json};
  if (name == "uuid") return {Kind::uuid};
  if (name.starts_with("inet")) return {Kind::text};
  return {is_binary(field) && !(field.flags & (ENUM_FLAG | SET_FLAG)) ? Kind::bytes : Kind::text};
}

}  // namespace vmc::sources::mysql
