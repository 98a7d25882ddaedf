#include "data/text_rules.hpp"
#include "support/show_result.hpp"
#include "unit/data/random_batch.hpp"

using namespace vmc;
using namespace vmc::data;

namespace {

Value through_json(const Value& value) {
  return value_from_json(parse_json(to_json(value).dump()).value()).value();
}

std::int32_t day(const char* text) { return parse_date(text).value(); }

}  // namespace

TEST_CASE("values of every kind survive JSON, at their extremes") {
  const Int128 most = power_of_ten(38) - 1;
  const std::vector<Value> values{std::monostate{},
                                  true,
                                  false,
                                  std::int64_t{0},
                                  INT64_MIN,
                                  INT64_MAX,
                                  (std::int64_t{1} << 53) + 1,
                                  0.0,
                                  -0.0,
                                  0.1,
                                  5e-324,
                                  1.7976931348623157e308,
                                  HUGE_VAL,
                                  -HUGE_VAL,
                                  Decimal{most, 0},
                                  Decimal{-most, 38},
                                  Decimal{0, 2},
                                  Decimal{-5, 1},
                                  Decimal{1250, 2},
                                  Number{"-0.5"},
                                  Number{"NaN"},
                                  Number{std::string(1000, '9')},
                                  std::string{},
                                  std::string{"Zoë ☃ \" \\ \n"},
                                  std::string{"\0x", 2},
                                  Bytes{},
                                  Bytes{0, 255, 10},
                                  Date{0},
                                  Date{day("4714-11-24 BC")},
                                  Date{day("9999-12-31")},
                                  Date{INT32_MAX},
                                  Date{INT32_MIN},
                                  Date{INT32_MAX - 1},
                                  Time{0},
                                  Time{kTimeMax},
                                  Time{-kTimeMax},
                                  Time{-1},
                                  Timestamp{kInfinity},
                                  Timestamp{kMinusInfinity},
                                  Timestamp{kInfinity - 1},
                                  Timestamp{kMinusInfinity + 1},
                                  Timestamp{-1},
                                  TimestampTz{253'402'300'799'999'999},
                                  TimestampTz{kInfinity},
                                  TimestampTz{kMinusInfinity + 1},
                                  Uuid{{1, 2, 3}},
                                  JsonText{"{\"a\": 1.0}"}};
  for (const auto& value : values) {
    INFO(to_json(value).dump());
    const Value back = through_json(value);
    CHECK(back == value);
    if (const auto* number = std::get_if<double>(&value))
      CHECK(std::signbit(std::get<double>(back)) == std::signbit(*number));
  }
  CHECK(std::isnan(std::get<double>(through_json(std::nan("")))));
}

TEST_CASE("the JSON of values is the documented one") {
  CHECK(to_json(Value{std::int64_t{42}}).dump() == "42");
  CHECK(to_json(Value{INT64_MAX}).dump() == R"({"int64":"9223372036854775807"})");
  CHECK(to_json(Value{Decimal{1250, 2}}).dump() == R"({"decimal":"12.50"})");
  CHECK(to_json(Value{Date{day("2024-02-29")}}).dump() == R"({"date":"2024-02-29"})");
  CHECK(to_json(Value{3.0}).dump() == R"({"float64":"0x1.8p+1"})");
  CHECK(to_json(Value{-0.0}).dump() == R"({"float64":"-0x0p+0"})");
  CHECK(to_json(Value{Bytes{1, 2}}).dump() == R"({"bytes":"AQI="})");
  CHECK(to_json(Value{Timestamp{kInfinity}}).dump() == R"({"timestamp":"infinity"})");
}

TEST_CASE("JSON that is no value is refused") {
  for (const char* text : {"1.5",
                           "[1]",
                           "{}",
                           "18446744073709551615",
                           R"({"decimal":12})",
                           R"({"decimal":"1","number":"1"})",
                           R"({"decimal":"1e3"})",
                           R"({"decimal":"100000000000000000000000000000000000000"})",
                           R"({"float64":"0xg"})",
                           R"({"float64":"0x"})",
                           R"({"float64":"0x-1p0"})",
                           R"({"float64":"inf"})",
                           R"({"bytes":"?"})",
                           R"({"uuid":"1"})",
                           R"({"date":"2023-02-29"})",
                           R"({"text":"x"})",
                           R"({"boolean":"true"})",
                           R"({"money":"1"})",
                           R"({"json":"{"})",
                           R"({"int64":"9223372036854775808"})",
                           R"({"number":"1e99999"})"})
    CHECK_FALSE(value_from_json(parse_json(text).value()));
}

TEST_CASE("a value put in a column of another kind is refused, and a decimal is rescaled only exactly") {
  ColumnBuilder decimals{{Kind::decimal, 5, 2}};
  CHECK(append(decimals, Decimal{125, 1}));
  CHECK(append(decimals, Decimal{12'500, 3}));
  CHECK_FALSE(append(decimals, Decimal{12'501, 3}));
  CHECK_FALSE(append(decimals, Decimal{1000, 0}));
  CHECK_FALSE(append(decimals, std::int64_t{1}));
  CHECK_FALSE(append(decimals, 1.0));
  const Column column = decimals.finish();
  REQUIRE(column.size() == 2);
  CHECK((column.decimals()[0] == 1250 && column.decimals()[1] == 1250));

  ColumnBuilder texts{{Kind::text, 0, 0}};
  CHECK_FALSE(append(texts, std::string{"\xff"}));
  ColumnBuilder numbers{{Kind::number, 0, 0}};
  CHECK_FALSE(append(numbers, Number{"1.50"}));
}

TEST_CASE("decimals are formatted and parsed exactly") {
  const Int128 most = power_of_ten(38) - 1;
  CHECK(format_decimal(0, 0) == "0");
  CHECK(format_decimal(0, 3) == "0.000");
  CHECK(format_decimal(-5, 2) == "-0.05");
  CHECK(format_decimal(123456, 2) == "1234.56");
  CHECK(format_decimal(most, 0) == std::string(38, '9'));
  CHECK(format_decimal(-most, 38) == "-0." + std::string(38, '9'));
  CHECK(format_decimal(power_of_ten(20), 19) == "10." + std::string(19, '0'));

  const auto parsed = [](const char* text) { return format_decimal(parse_decimal(text, 10, 3).value(), 3); };
  CHECK(parsed("12.5") == "12.500");
  CHECK(parsed("-0012.5000") == "-12.500");
  CHECK(parsed("+1.25e2") == "125.000");
  CHECK(parsed(".5") == "0.500");
  CHECK(parsed("125e-3") == "0.125");
  CHECK(parsed("1234567") == "1234567.000");
  CHECK((parse_decimal(std::string(38, '9'), 38, 0).value() == most));
  for (const char* text : {"", "-", ".", "1.2345", "12345678", "1e8", "1e-4", "0x1", "1,5", " 1", "1 ", "1e",
                           "1e+", "NaN", "1e99999999999", "--1", "1.2.3", "１"})
    CHECK_FALSE(parse_decimal(text, 10, 3));
}

TEST_CASE("numbers without bound have one form") {
  const auto canonical = [](const char* text) { return canonical_number(text).value(); };
  CHECK(canonical("-0.50") == "-0.5");
  CHECK(canonical("1e3") == "1000");
  CHECK(canonical("1.5e1") == "15");
  CHECK(canonical("000") == "0");
  CHECK(canonical("-0.0") == "0");
  CHECK(canonical("1e-3") == "0.001");
  CHECK(canonical("12300e-2") == "123");
  CHECK(canonical("NaN") == "NaN");
  CHECK_FALSE(canonical_number("1e1000"));
  CHECK(canonical_number("1e999").value().size() == 1000);
  CHECK_FALSE(canonical_number("Infinity"));
  for (const char* text : {"01", "-0", "1.0", ".5", "1.", "+1", "1e3", "", "-", "0.10", "1.2.3"})
    CHECK_FALSE(is_canonical_number(text));
}

TEST_CASE("dates are those of the proleptic calendar, before Christ included") {
  CHECK(format_date(0) == "1970-01-01");
  CHECK(day("2024-02-29") == 19'782);
  CHECK(day("0001-01-01") == -719'162);
  CHECK(format_date(-719'163) == "0001-12-31 BC");
  CHECK(day("4714-11-24 BC") == -2'440'588);
  CHECK(format_date(-2'440'588) == "4714-11-24 BC");
  CHECK(day("9999-12-31") == 2'932'896);
  CHECK(format_date(2'932'897) == "10000-01-01");
  CHECK(day("0005-02-29 BC") == day("0005-03-01 BC") - 1);  // year -4 is a leap year
  for (const char* text :
       {"2023-02-29", "0000-01-01", "0000-00-00", "2024-13-01", "2024-00-01", "2024-01-32", "2024-1-1",
        "24-01-01", "2024-01-01 ", "2024-01-01 AD", "-2024-01-01", "9999999-01-01", ""})
    CHECK_FALSE(parse_date(text));
  for (std::int64_t days = INT32_MIN; days <= INT32_MAX; days += 104'729)
    REQUIRE(day(format_date(static_cast<std::int32_t>(days)).c_str()) == days);
}

TEST_CASE("times of day reach as far as a database's do") {
  CHECK(format_time(0) == "00:00:00");
  CHECK(format_time(46'800'250'000) == "13:00:00.25");
  CHECK(format_time(-kTimeMax) == "-838:59:59");
  CHECK(parse_time("-838:59:59").value() == -kTimeMax);
  CHECK(parse_time("24:00:00").value() == 86'400'000'000);
  CHECK(parse_time("09:05").value() == 32'700'000'000);
  CHECK(parse_time("00:00:00.000001000").value() == 1);
  for (const char* text : {"838:59:59.000001", "839:00:00", "1:00:00", "00:60:00", "00:00:60", "00:00:00.",
                           "00:00:00.0000001", "00:00:00Z", ""})
    CHECK_FALSE(parse_time(text));
}

TEST_CASE("timestamps are exact, zones are resolved, and what is ambiguous is refused") {
  const std::int64_t noon = parse_timestamp("2024-02-29 12:00:00", false).value();
  CHECK(format_timestamp(noon + 250'000, false) == "2024-02-29 12:00:00.25");
  CHECK(format_timestamp(noon, true) == "2024-02-29 12:00:00+00");
  CHECK(format_timestamp(-1, false) == "1969-12-31 23:59:59.999999");
  CHECK(parse_timestamp("2024-02-29T12:00", false).value() == noon);
  CHECK(parse_timestamp("2024-02-29", false).value() == noon - 43'200'000'000);
  for (const char* text : {"2024-02-29T12:00:00Z", "2024-02-29 17:30:00+05:30", "2024-02-29 17:30:00+0530",
                           "2024-02-29 07:00:00-05", "2024-02-29 12:19:32.000000+00:19:32"})
    CHECK(parse_timestamp(text, true).value() == noon);
  CHECK(parse_timestamp("infinity", true).value() == kInfinity);
  CHECK(format_timestamp(kMinusInfinity, false) == "-infinity");
  const char* ancient = "4713-01-01 23:59:59.5 BC";
  CHECK(format_timestamp(parse_timestamp(ancient, false).value(), false) == ancient);
  CHECK(parse_timestamp("0044-03-15 12:00:00+00 BC", true).value() ==
        parse_timestamp("0044-03-15 12:00:00 BC", false).value());
  CHECK(format_date(static_cast<std::int32_t>(parse_timestamp("0044-03-15 BC", false).value() /
                                              86'400'000'000)) == "0044-03-15 BC");

  CHECK_FALSE(parse_timestamp("2024-02-29 12:00:00", true));
  for (const char* text :
       {"2024-02-29 12:00:00Z", "2024-02-29 24:00:00", "2024-02-29 12:00:60", "2024-02-29  12:00:00",
        "2024-02-29 12:00:00.1234567", "2024-02-29 12", "300000-01-01 00:00:00", "Infinity", ""})
    CHECK_FALSE(parse_timestamp(text, false));
  for (const std::int64_t micros : {INT64_MIN, INT64_MIN + 1, std::int64_t{-1}, INT64_MAX - 1, INT64_MAX})
    CHECK(parse_timestamp(format_timestamp(micros, true), true).value() == micros);
}

TEST_CASE("floats are written with the fewest digits that read back") {
  CHECK(format_float64(0.1) == "0.1");
  CHECK(format_float64(1e22) == "1e+22");
  for (const char* text : {"inf", "nan", "0x1p3", "", "1e999", " 1", "1.5f", "infinity"})
    CHECK_FALSE(parse_float64(text));
}

TEST_CASE("random values survive text in both directions") {
  const auto seed = fresh_seed();
  INFO("seed " << seed);
  RandomBatch random{seed};
  for (int round = 0; round < 300; ++round) {
    const Batch batch = random.batch();
    for (const auto& column : batch.columns)
      for (std::size_t row = 0; row < batch.rows; ++row) {
        const Value value = value_at(column, row);
        REQUIRE(to_json(through_json(value)) == to_json(value));
        if (!is_null(value))
          REQUIRE(to_json(parse_value(format(value), column.type()).value()) == to_json(value));
      }
  }
}

TEST_CASE("UTF-8 is told from what only looks like it") {
  const std::string plain(100, 'a');
  for (const char* good : {"", "\x7f", "é", "߿", "ࠀ", "퟿", "", "𐀀", "\xf4\x8f\xbf\xbf"}) {
    CHECK(is_valid_utf8(good));
    CHECK(is_valid_utf8(plain + good + plain));
  }
  for (const char* bad :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xc3", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xe2\x82",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xe2\x28\xa1"}) {
    CHECK_FALSE(is_valid_utf8(bad));
    CHECK_FALSE(is_valid_utf8(plain + bad));
    CHECK_FALSE(is_valid_utf8(plain + bad + plain));
  }
}

TEST_CASE("JSON text is one value and nothing else") {
  for (const char* good : {"1", "-0.5e+3", "\"\\u00e9\\n\"", "[]", "{}",
                           " [1, {\"a\": [null, true]}, false ] ", "{\"\":{}}", "1e999", "[[],[{}]]"})
    CHECK(is_json_text(good));
  for (const char* bad :
       {"",      " ",       "01",     "1.",   ".5",        "+1",          "1e",       "nul",
        "\"",    "\"\\x\"", "\"\t\"", "[1,]", "[1 2]",     "{\"a\"}",     "{\"a\":}", "{\"a\":1,}",
        "{1:2}", "[",       "]",      "1 1",  "{\"a\":1]", "\"\\u12g4\"", "\"\xff\"", "NaN"})
    CHECK_FALSE(is_json_text(bad));
  CHECK(is_json_text(std::string(512, '[') + std::string(512, ']')));
  CHECK_FALSE(is_json_text(std::string(100'000, '[')));
}
