#include "sql/guard/verdict.hpp"

#include <fmt/format.h>

#include "core/text.hpp"

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
  const auto place = place_of(statement, refusal.at);
  auto text = fmt::format("{}, line {}, column {}: {}.", to_string(refusal.layer), place.line, place.column, refusal.what);
  if (!refusal.hint.empty()) text += " " + refusal.hint;
  return text;
}

}  // namespace vmc::sql
