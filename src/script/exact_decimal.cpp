#include "script/exact_decimal.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace vmc::script {
namespace {

__extension__ typedef unsigned __int128 UInt128;
using Limbs = std::vector<std::uint32_t>;
constexpr std::uint64_t kBase = 1'000'000'000;
constexpr int kPowerMax = 38;
constexpr Int128 kSmallMax = static_cast<Int128>(~UInt128{0} >> 1);

const std::array<Int128, kPowerMax + 1>& powers() {
  static const auto table = [] {
    std::array<Int128, kPowerMax + 1> t{};
    t[0] = 1;
    for (int i = 1; i <= kPowerMax; ++i)
      t[static_cast<std::size_t>(i)] = t[static_cast<std::size_t>(i - 1)] * 10;
    return t;
  }();
  return table;
}
Int128 power(int n) { return powers()[static_cast<std::size_t>(n)]; }

UInt128 absolute(Int128 x) { return x < 0 ? UInt128{0} - static_cast<UInt128>(x) : static_cast<UInt128>(x); }

void trim(Limbs& a) {
  while (!a.empty() && a.back() == 0) a.pop_back();
}

Limbs to_limbs(UInt128 x) {
  Limbs out;
  for (; x > 0; x /= kBase) out.push_back(static_cast<std::uint32_t>(x % kBase));
  return out;
}

std::optional<UInt128> from_limbs_small(const Limbs& a) {
  if (a.size() > 5) return std::nullopt;
  UInt128 x = 0;
  for (auto i = a.size(); i-- > 0;) {
    UInt128 next = 0;
    if (__builtin_mul_overflow(x, UInt128{kBase}, &next) ||
        __builtin_add_overflow(next, UInt128{a[i]}, &next))
      return std::nullopt;
    x = next;
  }
  return x;
}

int compare_limbs(const Limbs& a, const Limbs& b) {
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  for (auto i = a.size(); i-- > 0;) {
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  }
  return 0;
}

Limbs add(const Limbs& a, const Limbs& b) {
  Limbs out(std::max(a.size(), b.size()) + 1);
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    carry += (i < a.size() ? a[i] : 0) + std::uint64_t{i < b.size() ? b[i] : 0};
    out[i] = static_cast<std::uint32_t>(carry % kBase);
    carry /= kBase;
  }
  trim(out);
  return out;
}

// a >= b
Limbs subtract(const Limbs& a, const Limbs& b) {
  Limbs out(a.size());
  std::int64_t borrow = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::int64_t digit = std::int64_t{a[i]} - (i < b.size() ? b[i] : 0) - borrow;
    borrow = digit < 0;
    out[i] = static_cast<std::uint32_t>(digit + (borrow ? static_cast<std::int64_t>(kBase) : 0));
  }
  trim(out);
  return out;
}

Limbs multiply(const Limbs& a, const Limbs& b) {
  Limbs out(a.size() + b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::uint64_t carry = 0;
    for (std::size_t j = 0; j < b.size() || carry > 0; ++j) {
      carry += out[i + j] + (j < b.size() ? std::uint64_t{a[i]} * b[j] : 0);
      out[i + j] = static_cast<std::uint32_t>(carry % kBase);
      carry /= kBase;
    }
  }
  trim(out);
  return out;
}

Limbs multiply(const Limbs& a, std::uint32_t b) { return multiply(a, Limbs{b}); }

Limbs power_of_ten(int n) {
  Limbs out(static_cast<std::size_t>(n / 9));
  out.push_back(static_cast<std::uint32_t>(power(n % 9)));
  return out;
}

struct Division {
  Limbs quotient;
  Limbs remainder;
};

