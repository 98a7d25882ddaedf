#include "data/type.hpp"

#include <array>
#include <charconv>

#include <fmt/format.h>

namespace vmc::data {
namespace {

struct KindInfo {
  Kind kind;
  std::string_view name;
  std::size_t width;
};

constexpr std::array<KindInfo, 13> kKinds{{{Kind::boolean, "boolean", 1},
                                           {Kind::int64, "int64", 8},
                                           {Kind::float64, "float64", 8},
                                           {Kind::decimal, "decimal", 16},
                                           {Kind::number, "number", 0},
                                           {Kind::text, "text", 0},
                                           {Kind::bytes, "bytes", 0},
                                           {Kind::date, "date", 4},
                                           {Kind::time, "time", 8},
                                           {Kind::timestamp, "timestamp", 8},
                                           {Kind::timestamptz, "timestamptz", 8},
                                           {Kind::uuid, "uuid", 16},
                                           {Kind::json, "json", 0}}};

const KindInfo& info_of(Kind kind) { return kKinds[static_cast<std::size_t>(kind) - 1]; }

// One or two digits, no sign, no leading zero.
bool read_small(std::string_view text, std::uint8_t& out) {
  if (text.empty() || text.size() > 2 || (text.size() > 1 && text[0] == '0')) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

Error unknown_type() {
  return fail(Code::invalid_request, "the type is not known",
              "use boolean, int64, float64, decimal(precision,scale), number, text, bytes, date, time, "
              "timestamp, timestamptz, uuid or json");
}

constexpr auto kPowers = [] {
  std::array<Int128, kDecimalDigits + 1> powers{};
  Int128 power = 1;
  for (std::size_t i = 0; i < powers.size(); ++i) {
    powers[i] = power;
    if (i + 1 < powers.size()) power *= 10;  // 10^39 would overflow
  }
  return powers;
}();

}  // namespace

std::string to_string(Type type) {
  if (type.kind == Kind::decimal) return fmt::format("decimal({},{})", type.precision, type.scale);
  return std::string{info_of(type.kind).name};
}

Result<Type> type_named(std::string_view text) {
  for (const auto& known : kKinds)
    if (known.name == text && known.kind != Kind::decimal) return Type{known.kind, 0, 0};
  constexpr std::string_view prefix = "decimal(";
  if (!text.starts_with(prefix) || !text.ends_with(')')) return unknown_type();
  const auto inside = text.substr(prefix.size(), text.size() - prefix.size() - 1);
  const auto comma = inside.find(',');
  if (comma == std::string_view::npos) return unknown_type();
  Type type{Kind::decimal, 0, 0};
  if (!read_small(inside.substr(0, comma), type.precision) ||
      !read_small(inside.substr(comma + 1), type.scale))
    return unknown_type();
  if (type.precision < 1 || type.precision > kDecimalDigits || type.scale > kDecimalDigits)
    return fail(Code::invalid_request, "a decimal has a precision of 1 to 38 and a scale of 0 to 38");
  return type;
}

std::size_t width(Kind kind) { return info_of(kind).width; }

Int128 power_of_ten(unsigned exponent) { return kPowers.at(exponent); }

}  // namespace vmc::data
