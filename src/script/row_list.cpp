#include "script/row_list.hpp"

namespace vmc::script {

RowList::RowList(lua_State* L, std::size_t expected) : L_{L} {
  lua_createtable(L, static_cast<int>(expected), 0);
  rows_ = lua_gettop(L);
}

void RowList::add(std::size_t row) {
  by_identity_.emplace(lua_topointer(L_, -1), row);
  lua_rawseti(L_, rows_, ++size_);
}

void RowList::push() {
  lua_createtable(L_, static_cast<int>(size_), 0);
  for (lua_Integer i = 1; i <= size_; ++i) {
    lua_rawgeti(L_, rows_, i);
    lua_rawseti(L_, -2, i);
  }
}

void RowList::refuse(std::vector<data::RowError>& refused, lua_Integer position, int index, Refusal refusal) {
  const auto found = by_identity_.find(lua_topointer(L_, index));
  if (found == by_identity_.end()) {
    luaL_error(L_, "row %I of the list that transform_batch returned: %s: %s",
               static_cast<LUAI_UACINT>(position), refusal.column.c_str(), refusal.reason.c_str());
  }
  refused.push_back({found->second, std::move(refusal.column), std::move(refusal.reason)});
}

}  // namespace vmc::script