// Knuth's algorithm D; b is not empty.
Division divide_limbs(Limbs a, Limbs b) {
  if (compare_limbs(a, b) < 0) return {{}, std::move(a)};
  if (b.size() == 1) {
    std::uint64_t rest = 0;
    for (auto i = a.size(); i-- > 0;) {
      rest = rest * kBase + a[i];
      a[i] = static_cast<std::uint32_t>(rest / b[0]);
      rest %= b[0];
    }
    trim(a);
    return {std::move(a), to_limbs(rest)};
  }
  const auto scale = static_cast<std::uint32_t>(kBase / (std::uint64_t{b.back()} + 1));
  a = multiply(a, scale);
  b = multiply(b, scale);
  const auto n = b.size();
  a.resize(std::max(a.size(), n) + 1);
  Limbs quotient(a.size() - n);
  for (auto j = quotient.size(); j-- > 0;) {
    const std::uint64_t head = std::uint64_t{a[j + n]} * kBase + a[j + n - 1];
    std::uint64_t guess = std::min(head / b[n - 1], kBase - 1);
    std::uint64_t rest = head - guess * b[n - 1];
    while (rest < kBase && guess * b[n - 2] > rest * kBase + a[j + n - 2]) {
      --guess;
      rest += b[n - 1];
    }
    std::int64_t borrow = 0;
    std::uint64_t carry = 0;
    for (std::size_t i = 0; i <= n; ++i) {
      carry += i < n ? guess * b[i] : 0;
      std::int64_t digit = std::int64_t{a[i + j]} - static_cast<std::int64_t>(carry % kBase) - borrow;
      carry /= kBase;
      borrow = digit < 0;
      a[i + j] = static_cast<std::uint32_t>(digit + (borrow ? static_cast<std::int64_t>(kBase) : 0));
    }
    if (borrow) {  // the guess was one too high
      --guess;
      std::uint64_t over = 0;
      for (std::size_t i = 0; i <= n; ++i) {
        over += a[i + j] + std::uint64_t{i < n ? b[i] : 0};
        a[i + j] = static_cast<std::uint32_t>(over % kBase);
        over /= kBase;
      }
    }
    quotient[j] = static_cast<std::uint32_t>(guess);
  }
  trim(quotient);
  trim(a);
  std::uint64_t rest = 0;
  for (auto i = a.size(); i-- > 0;) {
    rest = rest * kBase + a[i];
    a[i] = static_cast<std::uint32_t>(rest / scale);
    rest %= scale;
  }
  trim(a);
  return {std::move(quotient), std::move(a)};
}

Limbs divide_rounded(Limbs a, const Limbs& b, Rounding rounding) {
  auto [quotient, remainder] = divide_limbs(std::move(a), b);
  if (rounding == Rounding::down || remainder.empty()) return std::move(quotient);
  const int half = compare_limbs(add(remainder, remainder), b);
  const bool odd = !quotient.empty() && quotient[0] % 2 == 1;
  if (half > 0 || (half == 0 && (rounding == Rounding::half_up || odd))) return add(quotient, Limbs{1});
  return std::move(quotient);
}

std::string digits_of(const Limbs& limbs) {
  if (limbs.empty()) return "0";
  std::string out = std::to_string(limbs.back());
  for (auto i = limbs.size() - 1; i-- > 0;) {
    const auto part = std::to_string(limbs[i]);
    out.append(9 - part.size(), '0').append(part);
  }
  return out;
}

std::string digits_of(UInt128 x) {
  char text[40];
  char* at = std::end(text);
  do {
    *--at = static_cast<char>('0' + static_cast<int>(x % 10));
    x /= 10;
  } while (x > 0);
  return std::string(at, static_cast<std::size_t>(std::end(text) - at));
}

bool all_digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

ExactDecimal ExactDecimal::nan() {
  ExactDecimal out;
  out.nan_ = true;
  return out;
}

