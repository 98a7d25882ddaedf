#include <catch2/catch.hpp>

#include "script/exact_decimal.hpp"

namespace vmc::script {
namespace {

ExactDecimal dec(std::string_view text) {
  const auto value = ExactDecimal::parse(text);
  REQUIRE(value);
  return *value;
}

TEST_CASE("decimals keep the scale they were written with") {
  for (const char* text : {"0", "12.50", "-0.001", "99999999999999999999999999999999999999",
                           "-123456789012345678901234567890123456789012345678901234567890.5000000000001"})
    CHECK(dec(text).text() == text);
  CHECK(dec("1e3").text() == "1000");
  CHECK(dec("1.5E-3").text() == "0.0015");
  CHECK(dec("+7").text() == "7");
}

TEST_CASE("what is not a decimal number is refused") {
  for (const char* text :
       {"", "-", ".5", "5.", "1..2", "0x10", "1e", "1e++2", " 1", "1 ", "12,5", "nan", "1e99999", "--1"})
    CHECK_FALSE(ExactDecimal::parse(text));
  CHECK_FALSE(ExactDecimal::parse(std::string(1001, '9')));
}

TEST_CASE("sums and products are exact across the border of 128 bits") {
  CHECK((dec("0.1") + dec("0.2"))->text() == "0.3");
  CHECK((dec("99999999999999999999999999999999999999") + dec("1"))->text() ==
        "100000000000000000000000000000000000000");
  CHECK((dec("170141183460469231731687303715884105727") + dec("0.5"))->text() ==
        "170141183460469231731687303715884105727.5");
  CHECK((dec("170141183460469231731687303715884105727.5") - dec("170141183460469231731687303715884105727"))
            ->text() == "0.5");
  CHECK((dec("-12345678901234567890.12") * dec("98765432109876543210.987"))->text() ==
        "-1219326311370217952261500838039967230592.74844");
  CHECK((dec("123456789012345678901234567890.123456789") * dec("-1000000000000000000000000000001"))->text() ==
        "-123456789012345678901234567890246913578012345678901234567890.123456789");
  CHECK_FALSE(dec(std::string(600, '9')) * dec(std::string(600, '9')));
}

TEST_CASE("division rounds as it is told") {
  CHECK(divide(dec("1"), dec("3"), 5, Rounding::half_up)->text() == "0.33333");
  CHECK(divide(dec("2"), dec("3"), 5, Rounding::half_up)->text() == "0.66667");
  CHECK(divide(dec("-1"), dec("8"), 2, Rounding::half_up)->text() == "-0.13");
  CHECK(divide(dec("-1"), dec("8"), 2, Rounding::half_even)->text() == "-0.12");
  CHECK(divide(dec("-1"), dec("8"), 2, Rounding::down)->text() == "-0.12");
  CHECK(divide(dec("1"), dec("99999999999999999999999999999999999999"), 40, Rounding::half_up)->text() ==
        "0.0000000000000000000000000000000000000100");
  // A quotient's digit whose first guess is too high, in both correction steps of the long division.
  CHECK(divide(dec("999999999999999999000000000000000000000000000"), dec("999999999999999999000000001"), 0,
               Rounding::down)
            ->text() == "999999999999999999");
  CHECK(dec("2.5").rounded(0, Rounding::half_even)->text() == "2");
  CHECK(dec("2.5").rounded(0, Rounding::half_up)->text() == "3");
  CHECK(dec("2").rounded(2, Rounding::half_up)->text() == "2.00");
}

TEST_CASE("long division and multiplication are each other's inverse") {
  const auto a =
      dec("31415926535897932384626433832795028841971693993751058209749445923078164062862089986280348253421");
  for (const char* text :
       {"2", "999999999", "1000000000", "271828182845904523536", "100000000000000000000000000000000000",
        "999999999999999999999999999999999999999999999999999", "27182818284590452353602874713526624977"}) {
    const auto b = dec(text);
    const auto product = a * b;
    REQUIRE(product);
    CHECK(compare(*divide(*product, b, 0, Rounding::down), a) == 0);
    CHECK(compare(*divide(*product, a, 0, Rounding::down), b) == 0);
    const auto less = *product - dec("1");
    CHECK(compare(*divide(*less, b, 0, Rounding::down), *(a - dec("1"))) == 0);
  }
}

TEST_CASE("comparison looks through scales, and NaN compares with nothing") {
  CHECK(compare(dec("1.50"), dec("1.5")) == 0);
  CHECK(compare(dec("-0.00"), dec("0")) == 0);
  CHECK(*compare(dec("-2"), dec("1")) < 0);
  CHECK(*compare(dec("1e200"), dec("99999999999999999999999999999999999999")) > 0);
  CHECK(*compare(dec("-1e200"), dec("-1e199")) < 0);
  CHECK_FALSE(compare(dec("NaN"), dec("1")));
}

TEST_CASE("another scale is given only when nothing is lost") {
  CHECK(dec("12.50").at_scale(1) == Int128{125});
  CHECK_FALSE(dec("12.55").at_scale(1));
  CHECK(dec("12").at_scale(4) == Int128{120000});
  CHECK_FALSE(dec("99999999999999999999999999999999999999").at_scale(3));
  CHECK(dec("5e-20").at_scale(20) == Int128{5});
  CHECK(dec("12345678901234567890123456789012345678.000000000000000000000000").at_scale(0) ==
        dec("12345678901234567890123456789012345678").unscaled());
}

}  // namespace
}  // namespace vmc::script
