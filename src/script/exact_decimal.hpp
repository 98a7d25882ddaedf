// Decimal numbers without rounding: what vmc.decimal computes with. Up to 1,000 digits; 38 and fewer are
// quick.
//
// The scale is kept as written ("12.50" has scale 2); sums have the larger scale, products the sum of both.
// Division states the scale it wants.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/type.hpp"

namespace vmc::script {

using data::Int128;

enum class Rounding { half_up, half_even, down };  // half_up: away from zero, as databases do

class ExactDecimal {
 public:
  static constexpr int kDigitsMax = 1000;

  ExactDecimal() = default;
  ExactDecimal(Int128 unscaled, int scale) : small_{unscaled}, scale_{scale} {}
  static ExactDecimal nan();
  // The whole text: sign, digits, point, exponent; or "NaN".
  static std::optional<ExactDecimal> parse(std::string_view text);

  bool is_nan() const { return nan_; }
  bool is_small() const { return limbs_.empty() && !nan_; }
  Int128 unscaled() const { return small_; }  // when small
  int scale() const { return scale_; }
  bool is_zero() const { return is_small() && small_ == 0; }
  bool is_negative() const { return is_small() ? small_ < 0 : negative_; }

  // nullopt: more than kDigitsMax digits.
  friend std::optional<ExactDecimal> operator+(const ExactDecimal& a, const ExactDecimal& b);
  friend std::optional<ExactDecimal> operator-(const ExactDecimal& a, const ExactDecimal& b);
  friend std::optional<ExactDecimal> operator*(const ExactDecimal& a, const ExactDecimal& b);
  // b must not be zero.
  friend std::optional<ExactDecimal> divide(const ExactDecimal& a, const ExactDecimal& b, int scale,
                                            Rounding rounding);
  ExactDecimal negated() const;
  std::optional<ExactDecimal> rounded(int scale, Rounding rounding) const;
  // <0, 0, >0; nullopt when either is NaN.
  friend std::optional<int> compare(const ExactDecimal& a, const ExactDecimal& b);

  // The unscaled value at another scale, when that loses nothing and fits 128 bits.
  std::optional<Int128> at_scale(int scale) const;
  std::string text() const;

 private:
  using Limbs = std::vector<std::uint32_t>;  // base 10^9, least first, no leading zeros
  static std::optional<ExactDecimal> from_limbs(bool negative, Limbs limbs, int scale);
  Limbs magnitude() const;

  Int128 small_ = 0;
  int scale_ = 0;
  bool nan_ = false;
  bool negative_ = false;  // with limbs_
  Limbs limbs_;            // empty: small_ holds it
};

}  // namespace vmc::script
