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

namespace {

// What to do where a refusal has nothing better to say.
std::string_view usual_hint(Layer layer) {
  switch (layer) {
    case Layer::text:
      return "Send one statement as UTF-8 text.";
    case Layer::tokens:
    case Layer::syntax:
      return "Ask for rows with one SELECT, as the manual of this database writes it.";
    case Layer::functions:
      return "Leave it out.";
    case Layer::names:
      return "Check the name, or ask the owner of the connection to approve it.";
  }
  return "";
}

}  // namespace

std::string describe(const Refusal& refusal, std::string_view statement) {
  const auto place = place_of(statement, refusal.at);
  const std::string_view hint = refusal.hint.empty() ? usual_hint(refusal.layer) : refusal.hint;
  return fmt::format("{}, line {}, column {}: {}. {}", to_string(refusal.layer), place.line, place.column, refusal.what, hint);
}

}  // namespace vmc::sql
