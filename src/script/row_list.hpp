// What a script may return for rows, and which input row a returned row was.
#pragma once

#include <lua.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "data/cast.hpp"
#include "script/rows.hpp"

namespace vmc::script {

// transform()'s result at `index`: nil drops, a table with [1] is a list of rows, any other a row; {} is an
// empty list. Calls `read` with the stack index of each row until one is refused.
template <class Read>
std::optional<Refusal> for_each_row(lua_State* L, int index, Read read) {
  index = lua_absindex(L, index);
  if (lua_type(L, index) == LUA_TNIL) return std::nullopt;
  if (lua_type(L, index) != LUA_TTABLE)
    return Refusal{
        "", std::string{"transform returned "} + kind_of(L, index) + ", not a row, a list of rows or nil"};
  const auto length = static_cast<lua_Integer>(lua_rawlen(L, index));
  if (length == 0) {
    lua_pushnil(L);
    if (lua_next(L, index) == 0) return std::nullopt;
    lua_pop(L, 2);
    return read(index);
  }
  for (lua_Integer i = 1; i <= length; ++i) {
    if (lua_rawgeti(L, index, i) != LUA_TTABLE)
      return Refusal{
          "", "row " + std::to_string(i) + " of the list that transform returned is " + kind_of(L, -1)};
    if (auto refusal = read(lua_gettop(L))) return refusal;
    lua_pop(L, 1);
  }
  return std::nullopt;
}

// The rows of one transform_batch() call. A row that is refused must be an input row, changed or not: of a
// row the script made anew nobody could say what was lost, and the call fails.
class RowList {
 public:
  RowList(lua_State* L, std::size_t expected);
  void add(std::size_t row);  // the row on top, which it pops
  void push();                // a list for the script to keep
  // The result on top.
  template <class Read>
  std::vector<data::RowError> read_result(Read read);

 private:
  void refuse(std::vector<data::RowError>& refused, lua_Integer position, int index, Refusal refusal);
  lua_State* L_;
  int rows_;  // stack index of our own list: it keeps the rows alive, so that identity means something
  lua_Integer size_ = 0;
  std::unordered_map<const void*, std::size_t> by_identity_;
};

template <class Read>
std::vector<data::RowError> RowList::read_result(Read read) {
  std::vector<data::RowError> refused;
  const int result = lua_gettop(L_);
  if (lua_type(L_, result) != LUA_TTABLE)
    luaL_error(L_, "transform_batch returned %s, not a list of rows", kind_of(L_, result));
  const auto length = static_cast<lua_Integer>(lua_rawlen(L_, result));
  lua_pushnil(L_);
  if (length == 0 && lua_next(L_, result) != 0)
    luaL_error(L_, "transform_batch returned a single row, not a list");
  lua_settop(L_, result);
  for (lua_Integer i = 1; i <= length; ++i) {
    if (lua_rawgeti(L_, result, i) != LUA_TTABLE)
      luaL_error(L_, "row %I of the list that transform_batch returned is %s", static_cast<LUAI_UACINT>(i),
                 kind_of(L_, -1));
    if (auto refusal = read(lua_gettop(L_))) refuse(refused, i, lua_gettop(L_), std::move(*refusal));
    lua_settop(L_, result);
  }
  std::sort(refused.begin(), refused.end(), [](const auto& a, const auto& b) { return a.row < b.row; });
  const auto same = [](const auto& a, const auto& b) { return a.row == b.row; };
  refused.erase(std::unique(refused.begin(), refused.end(), same), refused.end());
  return refused;
}

}  // namespace vmc::script
