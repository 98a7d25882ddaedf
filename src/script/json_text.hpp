// JSON between text and Lua values, exactly: integers are Lua integers, every other number a vmc.decimal.
// Strict and bounded in both directions.
#pragma once

#include <lua.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vmc::script {

inline constexpr int kJsonDepth = 64;
inline constexpr std::size_t kJsonNodes = 100'000;

struct JsonProblem {
  std::string what;  // "unexpected character", "a key stands twice"; never text of the document
  std::size_t offset = 0;
};
std::string text_of(const JsonProblem& problem);

// Pushes the value and returns nothing, or pushes nothing and says why. `keys`: receives the keys of the
// outermost object in their order.
std::optional<JsonProblem> push_json(lua_State* L, std::string_view text,
                                     std::vector<std::string>* keys = nullptr);

// Appends the value at `index`. Keys of objects are sorted, except those of the outermost one that stand in
// `order`, which come first. Says what cannot be written, or nothing (then `out` has the whole text).
std::optional<std::string> write_json(lua_State* L, int index, std::string& out, std::size_t size_max,
                                      const std::vector<std::string>* order = nullptr);

// Marks the table on top as an array, so that it stays one when empty.
void mark_array(lua_State* L);

}  // namespace vmc::script
