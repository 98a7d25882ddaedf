// Decimals as text, exact in both directions.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "data/text_rules.hpp"
#include "data/value.hpp"

namespace vmc::data {
namespace {

__extension__ typedef unsigned __int128 Uint128;

constexpr int kExponentMax = 10'000;  // more is refused before anything is computed with it

bool is_digit(char c) { return c >= '0' && c <= '9'; }

Error not_a_decimal() { return fail(Code::invalid_request, "the text is not a decimal number"); }

// sign, 0.DIGITS x 10^point; DIGITS has neither leading nor trailing zeros and is empty for zero.
struct Parts {
  bool negative = false;
  std::string_view integer, fraction;  // as written
  std::int64_t first = 0, last = 0;    // the digits that count: positions in integer+fraction
  std::int64_t point = 0;

  std::int64_t count() const { return last - first; }
  char digit(std::int64_t i) const {
    const auto at = static_cast<std::size_t>(first + i);
    return at < integer.size() ? integer[at] : fraction[at - integer.size()];
  }
  std::int64_t decimals() const { return std::max<std::int64_t>(0, count() - point); }
};

std::string_view take_digits(std::string_view& text) {
  std::size_t n = 0;
  while (n < text.size() && is_digit(text[n])) ++n;
  const auto digits = text.substr(0, n);
  text.remove_prefix(n);
  return digits;
}

std::optional<Parts> scan(std::string_view text) {
  Parts parts;
  if (text.starts_with('-') || text.starts_with('+')) {
    parts.negative = text[0] == '-';
    text.remove_prefix(1);
  }
  parts.integer = take_digits(text);
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    parts.fraction = take_digits(text);
  }
  if (parts.integer.empty() && parts.fraction.empty()) return std::nullopt;
  int exponent = 0;
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('+')) text.remove_prefix(1);
    if (text.empty() || !(is_digit(text[0]) || text[0] == '-')) return std::nullopt;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), exponent);
    if (error != std::errc{} || std::abs(exponent) > kExponentMax) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  }
  if (!text.empty()) return std::nullopt;

  parts.last = static_cast<std::int64_t>(parts.integer.size() + parts.fraction.size());
  while (parts.count() > 0 && parts.digit(0) == '0') ++parts.first;
  while (parts.count() > 0 && parts.digit(parts.count() - 1) == '0') --parts.last;
  parts.point = static_cast<std::int64_t>(parts.integer.size()) - parts.first + exponent;
  if (parts.count() == 0) parts = Parts{};
  return parts;
}

}  // namespace

std::string format_decimal(Int128 unscaled, std::uint8_t scale) {
  char buffer[48];
  char* const end = buffer + sizeof buffer;
  char* p = end;
  Uint128 rest = unscaled < 0 ? -static_cast<Uint128>(unscaled) : static_cast<Uint128>(unscaled);
  unsigned digits = 0;
  while (rest > UINT64_MAX) {  // 128-bit division is slow: once for the low 19 digits
    auto low = static_cast<std::uint64_t>(rest % 10'000'000'000'000'000'000u);
    rest /= 10'000'000'000'000'000'000u;
    for (int i = 0; i < 19; ++i, low /= 10) {
      if (digits == scale && scale != 0) *--p = '.';
      *--p = static_cast<char>('0' + low % 10);
      ++digits;
    }
  }
  for (auto low = static_cast<std::uint64_t>(rest); low != 0 || digits <= scale; low /= 10) {
    if (digits == scale && scale != 0) *--p = '.';
    *--p = static_cast<char>('0' + low % 10);
    ++digits;
  }
  if (unscaled < 0) *--p = '-';
  return {p, end};
}

Result<Int128> parse_decimal(std::string_view text, std::uint8_t precision, std::uint8_t scale) {
  const auto parts = scan(text);
  if (!parts) return not_a_decimal();
  if (parts->count() == 0) return Int128{0};
  if (parts->decimals() > scale)
    return fail(Code::invalid_request,
                fmt::format("the number has more than {} digits after the point", scale));
  if (parts->point + scale > precision)
    return fail(Code::invalid_request,
                fmt::format("the number does not fit in decimal({},{})", precision, scale));
  Int128 value = 0;
  for (std::int64_t i = 0; i < parts->count(); ++i) value = value * 10 + (parts->digit(i) - '0');
  value *= power_of_ten(static_cast<unsigned>(parts->point + scale - parts->count()));
  return parts->negative ? -value : value;
}

Result<std::string> canonical_number(std::string_view text) {
  if (is_canonical_number(text)) return std::string{text};
  const auto parts = scan(text);
  if (!parts) return not_a_decimal();
  if (parts->count() == 0) return std::string{"0"};
  if (std::max<std::int64_t>(0, parts->point) + parts->decimals() >
      static_cast<std::int64_t>(kNumberDigitsMax))
    return fail(Code::invalid_request, fmt::format("the number has more than {} digits", kNumberDigitsMax));
  std::string out = parts->negative ? "-" : "";
  if (parts->point <= 0) out += '0';
  for (std::int64_t i = 0; i < parts->point; ++i) out += i < parts->count() ? parts->digit(i) : '0';
  if (parts->decimals() > 0) {
    out += '.';
    for (std::int64_t i = parts->point; i < parts->count(); ++i) out += i < 0 ? '0' : parts->digit(i);
  }
  return out;
}

std::string format_float64(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  char buffer[32];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr};
}

Result<double> parse_float64(std::string_view text) {
  if (text == "NaN") return std::nan("");
  if (text == "Infinity") return HUGE_VAL;
  if (text == "-Infinity") return -HUGE_VAL;
  double value = 0;
  const bool plain =
      text.find_first_not_of("0123456789+-.eE") == std::string_view::npos;  // no "inf", no "nan(x)"
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (plain && error == std::errc::result_out_of_range)
    return fail(Code::invalid_request, "the number is outside the range of float64");
  if (!plain || error != std::errc{} || end != text.data() + text.size())
    return fail(Code::invalid_request, "the text is not a number");
  return value;
}

}  // namespace vmc::data
