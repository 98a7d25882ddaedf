#include "sql/guard/postgres/made.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include <fmt/format.h>

#include "core/text.hpp"

namespace vmc::sql::postgres {
namespace {

constexpr double kPiecesMax = 1e6;  // of a text or an array
constexpr double kFactorialMax = 1'000;
constexpr double kSeriesMax = 1e7;
constexpr std::array<std::string_view, 7> kMakers{"array_fill", "factorial", "lpad", "regexp_replace", "repeat", "replace", "rpad"};

std::optional<Node> argument(const Object& call, std::size_t number) {
  const auto arguments = items_of(call, "args");
  return number < arguments.size() ? node_of(arguments[number]) : std::nullopt;
}

std::optional<Node> child(const Object& fields, std::string_view name) {
  const auto value = child_of(fields, name);
  return value ? node_of(*value) : std::nullopt;
}

// A constant's text; the node itself must be one.
std::optional<std::string> constant(const Node& node) {
  if (node.kind != "A_Const") return std::nullopt;
  Object value;
  std::int64_t integer = 0;
  if (node.fields["ival"].get(value) == simdjson::SUCCESS)
    return value["ival"].get(integer) == simdjson::SUCCESS ? std::to_string(integer) : "0";  // the tree leaves out 0, and negative numbers
  if (node.fields["fval"].get(value) == simdjson::SUCCESS) return std::string{text_of(value, "fval")};
  if (node.fields["sval"].get(value) == simdjson::SUCCESS) return std::string{text_of(value, "sval")};
  return std::nullopt;
}

// A call by its last name: pg_catalog.repeat() is repeat().
std::string name_of(const Object& call) {
  const auto names = strings_of(call, "funcname");
  return names && !names->empty() ? names->back() : std::string{};
}

std::optional<double> number(const std::optional<Node>& node);

std::optional<double> operation(const Object& fields) {
  const auto names = strings_of(fields, "name");
  const auto left = child(fields, "lexpr"), right = child(fields, "rexpr");
  const auto a = left ? number(left) : std::optional<double>{0};  // a sign: 0 - x
  const auto b = number(right);
  if (!names || names->empty() || !a || !b) return std::nullopt;
  const auto& name = names->back();
  if (name == "+") return *a + *b;
  if (name == "-") return *a - *b;
  if (name == "*") return *a * *b;
  if (name == "/" && *b != 0) return *a / *b;
  if (name == "%" && *b != 0) return std::fmod(*a, *b);
  if (name == "^") return std::pow(*a, *b);
  if (name == "<<" && std::isfinite(*b)) return std::ldexp(*a, static_cast<int>(std::fmod(*b, 64)));
  return std::nullopt;
}

double length(const std::optional<Node>& node);

// Of a call that gives its argument back, or one made of it.
std::optional<double> called(const Object& call) {
  const auto name = name_of(call);
  const auto first = argument(call, 0);
  if (name == "power" || name == "pow") {
    const auto base = number(first), exponent = number(argument(call, 1));
    return base && exponent ? std::optional{std::pow(*base, *exponent)} : std::nullopt;
  }
  if (name == "length" || name == "char_length" || name == "octet_length") return length(first);
  const auto value = number(first);
  return value && name == "abs" ? std::optional{std::fabs(*value)} : value;  // round(), floor(), int4() …
}

// The number an expression of constants comes to, or near it.
std::optional<double> number(const std::optional<Node>& node) {
  if (!node) return std::nullopt;
  if (node->kind == "TypeCast") return number(child(node->fields, "arg"));
  if (node->kind == "A_Expr") return operation(node->fields);
  if (node->kind == "FuncCall") return called(node->fields);
  if (node->kind == "CoalesceExpr" || node->kind == "MinMaxExpr") return number(argument(node->fields, 0));
  const auto text = constant(*node);
  if (!text || text->empty()) return std::nullopt;
  char* end = nullptr;
  const double value = std::strtod(text->c_str(), &end);
  return *end == '\0' ? std::optional{value} : std::nullopt;
}

// Bytes of a text, at least; 1 where nothing is known.
double length(const std::optional<Node>& node) {
  if (!node) return 1;
  const auto& fields = node->fields;
  if (node->kind == "TypeCast") return length(child(fields, "arg"));
  if (node->kind == "A_Expr") return length(child(fields, "lexpr")) + length(child(fields, "rexpr"));  // a || b
  if (node->kind == "FuncCall") {
    const auto name = name_of(fields);
    if (name == "repeat") return number(argument(fields, 1)).value_or(1) * length(argument(fields, 0));
    if (name == "lpad" || name == "rpad") return number(argument(fields, 1)).value_or(1);
    return length(argument(fields, 0));  // upper(), reverse() …
  }
  const auto text = constant(*node);
  return text && !text->empty() ? static_cast<double>(text->size()) : 1;
}

// The product of an array's lengths: ARRAY[1000, 1000], '{1000,1000}'.
double product(const std::optional<Node>& node) {
  if (!node) return 1;
  if (node->kind == "TypeCast") return product(child(node->fields, "arg"));
  double all = 1;
  if (node->kind == "A_ArrayExpr")
    for (const auto& item : items_of(node->fields, "elements")) all *= number(node_of(item)).value_or(1);
  if (const auto text = constant(*node)) {
    const char* at = text->c_str();
    while (*at) {
      char* end = nullptr;
      const double one = std::strtod(at, &end);
      if (end == at) {
        ++at;
        continue;
      }
      all *= one;
      at = end;
    }
  }
  return all;
}

// All texts written in a value, one behind the other: concat('%', '9s').
std::string texts_in(const Value& value) {
  std::string out;
  if (Array list; value.get(list) == simdjson::SUCCESS)
    for (const auto& item : list) out += texts_in(item);
  Object node;
  if (value.get(node) != simdjson::SUCCESS) return out;
  if (const auto found = node_of(value); found && found->kind == "A_Const") return constant(*found).value_or("");
  for (const auto& field : node)
    if (field.key != "funcname") out += texts_in(field.value);
  return out;
}

// The largest width in '%10s' and '%1$-10s'; a '*' stands for the largest of the numbers behind the format.
double formatted(const Object& call) {
  const auto arguments = items_of(call, "args");
  if (arguments.empty()) return 0;
  const auto format = texts_in(arguments.front());
  double most = 0;
  for (auto at = format.find('%'); at != format.npos; at = format.find('%', at)) {
    double digits = 0;
    for (++at; at < format.size() && std::string_view{"0123456789$-*"}.find(format[at]) != std::string_view::npos; ++at) {
      if (format[at] == '*')
        for (std::size_t i = 1; i < arguments.size(); ++i) digits = std::max(digits, number(argument(call, i)).value_or(0));
      else if (format[at] >= '0' && format[at] <= '9')
        digits = digits * 10 + (format[at] - '0');
      most = std::max(most, digits);
      if (format[at] == '$') digits = 0;
    }
  }
  return most;
}

double pieces(std::string_view function, const Object& call) {
  const auto second = number(argument(call, 1)).value_or(0);
  if (function == "array_fill") return product(argument(call, 1));
  if (function == "factorial") return number(argument(call, 0)).value_or(0);
  if (function == "repeat") return second * length(argument(call, 0));
  if (function == "replace" || function == "regexp_replace")
    return length(argument(call, 0)) * length(argument(call, 2)) / length(argument(call, 1));
  return second;  // lpad(), rpad()
}

// A constant's text, under a cast too.
std::string written_in(const std::optional<Node>& node) {
  const auto written = node && node->kind == "TypeCast" ? child(node->fields, "arg") : node;
  return lowered(written ? constant(*written).value_or("") : "");
}

bool is_long_series(const Object& call) {
  const auto first = number(argument(call, 0)), last = number(argument(call, 1));
  const auto last_text = written_in(argument(call, 1));
  if (last_text == "infinity" || last_text == "+infinity") return true;
  const auto step_node = argument(call, 2);
  const auto step = number(step_node).value_or(1);
  if (first && last && step != 0 && (*last - *first) / step > kSeriesMax) return true;
  if (number(step_node)) return false;
  const auto text = written_in(step_node);  // '1 microsecond'
  return text.find("micro") != text.npos || text.find("milli") != text.npos || text.starts_with("0.0");
}

}  // namespace

std::optional<std::string> makes_too_much(std::string_view function, const Object& call) {
  if (function == "generate_series") {
    if (is_long_series(call)) return fmt::format("generate_series would make more than {} rows", static_cast<std::int64_t>(kSeriesMax));
    return std::nullopt;
  }
  const auto most = function == "factorial" ? kFactorialMax : kPiecesMax;
  const bool maker = std::find(kMakers.begin(), kMakers.end(), function) != kMakers.end();
  const double made = maker ? pieces(function, call) : function == "format" ? formatted(call) : 0;
  if (!(made > most)) return std::nullopt;
  return fmt::format("{} would make more than {} pieces", function, static_cast<std::int64_t>(most));
}

}  // namespace vmc::sql::postgres