std::optional<ExactDecimal> ExactDecimal::parse(std::string_view text) {
  if (text == "NaN") return nan();
  bool negative = false;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  long exponent = 0;
  if (const auto e = text.find_first_of("eE"); e != text.npos) {
    auto number = text.substr(e + 1);
    if (!number.empty() && number[0] == '+') number.remove_prefix(1);
    if (number.empty() || number[0] == '+') return std::nullopt;
    const auto [end, ec] = std::from_chars(number.data(), number.data() + number.size(), exponent);
    if (ec != std::errc{} || end != number.data() + number.size()) return std::nullopt;
    if (exponent > 2 * kDigitsMax || exponent < -2 * kDigitsMax) return std::nullopt;
    text = text.substr(0, e);
  }
  const auto point = text.find('.');
  const auto whole = text.substr(0, point);
  const auto part = point == text.npos ? std::string_view{} : text.substr(point + 1);
  if (whole.empty() || (point != text.npos && part.empty()) || !all_digits(whole) || !all_digits(part))
    return std::nullopt;
  if (whole.size() + part.size() > kDigitsMax) return std::nullopt;
  const long scale = static_cast<long>(part.size()) - exponent;
  if (scale > kDigitsMax) return std::nullopt;
  if (whole.size() + part.size() <= kPowerMax && scale >= 0) {
    Int128 value = 0;
    for (const char c : whole) value = value * 10 + (c - '0');
    for (const char c : part) value = value * 10 + (c - '0');
    return ExactDecimal{negative ? -value : value, static_cast<int>(scale)};
  }
  std::string digits{whole};
  digits += part;
  if (scale < 0) digits.append(static_cast<std::size_t>(-scale), '0');
  Limbs limbs;
  for (auto end = digits.size(); end > 0;) {
    const auto from = end > 9 ? end - 9 : 0;
    std::uint32_t limb = 0;
    std::from_chars(digits.data() + from, digits.data() + end, limb);
    limbs.push_back(limb);
    end = from;
  }
  trim(limbs);
  return from_limbs(negative, std::move(limbs), static_cast<int>(std::max(scale, 0L)));
}

std::optional<ExactDecimal> ExactDecimal::from_limbs(bool negative, Limbs limbs, int scale) {
  if (const auto small = from_limbs_small(limbs); small && *small <= static_cast<UInt128>(kSmallMax)) {
    const auto value = static_cast<Int128>(*small);
    return ExactDecimal{negative ? -value : value, scale};
  }
  if (scale > kDigitsMax || digits_of(limbs).size() > kDigitsMax) return std::nullopt;
  ExactDecimal out;
  out.limbs_ = std::move(limbs);
  out.negative_ = negative;
  out.scale_ = scale;
  return out;
}

ExactDecimal::Limbs ExactDecimal::magnitude() const {
  return is_small() ? to_limbs(absolute(small_)) : limbs_;
}

ExactDecimal ExactDecimal::negated() const {
  auto out = *this;
  if (out.is_small() && out.small_ != -kSmallMax - 1) {
    out.small_ = -out.small_;
    return out;
  }
  if (out.is_small()) {
    out.limbs_ = magnitude();
    out.negative_ = false;
    return out;
  }
  out.negative_ = !out.negative_;
  return out;
}

std::optional<ExactDecimal> operator+(const ExactDecimal& a, const ExactDecimal& b) {
  if (a.nan_ || b.nan_) return ExactDecimal::nan();
  const int scale = std::max(a.scale_, b.scale_);
  const auto widen = [scale](const ExactDecimal& x) -> std::optional<Int128> {
    if (!x.is_small() || scale - x.scale_ > kPowerMax) return std::nullopt;
    Int128 out = 0;
    if (__builtin_mul_overflow(x.small_, power(scale - x.scale_), &out)) return std::nullopt;
    return out;
  };
  const auto left = widen(a);
  const auto right = widen(b);
  Int128 sum = 0;
  if (left && right && !__builtin_add_overflow(*left, *right, &sum)) return ExactDecimal{sum, scale};
  const auto x = multiply(a.magnitude(), power_of_ten(scale - a.scale_));
  const auto y = multiply(b.magnitude(), power_of_ten(scale - b.scale_));
  if (a.is_negative() == b.is_negative()) return ExactDecimal::from_limbs(a.is_negative(), add(x, y), scale);
  if (compare_limbs(x, y) >= 0) return ExactDecimal::from_limbs(a.is_negative(), subtract(x, y), scale);
  return ExactDecimal::from_limbs(b.is_negative(), subtract(y, x), scale);
}

