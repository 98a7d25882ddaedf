#include "sql/sqlite_literals.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include <fmt/format.h>

#include "core/bytes.hpp"

namespace vmc::sql {
namespace {

// Digits would be read with an error of a last bit: a whole number times powers of two is exact.
std::string real_literal(double value) {
  if (std::isnan(value)) return "NULL";
  if (std::isinf(value)) return value > 0 ? "9e999" : "-9e999";
  constexpr int kStep = 62;
  int exponent = 0;
  const auto fraction = std::frexp(value, &exponent);
  constexpr int kDigits = std::numeric_limits<double>::digits;
  auto out = fmt::format("CAST({} AS REAL)", static_cast<std::int64_t>(std::ldexp(fraction, kDigits)));
  exponent -= kDigits;
  const char* operation = exponent < 0 ? " / " : " * ";
  for (int left = std::abs(exponent); left > 0; left -= kStep)
    out += operation + std::to_string(std::int64_t{1} << std::min(left, kStep));
  return "(" + out + " + 0)";  // no affinity
}

std::string text_literal(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\0')
      out += "' || char(0) || '";
    else
      out += c == '\'' ? "''" : std::string(1, c);
  }
  return "(" + out + "')";
}

std::string literal(const data::Value& value) {
  if (data::is_null(value)) return "NULL";
  if (const auto* truth = std::get_if<bool>(&value)) return *truth ? "1" : "0";
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return fmt::format("({})", *integer);
  if (const auto* real = std::get_if<double>(&value)) return real_literal(*real);
  if (const auto* bytes = std::get_if<Bytes>(&value)) return "x'" + to_hex(*bytes) + "'";
  if (const auto* instant = std::get_if<data::TimestampTz>(&value))
    return text_literal(data::format_timestamp(instant->micros, false));
  return text_literal(data::format(value));
}

}  // namespace

std::string with_sqlite_literals(const Statement& statement) {
  std::string out;
  std::size_t next = 0;
  char quote = '\0';
  for (const char c : statement.text) {
    if (c == '?' && !quote) {
      out += literal(statement.params.at(next++));
      continue;
    }
    if (quote ? c == quote : c == '\'' || c == '"') quote = quote ? '\0' : c;
    out += c;
  }
  return out;
}

}  // namespace vmc::sql
