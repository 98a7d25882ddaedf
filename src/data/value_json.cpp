// Values as JSON that loses nothing.
#include <charconv>
#include <cmath>

#include "data/text_rules.hpp"
#include "data/value.hpp"

namespace vmc::data {
namespace {

constexpr std::int64_t kExactInJson = std::int64_t{1} << 53;

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

Json tagged(const char* kind, std::string text) { return Json{{kind, std::move(text)}}; }

std::string float_text(double value) {
  if (!std::isfinite(value)) return format_float64(value);
  char buffer[40];
  const auto end =
      std::to_chars(buffer, buffer + sizeof buffer, std::fabs(value), std::chars_format::hex).ptr;
  return (std::signbit(value) ? "-0x" : "0x") + std::string{buffer, end};
}

Result<Value> float_from(std::string_view text) {
  const auto unsigned_text = text.substr(text.starts_with('-') ? 1 : 0);
  if (!unsigned_text.starts_with("0x")) {
    VMC_TRY(value, parse_float64(text));
    return Value{value};
  }
  const auto digits = unsigned_text.substr(2);
  double value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::hex);
  const bool plain = digits.find_first_not_of("0123456789abcdefABCDEF.pP+-") == std::string_view::npos;
  if (digits.empty() || digits.size() > 32 || !plain || digits[0] == '-' || error != std::errc{} ||
      end != digits.data() + digits.size())
    return fail(Code::invalid_request, "the text is not a number");
  return Value{text[0] == '-' ? -value : value};
}

// The scale is what is written: "12.50" has two.
Result<Value> decimal_from(std::string_view text) {
  const auto point = text.find('.');
  const std::size_t scale = point == std::string_view::npos ? 0 : text.size() - point - 1;
  if (scale > kDecimalDigits || text.find_first_of("eE") != std::string_view::npos)
    return fail(Code::invalid_request, "the text is not a decimal of at most 38 digits");
  const auto digits = static_cast<std::uint8_t>(scale);
  VMC_TRY(unscaled, parse_decimal(text, kDecimalDigits, digits));
  return Value{Decimal{unscaled, digits}};
}

Result<Value> bytes_from(std::string_view text) {
  auto bytes = from_base64(text);
  if (!bytes) return fail(Code::invalid_request, "the text is not base64");
  return Value{std::move(*bytes)};
}

Result<Value> from_object(const Json& json) {
  if (json.size() != 1 || !json.begin()->is_string())
    return fail(Code::invalid_request, "a value's object has one member, its kind, and that is a string");
  const auto& name = json.begin().key();
  const auto& text = json.begin()->get_ref<const std::string&>();
  if (name == "decimal") return decimal_from(text);
  if (name == "float64") return float_from(text);
  if (name == "bytes") return bytes_from(text);
  const auto type =
      name == "boolean" || name == "text" ? Result<Type>{fail(Code::invalid_request, "")} : type_named(name);
  if (!type) return fail(Code::invalid_request, "the kind of a value is not known");
  return parse_value(text, *type);
}

}  // namespace

Json to_json(const Value& value) {
  return std::visit(
      Overloaded{
          [](std::monostate) { return Json(nullptr); },
          [](bool v) { return Json(v); },
          [](std::int64_t v) {
            return v >= -kExactInJson && v <= kExactInJson ? Json(v) : tagged("int64", std::to_string(v));
          },
          [](double v) { return tagged("float64", float_text(v)); },
          [](const Decimal& v) { return tagged("decimal", format_decimal(v.unscaled, v.scale)); },
          [](const Number& v) { return tagged("number", v.text); },
          [](const std::string& v) { return Json(v); },
          [](const Bytes& v) { return tagged("bytes", to_base64(v)); },
          [](Date v) { return tagged("date", format_date(v.days)); },
          [](Time v) { return tagged("time", format_time(v.micros)); },
          [](Timestamp v) { return tagged("timestamp", format_timestamp(v.micros, false)); },
          [](TimestampTz v) { return tagged("timestamptz", format_timestamp(v.micros, true)); },
          [](const Uuid& v) { return tagged("uuid", format_uuid(v.bytes)); },
          [](const JsonText& v) { return tagged("json", v.text); },
      },
      value);
}

Result<Value> value_from_json(const Json& json) {
  switch (json.type()) {
    case Json::value_t::null:
      return Value{};
    case Json::value_t::boolean:
      return Value{json.get<bool>()};
    case Json::value_t::number_integer:
      return Value{json.get<std::int64_t>()};
    case Json::value_t::number_unsigned:
      if (json.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX))
        return fail(Code::invalid_request, "the number is outside the range of int64");
      return Value{json.get<std::int64_t>()};
    case Json::value_t::string: {
      const auto& text = json.get_ref<const std::string&>();
      if (!is_valid_utf8(text)) return fail(Code::invalid_request, "the text is not UTF-8");
      return Value{text};
    }
    case Json::value_t::object:
      return from_object(json);
    default:
      return fail(Code::invalid_request,
                  "a value is null, true, false, a whole number, a string or an object",
                  "write other numbers as {\"decimal\":\"12.50\"} or {\"float64\":\"1.5\"}");
  }
}

}  // namespace vmc::data