std::optional<ExactDecimal> operator-(const ExactDecimal& a, const ExactDecimal& b) {
  return a + b.negated();
}

std::optional<ExactDecimal> operator*(const ExactDecimal& a, const ExactDecimal& b) {
  if (a.nan_ || b.nan_) return ExactDecimal::nan();
  const int scale = a.scale_ + b.scale_;
  if (scale > ExactDecimal::kDigitsMax) return std::nullopt;
  Int128 product = 0;
  if (a.is_small() && b.is_small() && !__builtin_mul_overflow(a.small_, b.small_, &product))
    return ExactDecimal{product, scale};
  return ExactDecimal::from_limbs(a.is_negative() != b.is_negative(), multiply(a.magnitude(), b.magnitude()),
                                  scale);
}

std::optional<ExactDecimal> divide(const ExactDecimal& a, const ExactDecimal& b, int scale,
                                   Rounding rounding) {
  if (a.nan_ || b.nan_) return ExactDecimal::nan();
  auto above = a.magnitude();
  auto below = b.magnitude();
  const int shift = scale + b.scale_ - a.scale_;
  if (shift >= 0) {
    above = multiply(above, power_of_ten(shift));
  } else {
    below = multiply(below, power_of_ten(-shift));
  }
  return ExactDecimal::from_limbs(a.is_negative() != b.is_negative(),
                                  divide_rounded(std::move(above), below, rounding), scale);
}

std::optional<ExactDecimal> ExactDecimal::rounded(int scale, Rounding rounding) const {
  return divide(*this, ExactDecimal{1, 0}, scale, rounding);
}

std::optional<int> compare(const ExactDecimal& a, const ExactDecimal& b) {
  if (a.nan_ || b.nan_) return std::nullopt;
  if (a.is_small() && b.is_small() && a.scale_ == b.scale_)
    return a.small_ < b.small_ ? -1 : a.small_ > b.small_;
  if (a.is_negative() != b.is_negative()) {
    if (a.is_zero() && b.is_zero()) return 0;
    return a.is_negative() ? -1 : 1;
  }
  const int scale = std::max(a.scale_, b.scale_);
  const int order = compare_limbs(multiply(a.magnitude(), power_of_ten(scale - a.scale_)),
                                  multiply(b.magnitude(), power_of_ten(scale - b.scale_)));
  return a.is_negative() ? -order : order;
}

std::optional<Int128> ExactDecimal::at_scale(int scale) const {
  if (nan_) return std::nullopt;
  if (is_small()) {
    Int128 out = 0;
    if (scale == scale_) return small_;
    if (small_ == 0) return Int128{0};
    if (scale > scale_) {
      if (scale - scale_ > kPowerMax || __builtin_mul_overflow(small_, power(scale - scale_), &out))
        return std::nullopt;
      return out;
    }
    if (scale_ - scale > kPowerMax || small_ % power(scale_ - scale) != 0) return std::nullopt;
    return small_ / power(scale_ - scale);
  }
  if (scale > scale_) return std::nullopt;  // too large already
  auto [quotient, remainder] = divide_limbs(limbs_, power_of_ten(scale_ - scale));
  if (!remainder.empty()) return std::nullopt;
  const auto small = from_limbs_small(quotient);
  if (!small || *small > static_cast<UInt128>(kSmallMax)) return std::nullopt;
  return negative_ ? -static_cast<Int128>(*small) : static_cast<Int128>(*small);
}

std::string ExactDecimal::text() const {
  if (nan_) return "NaN";
  std::string digits = is_small() ? digits_of(absolute(small_)) : digits_of(limbs_);
  const auto scale = static_cast<std::size_t>(scale_);
  if (scale > 0) {
    if (digits.size() <= scale) digits.insert(0, scale + 1 - digits.size(), '0');
    digits.insert(digits.size() - scale, 1, '.');
  }
  if (is_negative()) digits.insert(0, 1, '-');
  return digits;
}

}  // namespace vmc::script
