#include "data/value.hpp"

#include <cstring>

#include <charconv>

#include "data/text_rules.hpp"

namespace vmc::data {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

Error misfit(Type type) {
  return fail(Code::internal, "a value does not fit its column of type " + to_string(type));
}

Uuid uuid_of(ByteView sixteen) {
  Uuid uuid;
  std::memcpy(uuid.bytes.data(), sixteen.data(), 16);
  return uuid;
}

std::optional<Int128> rescale(const Decimal& value, Type type) {
  Int128 unscaled = value.unscaled;
  if (value.scale <= type.scale) {
    if (__builtin_mul_overflow(unscaled, power_of_ten(type.scale - value.scale), &unscaled))
      return std::nullopt;
  } else {
    if (value.scale > kDecimalDigits) return std::nullopt;
    const Int128 unit = power_of_ten(value.scale - type.scale);
    if (unscaled % unit != 0) return std::nullopt;
    unscaled /= unit;
  }
  const Int128 bound = power_of_ten(type.precision);
  if (unscaled <= -bound || unscaled >= bound) return std::nullopt;
  return unscaled;
}

}  // namespace

bool is_null(const Value& value) { return std::holds_alternative<std::monostate>(value); }

Value value_at(const Column& column, std::size_t row) {
  if (column.is_null(row)) return std::monostate{};
  const auto text = [&] { return std::string{column.text(row)}; };
  switch (column.type().kind) {
    case Kind::boolean:
      return column.bools()[row] != 0;
    case Kind::int64:
      return column.int64s()[row];
    case Kind::float64:
      return column.doubles()[row];
    case Kind::decimal:
      return Decimal{column.decimals()[row], column.type().scale};
    case Kind::number:
      return Number{text()};
    case Kind::text:
      return text();
    case Kind::bytes: {
      const auto bytes = as_bytes(column.text(row));
      return Bytes{bytes.begin(), bytes.end()};
    }
    case Kind::date:
      return Date{column.int32s()[row]};
    case Kind::time:
      return Time{column.int64s()[row]};
    case Kind::timestamp:
      return Timestamp{column.int64s()[row]};
    case Kind::timestamptz:
      return TimestampTz{column.int64s()[row]};
    case Kind::uuid:
      return uuid_of(column.uuid(row));
    case Kind::json:
      return JsonText{text()};
  }
  return std::monostate{};
}

Result<void> append(ColumnBuilder& column, const Value& value) {
  const Type type = column.type();
  const auto put = [&](Kind kind, auto&& store) -> Result<void> {
    if (type.kind != kind) return misfit(type);
    store();
    return {};
  };
  const auto put_text = [&](Kind kind, std::string_view text, bool valid) -> Result<void> {
    if (type.kind != kind || !valid) return misfit(type);
    column.text(text);
    return {};
  };
  return std::visit(
      Overloaded{
          [&](std::monostate) -> Result<void> {
            column.null();
            return {};
          },
          [&](bool v) { return put(Kind::boolean, [&] { column.boolean(v); }); },
          [&](std::int64_t v) { return put(Kind::int64, [&] { column.int64(v); }); },
          [&](double v) { return put(Kind::float64, [&] { column.float64(v); }); },
          [&](const Decimal& v) -> Result<void> {
            const auto unscaled = type.kind == Kind::decimal ? rescale(v, type) : std::nullopt;
            if (!unscaled) return misfit(type);
            column.decimal(*unscaled);
            return {};
          },
          [&](const Number& v) { return put_text(Kind::number, v.text, is_canonical_number(v.text)); },
          [&](const std::string& v) { return put_text(Kind::text, v, is_valid_utf8(v)); },
          [&](const Bytes& v) { return put_text(Kind::bytes, as_text(v), true); },
          [&](Date v) { return put(Kind::date, [&] { column.date(v.days); }); },
          [&](Time v) -> Result<void> {
            if (v.micros < -kTimeMax || v.micros > kTimeMax) return misfit(type);
            return put(Kind::time, [&] { column.int64(v.micros); });
          },
          [&](Timestamp v) { return put(Kind::timestamp, [&] { column.int64(v.micros); }); },
          [&](TimestampTz v) { return put(Kind::timestamptz, [&] { column.int64(v.micros); }); },
          [&](const Uuid& v) { return put(Kind::uuid, [&] { column.uuid(v.bytes); }); },
          [&](const JsonText& v) { return put_text(Kind::json, v.text, is_valid_utf8(v.text)); },
      },
      value);
}

