#include "sources/odbc/decode.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "core/bytes.hpp"
#include "core/text.hpp"
#include "data/text_rules.hpp"
#include "data/value.hpp"

namespace vmc::sources::odbc {
namespace {

using data::Kind;

constexpr std::size_t kTimeBytes = 64, kIntegerBytes = 24, kDoubleBytes = 32, kDecimalBytes = 48, kBooleanBytes = 8;
constexpr std::size_t kNumberBytes = data::kNumberDigitsMax + 8;

const char* decode_boolean(std::string_view text, data::ColumnBuilder& out) {
  // The bit itself, as some drivers give it.
  if (text.size() == 1 && (text[0] == '\0' || text[0] == '\1')) return out.boolean(text[0] == '\1'), nullptr;
  const auto word = lowered(text);
  const bool truth = word == "1" || word == "t" || word == "true";
  if (!truth && word != "0" && word != "f" && word != "false") return "the value is neither true nor false";
  return out.boolean(truth), nullptr;
}

const char* decode_integer(std::string_view text, data::ColumnBuilder& out) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return "the number is no 64-bit integer";
  return out.int64(value), nullptr;
}

const char* decode_double(std::string_view text, data::ColumnBuilder& out) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return "the value is no number that a double holds";
  return out.float64(value), nullptr;
}

// ".5" and "-.5", as Oracle writes them, with their zero.
std::string with_zero(std::string_view text) {
  std::string out{text};
  const std::size_t at = out.starts_with('-') ? 1 : 0;
  if (at < out.size() && out[at] == '.') out.insert(at, "0");
  return out;
}

const char* decode_decimal(std::string_view text, data::ColumnBuilder& out) {
  auto number = with_zero(text);
  // Zeros behind the column's scale say nothing.
  if (number.find('.') != number.npos && number.find_first_of("eE") == number.npos) {
    number.erase(number.find_last_not_of('0') + 1);
    if (number.ends_with('.')) number.pop_back();
  }
  const auto value = data::parse_decimal(number, out.type().precision, out.type().scale);
  if (!value) return "the number has more digits than the column declared when it was discovered";
  return out.decimal(*value), nullptr;
}

const char* decode_number(std::string_view text, data::ColumnBuilder& out) {
  const auto value = data::canonical_number(with_zero(text));
  if (!value) return "the number has a form that cannot be carried";
  return out.text(*value), nullptr;
}

const char* decode_date(std::string_view text, data::ColumnBuilder& out) {
  const auto value = data::parse_date(text);
  if (!value) return "the date is none that the calendar has";
  return out.date(*value), nullptr;
}

// Digits of a second behind the sixth, when they say nothing.
std::string_view without_idle_digits(std::string_view text) {
  constexpr std::size_t kKept = 7;  // the point and six digits
  const auto point = text.find('.');
  if (point == text.npos || text.find_first_not_of("0123456789", point + 1) != text.npos) return text;
  while (text.size() > point + kKept && text.back() == '0') text.remove_suffix(1);
  return text;
}

const char* decode_moment(Kind kind, std::string_view text, data::ColumnBuilder& out) {
  text = without_idle_digits(trim(text));  // Oracle's sign of the year is a blank
  auto value = kind == Kind::time ? data::parse_time(text) : data::parse_timestamp(text, false);
  // An instant comes with its offset, or without one where the session's zone is UTC.
  if (kind == Kind::timestamptz && !value) value = data::parse_timestamp(text, true);
  if (!value) return "the time is none that the calendar has, or finer than a microsecond";
  return out.int64(*value), nullptr;
}

const char* decode_text(std::string_view text, data::ColumnBuilder& out) {
  switch (out.type().kind) {
    case Kind::boolean:
      return decode_boolean(text, out);
    case Kind::int64:
      return decode_integer(text, out);
    case Kind::float64:
      return decode_double(text, out);
    case Kind::decimal:
      return decode_decimal(text, out);
    case Kind::number:
      return decode_number(text, out);
    case Kind::date:
      return decode_date(text, out);
    case Kind::time:
    case Kind::timestamp:
    case Kind::timestamptz:
      return decode_moment(out.type().kind, text, out);
    case Kind::uuid: {
      const auto value = data::parse_uuid(text);
      if (!value) return "the value is no UUID";
      return out.uuid({value->bytes.data(), value->bytes.size()}), nullptr;
    }
    case Kind::json:
      if (!data::is_json_text(text)) return "the document is no JSON";
      return out.text(text), nullptr;
    default:
      return out.text(text), nullptr;
  }
}

}  // namespace

Fetch fetch_of(Kind kind, const Customs& customs) {
  switch (kind) {
    case Kind::boolean:
      return {SQL_C_CHAR, kBooleanBytes};
    case Kind::int64:
      if (customs.integers_as_text || customs.written_out) return {SQL_C_CHAR, kIntegerBytes};
      return {SQL_C_SBIGINT, sizeof(std::int64_t)};
    case Kind::float64:
      if (customs.written_out) return {SQL_C_CHAR, kDoubleBytes};
      return {SQL_C_DOUBLE, sizeof(double)};
    case Kind::decimal:
    case Kind::uuid:
      return {SQL_C_CHAR, kDecimalBytes};
    case Kind::number:
      return {SQL_C_CHAR, kNumberBytes};
    case Kind::date:
    case Kind::time:
    case Kind::timestamp:
    case Kind::timestamptz:
      return {SQL_C_CHAR, kTimeBytes};
    case Kind::bytes:
    case Kind::text:
    case Kind::json:
      break;
  }
  if (customs.written_out) return {SQL_C_CHAR, 0, Fetch::Form::hex};
  if (kind == Kind::bytes) return {SQL_C_BINARY, 0};
  if (customs.texts_as_bytes) return {SQL_C_BINARY, 0, Fetch::Form::utf8};
  return {SQL_C_WCHAR, 0};
}

const char* decode(Fetch::Form form, std::string_view text, data::ColumnBuilder& out) {
  const bool is_text = out.type().kind != Kind::bytes;
  std::optional<Bytes> bytes;
  if (form == Fetch::Form::hex) {
    bytes = from_hex(text);
    if (!bytes) return is_text ? "the value is no text" : "the value is no blob";
    text = {reinterpret_cast<const char*>(bytes->data()), bytes->size()};
  }
  if (form != Fetch::Form::plain && is_text && !data::is_valid_utf8(text)) return "the text is not valid UTF-8";
  return decode_text(text, out);
}

}  // namespace vmc::sources::odbc
