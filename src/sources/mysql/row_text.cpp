#include "sources/mysql/row_text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>

#include "data/value.hpp"
#include "sources/mysql/params.hpp"

namespace vmc::sources::mysql {
namespace {

using data::Int128;
using data::Kind;

constexpr const char* kTooLong = "the value is longer than the column";
constexpr const char* kTooLarge = "the number is outside the range of the column's type";
constexpr const char* kFraction = "the value has more fractional digits than the column keeps";
constexpr const char* kNoMember = "the value is none that the column lists, or not spelled as there";
constexpr std::int64_t kFirstStamp = 1'000'000;  // of a timestamp; where its range ends depends on the server
constexpr const char* kInstant = "MySQL cannot hold this instant";

char* two(char* at, unsigned value) {
  at[0] = static_cast<char>('0' + value / 10);
  at[1] = static_cast<char>('0' + value % 10);
  return at + 2;
}

char* clock(char* at, const MYSQL_TIME& time) {
  at = two(at, time.minute);
  *at++ = ':';
  at = two(at, time.second);
  if (time.second_part == 0) return at;
  *at++ = '.';
  auto rest = static_cast<unsigned>(time.second_part);
  at = two(at, rest / 10'000);
  at = two(at, rest / 100 % 100);
  return two(at, rest % 100);
}

char* calendar(char* at, const MYSQL_TIME& date) {
  at = two(two(at, date.year / 100), date.year % 100);
  *at++ = '-';
  at = two(at, date.month);
  *at++ = '-';
  return two(at, date.day);
}

bool keeps_micros(std::int64_t micros, int fraction) {
  static constexpr std::int64_t kUnits[] = {1'000'000, 100'000, 10'000, 1'000, 100, 10};
  return fraction >= 6 || micros % kUnits[fraction] == 0;
}

std::int64_t characters(std::string_view text) {
  std::int64_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return count;
}

// Of a whole number; the widest for other types.
CellText::Range range_of(const TargetColumn& target, bool is_unsigned) {
  const auto& type = target.data_type;
  int bits = 64;
  if (type == "tinyint") bits = 8;
  if (type == "smallint") bits = 16;
  if (type == "mediumint") bits = 24;
  if (type == "int") bits = 32;
  if (type == "bit") return {0, target.precision < 63 ? (std::int64_t{1} << target.precision) - 1 : INT64_MAX};
  if (is_unsigned) return {0, bits < 64 ? (std::int64_t{1} << bits) - 1 : INT64_MAX};
  const auto most = bits < 64 ? (std::int64_t{1} << (bits - 1)) - 1 : INT64_MAX;
  return {-most - 1, most};
}

// Of the shortest decimal text that means the number.
int fraction_digits(double value, bool single) {
  char text[400];
  const auto end = single ? std::to_chars(text, text + sizeof text, static_cast<float>(value), std::chars_format::fixed)
                          : std::to_chars(text, text + sizeof text, value, std::chars_format::fixed);
  const auto* point = std::find(text, end.ptr, '.');
  return point == end.ptr ? 0 : static_cast<int>(end.ptr - point) - 1;
}

bool is_text(Kind kind) { return kind == Kind::text || kind == Kind::json || kind == Kind::bytes; }

}  // namespace

CellText::CellText(const TargetColumn& target, const data::Column& column)
    : target_{target},
      column_{column},
      text_{is_text(column.type().kind)},
      year_{target.data_type == "year"},
      unsigned_{target.column_type.find(" unsigned") != std::string::npos},
      range_{range_of(target, unsigned_)},
      stamp_{target.data_type == "timestamp"},
      single_{target.data_type == "float"},
      padded_text_{target.data_type == "char"},
      padded_bytes_{target.data_type == "binary"},
      counted_{target.data_type == "char" || target.data_type == "varchar"},
      utf8_{target.charset.starts_with("utf8")} {}

const char* CellText::get(std::size_t row, std::string_view& out) {
  switch (column_.type().kind) {
    case Kind::boolean:
      out = column_.bools()[row] ? "1" : "0";
      return nullptr;
    case Kind::int64:
      return whole(column_.int64s()[row], out);
    case Kind::float64:
      return real(column_.doubles()[row], out);
    case Kind::decimal:
      return decimal(column_.decimals()[row], out);
    case Kind::number:
      return number(column_.text(row), out);
    case Kind::text:
    case Kind::json:
    case Kind::bytes:
      out = column_.text(row);
      return fits(out);
    case Kind::date:
      return date(column_.int32s()[row], out);
    case Kind::time:
      return time(column_.int64s()[row], out);
    case Kind::timestamp:
    case Kind::timestamptz:
      return instant(column_.int64s()[row], out);
    case Kind::uuid:
      long_ = data::format_uuid(column_.uuid(row));
      out = long_;
      return nullptr;
  }
  return "its type is unknown";
}

const char* CellText::whole(std::int64_t value, std::string_view& out) {
  if (year_) {  // a text of one or two digits would be a year of this or the last century
    if (value != 0 && (value < 1901 || value > 2155)) return kTooLarge;
    two(two(scratch_, static_cast<unsigned>(value / 100)), static_cast<unsigned>(value % 100));
    out = {scratch_, 4};
    return nullptr;
  }
  if (value < range_.least || value > range_.most) return kTooLarge;
  const auto end = std::to_chars(scratch_, scratch_ + sizeof scratch_, value).ptr;
  out = {scratch_, static_cast<std::size_t>(end - scratch_)};
  return nullptr;
}

const char* CellText::real(double value, std::string_view& out) {
  if (!std::isfinite(value)) return "MySQL holds neither NaN nor infinity";
  if (unsigned_ && value < 0) return kTooLarge;
  if (single_ && (std::abs(value) > 3.4028234663852886e38 || static_cast<double>(static_cast<float>(value)) != value))
    return "the value has more digits than FLOAT keeps";
  if (target_.float_scale >= 0 && fraction_digits(value, single_) > target_.float_scale) return kFraction;
  const auto end = std::to_chars(scratch_, scratch_ + sizeof scratch_, value).ptr;
  out = {scratch_, static_cast<std::size_t>(end - scratch_)};
  return nullptr;
}

const char* CellText::decimal(Int128 value, std::string_view& out) {
  if (unsigned_ && value < 0) return kTooLarge;
  const auto scale = column_.type().scale;
  if (value > INT64_MAX || value < -INT64_MAX) {
    long_ = data::format_decimal(value, scale);
    out = long_;
    return nullptr;
  }
  char digits[24];
  const bool negative = value < 0;
  const auto plain = static_cast<std::int64_t>(negative ? -value : value);
  const auto count = std::to_chars(digits, digits + sizeof digits, plain).ptr - digits;
  char* at = scratch_;
  if (negative) *at++ = '-';
  const auto integer = count - scale;
  if (integer > 0) {
    std::memcpy(at, digits, static_cast<std::size_t>(integer));
    at += integer;
  } else {
    *at++ = '0';
  }
  if (scale > 0) {
    *at++ = '.';
    for (auto i = integer; i < 0; ++i) *at++ = '0';
    const auto from = std::max<std::ptrdiff_t>(integer, 0);
    std::memcpy(at, digits + from, static_cast<std::size_t>(count - from));
    at += count - from;
  }
  out = {scratch_, static_cast<std::size_t>(at - scratch_)};
  return nullptr;
}

const char* CellText::number(std::string_view value, std::string_view& out) {
  if (value == "NaN") return "MySQL holds no NaN";
  if (unsigned_ && value.starts_with('-')) return kTooLarge;
  const auto digits = value.substr(value.starts_with('-'));
  const auto point = std::min(digits.find('.'), digits.size());
  const auto fraction = point < digits.size() ? digits.size() - point - 1 : 0;
  if (static_cast<int>(fraction) > target_.scale) return kFraction;
  if (static_cast<int>(point) > target_.precision - target_.scale && digits[0] != '0') return kTooLarge;
  out = value;
  return nullptr;
}

// What the server does not find it takes for a place in the list, and what is spelled in another case for the listed.
const char* CellText::is_member(std::string_view value) const {
  const auto& members = target_.members;
  if (target_.data_type == "enum")
    return std::find(members.begin(), members.end(), value) == members.end() ? kNoMember : nullptr;
  if (value.empty()) return nullptr;
  for (auto from = members.begin();; ++from) {
    const auto comma = value.find(',');
    from = std::find(from, members.end(), value.substr(0, comma));
    if (from == members.end()) return "the value is no set of the listed ones, each once and in the column's order";
    if (comma == value.npos) return nullptr;
    value.remove_prefix(comma + 1);
  }
}

const char* CellText::fits(std::string_view value) const {
  if (!target_.members.empty()) return is_member(value);
  const auto size = static_cast<std::int64_t>(value.size());
  if (padded_bytes_ && size != target_.longest) return "BINARY would fill the value up to its length";
  if (padded_text_ && value.ends_with(' ')) return "CHAR would drop the blanks at its end";
  if (target_.longest < 0 || size <= target_.longest) return nullptr;
  if (counted_) return characters(value) > target_.longest ? kTooLong : nullptr;
  return is_binary() || utf8_ ? kTooLong : nullptr;
}

const char* CellText::date(std::int32_t days, std::string_view& out) {
  MYSQL_TIME parts{};
  if (!civil_date(days, parts)) return kInstant;
  out = {scratch_, static_cast<std::size_t>(calendar(scratch_, parts) - scratch_)};
  return nullptr;
}

const char* CellText::instant(std::int64_t micros, std::string_view& out) {
  MYSQL_TIME parts{};
  if (!civil(micros, parts) || (stamp_ && micros < kFirstStamp)) return kInstant;
  if (!keeps_micros(micros, target_.fraction)) return kFraction;
  char* at = calendar(scratch_, parts);
  *at++ = ' ';
  at = two(at, parts.hour);
  *at++ = ':';
  at = clock(at, parts);
  out = {scratch_, static_cast<std::size_t>(at - scratch_)};
  return nullptr;
}

const char* CellText::time(std::int64_t micros, std::string_view& out) {
  if (micros > data::kTimeMax || micros < -data::kTimeMax) return "the time is longer than 838:59:59";
  if (!keeps_micros(micros, target_.fraction)) return kFraction;
  const auto size = std::abs(micros);
  MYSQL_TIME parts{};
  parts.minute = static_cast<unsigned>(size / 60'000'000 % 60);
  parts.second = static_cast<unsigned>(size / 1'000'000 % 60);
  parts.second_part = static_cast<unsigned long>(size % 1'000'000);
  char* at = scratch_;
  if (micros < 0) *at++ = '-';
  const auto hours = static_cast<unsigned>(size / 3'600'000'000);
  if (hours >= 100) *at++ = static_cast<char>('0' + hours / 100);
  at = two(at, hours % 100);
  *at++ = ':';
  at = clock(at, parts);
  out = {scratch_, static_cast<std::size_t>(at - scratch_)};
  return nullptr;
}

Error RowText::refuse(std::size_t column, std::size_t row, std::string_view why) const {
  return fail(Code::invalid_request, fmt::format("column '{}', row {}: {}", targets_[column].name,
                                                 static_cast<std::uint64_t>(written_) + row + 1, why));
}

Result<void> RowText::append(const data::Batch& batch, std::string& out) {
  std::vector<CellText> cells;
  cells.reserve(targets_.size());
  for (std::size_t i = 0; i < targets_.size(); ++i) cells.emplace_back(targets_[i], batch.columns[i]);
  const auto escaped = [&out](std::string_view text) {
    std::size_t from = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      if (c != '\\' && c != '\t' && c != '\n' && c != '\0') continue;
      out.append(text.substr(from, i - from));
      out += '\\';
      from = i;  // the character itself follows
      if (c == '\0') out += '0', from = i + 1;
    }
    out.append(text.substr(from));
  };
  for (std::size_t row = 0; row < batch.rows; ++row) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (i > 0) out += '\t';
      if (cells[i].is_null(row)) {
        out += "\\N";
        continue;
      }
      std::string_view text;
      if (const char* why = cells[i].get(row, text)) return refuse(i, row, why);
      if (cells[i].needs_escape())
        escaped(text);
      else
        out += text;
    }
    out += '\n';
  }
  count(batch.rows);
  return {};
}

}  // namespace vmc::sources::mysql
