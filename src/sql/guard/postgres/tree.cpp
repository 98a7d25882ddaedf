#include "sql/guard/postgres/tree.hpp"

#include <algorithm>
#include <cstring>
#include <memory>

#include <fmt/format.h>
#include <pg_query.h>

#include "core/text.hpp"

namespace vmc::sql::postgres {
namespace {

constexpr std::size_t kTreeBytesMax = 32u << 20;  // kStatementBytesMax of the densest text makes half of it
constexpr std::size_t kTreeDepthMax = 1000;       // JSON levels: some 250 nested operators

struct Answer {
  explicit Answer(const char* text) : result{pg_query_parse(text)} {}
  ~Answer() { pg_query_free_parse_result(result); }
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;
  PgQueryParseResult result;
};

Refusal refuse(Layer layer, std::size_t at, std::string what, std::string hint = {}) {
  return {layer, Code::write_operation_rejected, at, std::move(what), std::move(hint)};
}

}  // namespace

std::optional<Node> node_of(const Value& value) {
  Object wrapped;
  if (value.get(wrapped) != simdjson::SUCCESS || wrapped.size() != 1) return std::nullopt;
  const auto field = *wrapped.begin();
  Node node;
  node.kind = field.key;
  if (field.value.get(node.fields) != simdjson::SUCCESS) return std::nullopt;
  return node;
}

std::optional<Object> child_node(const Object& node, std::string_view field, std::string_view kind) {
  const auto child = child_of(node, field);
  const auto found = child ? node_of(*child) : std::nullopt;
  if (!found || found->kind != kind) return std::nullopt;
  return found->fields;
}

std::optional<std::vector<std::string>> strings_of(const Object& node, std::string_view field) {
  std::vector<std::string> strings;
  for (const auto& item : items_of(node, field)) {
    const auto string = node_of(item);
    if (!string || string->kind != "String") return std::nullopt;
    strings.emplace_back(text_of(string->fields, "sval"));
  }
  return strings;
}

std::optional<Refusal> check_text(std::string_view statement) {
  if (statement.size() > kStatementBytesMax)
    return refuse(Layer::text, 0, fmt::format("the statement is longer than {} KiB", kStatementBytesMax / 1024));
  if (const auto nul = statement.find('\0'); nul != std::string_view::npos)
    return refuse(Layer::text, nul, "a NUL byte would end the statement for the server");
  if (!is_utf8(statement)) return refuse(Layer::text, 0, "the statement is not valid UTF-8");
  return std::nullopt;
}

Parsed parse(std::string_view statement) {
  const std::string text{statement};
  const Answer answer{text.c_str()};
  if (const auto* error = answer.result.error)
    return {refuse(Layer::syntax, byte_of_character(statement, static_cast<std::size_t>(std::max(error->cursorpos, 1)) - 1),
                   fmt::format("PostgreSQL does not understand this: {}", error->message ? error->message : ""),
                   "Correct the statement; what only versions after 15 know is not accepted."),
            {}};
  static thread_local simdjson::dom::parser parser{kTreeBytesMax};
  if (parser.max_depth() != kTreeDepthMax && parser.allocate(1u << 16, kTreeDepthMax) != simdjson::SUCCESS)
    return {refuse(Layer::text, 0, "there is no memory to read the statement"), {}};
  const char* tree = answer.result.parse_tree;
  Object root;
  const auto failed = parser.parse(tree, std::strlen(tree)).get(root);
  if (failed == simdjson::DEPTH_ERROR)
    return {refuse(Layer::text, 0, "the statement is nested too deeply", "Split it with WITH."), {}};
  if (failed) return {refuse(Layer::text, 0, "the statement is too large to be judged"), {}};
  return {std::nullopt, root};
}

}  // namespace vmc::sql::postgres
