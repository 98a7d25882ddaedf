// PostgreSQL's raw parse tree as libpg_query writes it: {"NodeName": {field: value, …}}, fields with default values left
// out. A thin view over the parsed JSON; what it points to lives as long as the Tree.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <simdjson.h>

#include "sql/guard/verdict.hpp"

namespace vmc::sql::postgres {

using Value = simdjson::dom::element;
using Object = simdjson::dom::object;
using Array = simdjson::dom::array;

// A value that is not there counts as empty.
inline std::vector<Value> items_of(const Object& node, std::string_view field) {
  Array list;
  if (node[field].get(list) != simdjson::SUCCESS) return {};
  return {list.begin(), list.end()};
}
inline std::string_view text_of(const Object& node, std::string_view field) {
  std::string_view text;
  return node[field].get(text) == simdjson::SUCCESS ? text : std::string_view{};
}
inline bool flag_of(const Object& node, std::string_view field) {
  bool flag = false;
  return node[field].get(flag) == simdjson::SUCCESS && flag;
}
inline std::optional<Value> child_of(const Object& node, std::string_view field) {
  Value value;
  if (node[field].get(value) != simdjson::SUCCESS) return std::nullopt;
  return value;
}
inline std::size_t number_of(const Object& node, std::string_view field) {
  std::int64_t number = 0;
  return node[field].get(number) == simdjson::SUCCESS && number > 0 ? static_cast<std::size_t>(number) : 0;
}
inline std::size_t place_of(const Object& node) { return number_of(node, "location"); }

// A node and what kind it is; nullopt where the value is none ({} stands for NULL in lists).
struct Node {
  std::string_view kind;
  Object fields;
};
std::optional<Node> node_of(const Value& value);
// A child that must be of one kind.
std::optional<Object> child_node(const Object& node, std::string_view field, std::string_view kind);
// The strings of a list of String nodes; nullopt when something else is among them.
std::optional<std::vector<std::string>> strings_of(const Object& node, std::string_view field);

// The words of a list "a b c".
template <class F>
void each_word(std::string_view list, F f) {
  while (!list.empty()) {
    const auto end = std::min(list.find(' '), list.size());
    f(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
}

// The statement's parse tree, or why there is none. One a thread: the next statement takes its place.
struct Parsed {
  std::optional<Refusal> refusal;
  Object root;
};
// Size and encoding.
std::optional<Refusal> check_text(std::string_view statement);
// Nesting and chains that the parser would not survive, runs of signs, parameters in the place of words.
std::optional<Refusal> check_tokens(std::string_view statement);
// Of a statement that has passed both.
Parsed parse(std::string_view statement);

}  // namespace vmc::sql::postgres
