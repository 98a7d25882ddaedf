// vmc.text, vmc.hash, vmc.lookup and vmc.log, and the vmc table that holds every helper.
#include <algorithm>

#include "crypto/hash.hpp"
#include "data/text_rules.hpp"
#include "script/frames.hpp"
#include "script/host.hpp"

namespace vmc::script {
namespace {

std::string_view check_text(lua_State* L, int index) {
  std::size_t size = 0;
  const char* text = luaL_checklstring(L, index, &size);
  return {text, size};
}

int give(lua_State* L, std::string_view text) {
  lua_pushlstring(L, text.data(), text.size());
  return 1;
}

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

int trim(lua_State* L) {
  auto text = check_text(L, 1);
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return give(L, text);
}

int split(lua_State* L) {
  const auto text = check_text(L, 1);
  const auto separator = check_text(L, 2);
  luaL_argcheck(L, !separator.empty(), 2, "the separator is empty");
  lua_newtable(L);
  lua_Integer n = 0;
  for (std::size_t from = 0;;) {
    const auto to = text.find(separator, from);
    give(L, text.substr(from, to == text.npos ? to : to - from));
    lua_rawseti(L, -2, ++n);
    if (to == text.npos) return 1;
    from = to + separator.size();
  }
}

template <char first, char last>
int change_case(lua_State* L) {
  std::string text{check_text(L, 1)};
  for (char& c : text) {
    if (c >= first && c <= last) c = static_cast<char>(c ^ 0x20);
  }
  return give(L, text);
}

void check_utf8(lua_State* L, std::string_view text) {
  if (!data::is_valid_utf8(text)) luaL_argerror(L, 1, "the text is not UTF-8");
}

int length(lua_State* L) {
  const auto text = check_text(L, 1);
  check_utf8(L, text);
  lua_pushinteger(L, std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
  return 1;
}

// Characters first to last, counted from 1, both included; never half a character.
int sub(lua_State* L) {
  const auto text = check_text(L, 1);
  check_utf8(L, text);
  const auto first = luaL_checkinteger(L, 2);
  const auto last = luaL_optinteger(L, 3, INT64_MAX);
  luaL_argcheck(L, first >= 1, 2, "characters are counted from 1");
  lua_Integer at = 0;
  std::size_t from = text.size();
  std::size_t to = text.size();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((text[i] & 0xc0) == 0x80) continue;
    ++at;
    if (at == first) from = i;
    if (at > last) {
      to = i;
      break;
    }
  }
  return give(L, from < to ? text.substr(from, to - from) : std::string_view{});
}

int starts_with(lua_State* L) {
  lua_pushboolean(L, check_text(L, 1).starts_with(check_text(L, 2)));
  return 1;
}
int ends_with(lua_State* L) {
  lua_pushboolean(L, check_text(L, 1).ends_with(check_text(L, 2)));
  return 1;
}
int contains(lua_State* L) {
  lua_pushboolean(L, check_text(L, 1).find(check_text(L, 2)) != std::string_view::npos);
  return 1;
}

// Plain text, no patterns.
int replace(lua_State* L) {
  const auto text = check_text(L, 1);
  const auto what = check_text(L, 2);
  const auto with = check_text(L, 3);
  luaL_argcheck(L, !what.empty(), 2, "the text to be replaced is empty");
  const auto limit = host_of(L).limits.memory_bytes;
  std::string out;
  for (std::size_t from = 0;;) {
    const auto to = text.find(what, from);
    out.append(text, from, to == text.npos ? to : to - from);
    if (to == text.npos) return give(L, out);
    out += with;
    if (out.size() > limit) return luaL_error(L, "vmc.text.replace: the result is too long");
    from = to + what.size();
  }
}

int sha256(lua_State* L) { return give(L, to_hex(crypto::sha256(as_bytes(check_text(L, 1))))); }
int hmac_sha256(lua_State* L) {
  return give(L, to_hex(crypto::hmac_sha256(as_bytes(check_text(L, 1)), as_bytes(check_text(L, 2)))));
}

// map[key]; what is missing is the default, or a row error when there is none.
int lookup(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checkany(L, 2);
  const bool has_default = lua_gettop(L) >= 3;
  lua_pushvalue(L, 2);
  if (!is_null(L, 2) && lua_gettable(L, 1) != LUA_TNIL) return 1;
  if (!has_default) return luaL_error(L, "vmc.lookup: the key is not in the table");
  lua_pushvalue(L, 3);
  return 1;
}

int null_text(lua_State* L) { return give(L, "null"); }

// vmc.null is a light userdata; they all share one metatable.
void push_null_with_metatable(lua_State* L) {
  push_null(L);
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, null_text);
  lua_setfield(L, -2, "__tostring");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
}

}  // namespace

void open_text(lua_State* L) {
  static constexpr luaL_Reg text[] = {{"trim", trim},
                                      {"split", split},
                                      {"upper", change_case<'a', 'z'>},
                                      {"lower", change_case<'A', 'Z'>},
                                      {"length", length},
                                      {"sub", sub},
                                      {"starts_with", starts_with},
                                      {"ends_with", ends_with},
                                      {"contains", contains},
                                      {"replace", replace},
                                      {nullptr, nullptr}};
  static constexpr luaL_Reg hash[] = {{"sha256", sha256}, {"hmac_sha256", hmac_sha256}, {nullptr, nullptr}};
  luaL_newlib(L, text);
  protect(L, "vmc.text");
  lua_setfield(L, -2, "text");
  luaL_newlib(L, hash);
  protect(L, "vmc.hash");
  lua_setfield(L, -2, "hash");
}

void push_vmc(lua_State* L) {
  lua_newtable(L);
  push_null_with_metatable(L);
  lua_setfield(L, -2, "null");
  open_decimals(L);
  open_times(L);
  open_json(L);
  open_text(L);
  lua_pushcfunction(L, lookup);
  lua_setfield(L, -2, "lookup");
}

}  // namespace vmc::script