std::string format_uuid(ByteView sixteen) {
  auto hex = to_hex(sixteen);
  for (const std::size_t at : {8u, 13u, 18u, 23u}) hex.insert(at, 1, '-');
  return hex;
}

Result<Uuid> parse_uuid(std::string_view text) {
  const auto bad = [] { return fail(Code::invalid_request, "the text is not a uuid"); };
  if (text.size() != 36) return bad();
  std::string hex;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash != (text[i] == '-')) return bad();
    if (!dash) hex += text[i];
  }
  const auto bytes = from_hex(hex);
  if (!bytes || bytes->size() != 16) return bad();
  return uuid_of(*bytes);
}

std::string format(const Value& value) {
  return std::visit(Overloaded{
                        [](std::monostate) { return std::string{}; },
                        [](bool v) { return std::string{v ? "true" : "false"}; },
                        [](std::int64_t v) { return std::to_string(v); },
                        [](double v) { return format_float64(v); },
                        [](const Decimal& v) { return format_decimal(v.unscaled, v.scale); },
                        [](const Number& v) { return v.text; },
                        [](const std::string& v) { return v; },
                        [](const Bytes& v) { return "\\x" + to_hex(v); },
                        [](Date v) { return format_date(v.days); },
                        [](Time v) { return format_time(v.micros); },
                        [](Timestamp v) { return format_timestamp(v.micros, false); },
                        [](TimestampTz v) { return format_timestamp(v.micros, true); },
                        [](const Uuid& v) { return format_uuid(v.bytes); },
                        [](const JsonText& v) { return v.text; },
                    },
                    value);
}

namespace {

Result<Value> parse_boolean(std::string_view text) {
  if (text == "true" || text == "t") return Value{true};
  if (text == "false" || text == "f") return Value{false};
  return fail(Code::invalid_request, "the text is neither true nor false");
}

Result<Value> parse_int64(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range)
    return fail(Code::invalid_request, "the number is outside the range of int64");
  if (error != std::errc{} || end != text.data() + text.size())
    return fail(Code::invalid_request, "the text is not a whole number");
  return Value{value};
}

Result<Value> parse_bytes(std::string_view text) {
  auto bytes = text.starts_with("\\x") ? from_hex(text.substr(2)) : std::nullopt;
  if (!bytes) return fail(Code::invalid_request, "the text is not \\x followed by hex digits");
  return Value{std::move(*bytes)};
}

}  // namespace

Result<Value> parse_value(std::string_view text, Type type) {
  switch (type.kind) {
    case Kind::boolean:
      return parse_boolean(text);
    case Kind::int64:
      return parse_int64(text);
    case Kind::float64: {
      VMC_TRY(value, parse_float64(text));
      return Value{value};
    }
    case Kind::decimal: {
      VMC_TRY(value, parse_decimal(text, type.precision, type.scale));
      return Value{Decimal{value, type.scale}};
    }
    case Kind::number: {
      VMC_TRY(value, canonical_number(text));
      return Value{Number{std::move(value)}};
    }
    case Kind::text:
      if (!is_valid_utf8(text)) return fail(Code::invalid_request, "the text is not UTF-8");
      return Value{std::string{text}};
    case Kind::bytes:
      return parse_bytes(text);
    case Kind::date: {
      VMC_TRY(value, parse_date(text));
      return Value{Date{value}};
    }
    case Kind::time: {
      VMC_TRY(value, parse_time(text));
      return Value{Time{value}};
    }
    case Kind::timestamp: {
      VMC_TRY(value, parse_timestamp(text, false));
      return Value{Timestamp{value}};
    }
    case Kind::timestamptz: {
      VMC_TRY(value, parse_timestamp(text, true));
      return Value{TimestampTz{value}};
    }
    case Kind::uuid: {
      VMC_TRY(value, parse_uuid(text));
      return Value{value};
    }
    case Kind::json:
      if (!is_json_text(text)) return fail(Code::invalid_request, "the text is not JSON");
      return Value{JsonText{std::string{text}}};
  }
  return fail(Code::internal, "the type is not known");
}

}  // namespace vmc::data
