// One value, for the edges: parameters, key ranges, filters, cells on their way to and from text.
// Bulk rows stay in columns.
#pragma once

#include <array>
#include <string>
#include <variant>

#include "core/bytes.hpp"
#include "core/json.hpp"
#include "data/batch.hpp"

namespace vmc::data {

struct Decimal {
  Int128 unscaled = 0;
  std::uint8_t scale = 0;
  bool operator==(const Decimal&) const = default;
};
struct Number { std::string text; bool operator==(const Number&) const = default; };
struct Date { std::int32_t days = 0; bool operator==(const Date&) const = default; };
struct Time { std::int64_t micros = 0; bool operator==(const Time&) const = default; };
struct Timestamp { std::int64_t micros = 0; bool operator==(const Timestamp&) const = default; };
struct TimestampTz { std::int64_t micros = 0; bool operator==(const TimestampTz&) const = default; };
struct Uuid { std::array<std::uint8_t, 16> bytes{}; bool operator==(const Uuid&) const = default; };
struct JsonText { std::string text; bool operator==(const JsonText&) const = default; };

// monostate is NULL.
using Value = std::variant<std::monostate, bool, std::int64_t, double, Decimal, Number, std::string, Bytes, Date, Time,
                           Timestamp, TimestampTz, Uuid, JsonText>;

bool is_null(const Value& value);
Value value_at(const Column& column, std::size_t row);
// The value must be of the column's own kind (or null); a decimal is rescaled exactly. INTERNAL otherwise.
Result<void> append(ColumnBuilder& column, const Value& value);

// JSON form that loses nothing: null, true, 42 for int64, "text" for text; everything else is an object of
// one member named after its kind: {"decimal":"12.50"}, {"date":"2024-02-29"}, {"float64":"0x1.8p1"},
// {"bytes":"base64"}. Integers outside ±2^53 are {"int64":"9007199254740993"} so that any reader keeps them.
Json to_json(const Value& value);
Result<Value> value_from_json(const Json& json);

// Text forms, exact in both directions. Parsing is strict: the whole text, no rounding; the error names the
// problem, never the value.
std::string format(const Value& value);                                   // NULL formats as ""
Result<Value> parse_value(std::string_view text, Type type);

std::string format_decimal(Int128 unscaled, std::uint8_t scale);
Result<Int128> parse_decimal(std::string_view text, std::uint8_t precision, std::uint8_t scale);
// Canonical unbounded decimal text ("-0.50" -> "-0.5", "1e3" -> "1000"), "NaN"; at most 1,000 digits.
Result<std::string> canonical_number(std::string_view text);
// Dates before year 1 end in " BC", as PostgreSQL writes them: "4713-01-01 BC". "infinity", "-infinity".
std::string format_date(std::int32_t days);
Result<std::int32_t> parse_date(std::string_view text);
std::string format_time(std::int64_t micros);                             // "-838:59:59", "13:00:00.25"
Result<std::int64_t> parse_time(std::string_view text);
std::string format_timestamp(std::int64_t micros, bool zone);             // "2024-02-29 13:00:00.25" (+ "+00")
// 'T' or blank, seconds and fraction optional; a date alone is its midnight. With `zone` an offset ("Z", "+00",
// "-05:30") is required, without it refused.
Result<std::int64_t> parse_timestamp(std::string_view text, bool zone);
std::string format_float64(double value);                                 // shortest text that reads back equal
Result<double> parse_float64(std::string_view text);                      // "NaN", "Infinity", "-Infinity" too
std::string format_uuid(ByteView sixteen);
Result<Uuid> parse_uuid(std::string_view text);

}  // namespace vmc::data
