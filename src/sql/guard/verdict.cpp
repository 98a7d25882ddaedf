#include "sql/guard/verdict.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace vmc::sql {

std::string_view to_string(Layer layer) {
  switch (layer) {
    case Layer::text:
      return "text";
    case Layer::tokens:
      return "tokens";
    case Layer::syntax:
      return "syntax";
    case Layer::functions:
      return "functions";
    case Layer::names:
      return "names";
  }
  return "";
}

std::string describe(const Refusal& refusal, std::string_view statement) {
  const auto before = statement.substr(0, std::min(refusal.at, statement.size()));
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const auto newline = before.rfind('\n');
  const auto in_line = newline == std::string_view::npos ? before : before.substr(newline + 1);
  const auto is_first_byte = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
  const auto column = 1 + std::count_if(in_line.begin(), in_line.end(), is_first_byte);
  auto text = fmt::format("{}, line {}, column {}: {}.", to_string(refusal.layer), line, column, refusal.what);
  if (!refusal.hint.empty()) text += " " + refusal.hint;
  return text;
}

}  // namespace vmc::sql
