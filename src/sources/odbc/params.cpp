#include "sources/odbc/params.hpp"

#include <algorithm>

namespace vmc::sources::odbc {
namespace {

constexpr std::size_t kShortText = 4000, kShortBytes = 8000;
constexpr SQLSMALLINT kMicros = 6;

template <class T>
std::string bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

// Of "-12.50": 4 and 2.
struct Digits {
  SQLULEN precision = 1;
  SQLSMALLINT scale = 0;
};

Digits digits_of(const std::string& number) {
  const auto digits = static_cast<SQLULEN>(
      std::count_if(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; }));
  const auto point = number.find('.');
  return {std::max<SQLULEN>(digits, 1),
          static_cast<SQLSMALLINT>(point == number.npos ? 0 : number.size() - point - 1)};
}

}  // namespace

void Params::add(Param param) {
  if (param.length != SQL_NULL_DATA) param.length = static_cast<SQLLEN>(param.bytes.size());
  params_.push_back(std::move(param));
}

// As text; the driver or the statement makes of it what it is.
void Params::plain(std::string text, SQLSMALLINT type, SQLSMALLINT digits) {
  const auto size = std::max<SQLULEN>(text.size(), 1);
  if (ways_.converted)
    add({.size = size, .bytes = std::move(text)});
  else
    add({.type = type, .size = size, .digits = digits, .bytes = std::move(text)});
}

void Params::value(const data::Value& value) {
  if (data::is_null(value)) {
    add({.length = SQL_NULL_DATA});
  } else if (const auto* truth = std::get_if<bool>(&value)) {
    add({SQL_C_BIT, SQL_BIT, 1, 0, std::string(1, *truth ? '\1' : '\0')});
  } else if (ways_.integers_as_text && std::holds_alternative<std::int64_t>(value)) {
    plain(data::format(value), SQL_DECIMAL);
  } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    add({SQL_C_SBIGINT, SQL_BIGINT, 19, 0, bytes_of(*integer)});
  } else if (const auto* real = std::get_if<double>(&value)) {
    add({SQL_C_DOUBLE, SQL_DOUBLE, 15, 0, bytes_of(*real)});
  } else if (const auto* bytes = std::get_if<Bytes>(&value)) {
    const SQLSMALLINT type = bytes->size() <= kShortBytes ? SQL_VARBINARY : SQL_LONGVARBINARY;
    add({SQL_C_BINARY, type, std::max<SQLULEN>(bytes->size(), 1), 0, std::string{as_text(*bytes)}});
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    const auto wide = widened(*text);
    const SQLSMALLINT type = wide.size() <= kShortText ? SQL_WVARCHAR : SQL_WLONGVARCHAR;
    add({SQL_C_WCHAR,
         type,
         std::max<SQLULEN>(wide.size(), 1),
         0,
         {reinterpret_cast<const char*>(wide.data()), wide.size() * sizeof(SQLWCHAR)}});
  } else if (std::holds_alternative<data::Date>(value)) {
    plain(data::format(value), SQL_TYPE_DATE);
  } else if (std::holds_alternative<data::Time>(value)) {
    plain(data::format(value), SQL_TYPE_TIME, kMicros);
  } else if (std::holds_alternative<data::Timestamp>(value)) {
    plain(data::format(value), SQL_TYPE_TIMESTAMP, kMicros);
  } else if (const auto* zoned = std::get_if<data::TimestampTz>(&value)) {
    plain(data::format_timestamp(zoned->micros, false), SQL_TYPE_TIMESTAMP,
          kMicros);  // the session's zone is UTC
  } else if (std::holds_alternative<data::Decimal>(value) || std::holds_alternative<data::Number>(value)) {
    auto number = data::format(value);
    const auto [precision, scale] = digits_of(number);
    if (ways_.converted)
      plain(std::move(number), SQL_DECIMAL);
    else
      add({.type = SQL_DECIMAL, .size = precision, .digits = scale, .bytes = std::move(number)});
  } else {
    plain(data::format(value), SQL_VARCHAR);
  }
}

SQLRETURN Params::bind(const DriverManager& odbc, SQLHSTMT to, std::size_t index) const {
  const auto& param = params_[index];
  return odbc.SQLBindParameter(to, static_cast<SQLUSMALLINT>(index + 1), SQL_PARAM_INPUT, param.as,
                               param.type, param.size, param.digits, const_cast<char*>(param.bytes.data()),
                               static_cast<SQLLEN>(param.bytes.size()), const_cast<SQLLEN*>(&param.length));
}

}  // namespace vmc::sources::odbc
