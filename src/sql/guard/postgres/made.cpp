#include "sql/guard/postgres/made.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include <fmt/format.h>

namespace vmc::sql::postgres {
namespace {

constexpr double kPiecesMax = 1e6;  // of a text or an array
constexpr double kFactorialMax = 1'000;
constexpr double kSeriesMax = 1e7;
constexpr std::array<std::string_view, 5> kMakers{"array_fill", "factorial", "lpad", "repeat", "rpad"};

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
  if (name == "<<") return std::ldexp(*a, static_cast<int>(std::fmod(*b, 64)));
  return std::nullopt;
}

// The number an expression of constants comes to.
std::optional<double> number(const std::optional<Node>& node) {
  if (!node) return std::nullopt;
  if (node->kind == "TypeCast") return number(child(node->fields, "arg"));
  if (node->kind == "A_Expr") return operation(node->fields);
  if (node->kind == "FuncCall") {
    const auto name = name_of(node->fields);
    if (name != "power" && name != "pow") return std::nullopt;
    const auto base = number(argument(node->fields, 0)), exponent = number(argument(node->fields, 1));
    return base && exponent ? std::optional{std::pow(*base, *exponent)} : std::nullopt;
  }
  const auto text = constant(*node);
  if (!text || text->empty()) return std::nullopt;
  char* end = nullptr;
  const double value = std::strtod(text->c_str(), &end);
  return *end == '\0' ? std::optional{value} : std::nullopt;
}

// Bytes of a text, at least.
double length(const std::optional<Node>& node) {
  if (!node) return 1;
  if (node->kind == "TypeCast") return length(child(node->fields, "arg"));
  if (node->kind == "A_Expr") return length(child(node->fields, "lexpr")) + length(child(node->fields, "rexpr"));  // a || b
  if (node->kind == "FuncCall") {
    const auto name = name_of(node->fields);
    const auto times = number(argument(node->fields, 1)).value_or(1);
    if (name == "repeat") return times * length(argument(node->fields, 0));
    return name == "lpad" || name == "rpad" ? times : 1;
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

// The largest number written anywhere in a value; texts count with the digits in them ('%1000000000s').
double largest_number(const Value& value) {
  if (std::int64_t written = 0; value.get(written) == simdjson::SUCCESS) return static_cast<double>(written);
  double largest = 0;
  if (std::string_view text; value.get(text) == simdjson::SUCCESS) {
    double digits = 0;
    for (const char c : text) {
      digits = c >= '0' && c <= '9' ? digits * 10 + (c - '0') : 0;
      largest = std::max(largest, digits);
    }
  }
  if (Array list; value.get(list) == simdjson::SUCCESS)
    for (const auto& item : list) largest = std::max(largest, largest_number(item));
  if (Object node; value.get(node) == simdjson::SUCCESS)
    for (const auto& field : node)
      if (field.key != "location") largest = std::max(largest, largest_number(field.value));
  return largest;
}

// format('%1000000000s', x), or with the width among the arguments: format('%*s', 1000000000, x).
double formatted(const Object& call) {
  const auto arguments = items_of(call, "args");
  if (arguments.empty()) return 0;
  double most = largest_number(arguments.front());
  const auto first = argument(call, 0);
  const auto text = first ? constant(*first) : std::nullopt;
  if (text && text->find('*') == text->npos) return most;
  for (std::size_t i = 1; i < arguments.size(); ++i) most = std::max(most, number(argument(call, i)).value_or(0));
  return most;
}

double pieces(std::string_view function, const Object& call) {
  double most = 0;
  for (const auto& one : items_of(call, "args")) most = std::max(most, largest_number(one));
  const auto second = number(argument(call, 1)).value_or(0);
  if (function == "array_fill") return std::max(most, product(argument(call, 1)));
  if (function == "factorial") return std::max(most, number(argument(call, 0)).value_or(0));
  if (function == "repeat") return std::max(most, second * length(argument(call, 0)));
  return std::max(most, second);
}

bool is_long_series(const Object& call) {
  const auto first = number(argument(call, 0)), last = number(argument(call, 1));
  const auto step_node = argument(call, 2);
  const auto step = number(step_node).value_or(1);
  if (first && last && step != 0 && (*last - *first) / step > kSeriesMax) return true;
  const auto written = step_node && step_node->kind == "TypeCast" ? child(step_node->fields, "arg") : step_node;
  const auto text = written ? constant(*written) : std::nullopt;  // '1 microsecond'
  if (!text || number(step_node)) return false;
  return text->find("micro") != text->npos || text->find("milli") != text->npos || text->starts_with("0.0");
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
