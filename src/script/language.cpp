// The language as scripts see it: Lua's own functions from an allow list, some of them replaced because the
// original shows addresses, depends on hash seeds or clocks, or reaches for what a sandbox does not have.
#include <algorithm>
#include <array>
#include <cmath>

#include "script/frames.hpp"
#include "script/host.hpp"

namespace vmc::script {
namespace {

constexpr std::size_t kRepeatMax = 16u << 20;

// --- iteration in an order that does not depend on where strings were hashed -------------------------------

// Numbers, then strings by bytes, then booleans, then the rest (by identity: equal within a process only).
struct Key {
  int rank = 0;
  double number = 0;
  lua_Integer integer = 0;
  std::string_view text;
  const void* identity = nullptr;
  lua_Integer position = 0;

  static Key at(lua_State* L, int index) {
    Key key;
    switch (lua_type(L, index)) {
      case LUA_TNUMBER:
        if (lua_isinteger(L, index)) {
          key.integer = lua_tointeger(L, index);
        } else {
          key.rank = 1;
          key.number = lua_tonumber(L, index);
        }
        break;
      case LUA_TSTRING:
        key.rank = 2;
        key.text = text_at(L, index);
        break;
      case LUA_TBOOLEAN:
        key.rank = 3;
        key.integer = lua_toboolean(L, index);
        break;
      default:
        key.rank = 4;
        key.identity = lua_topointer(L, index);
    }
    return key;
  }
  friend bool operator<(const Key& a, const Key& b) {
    if (a.rank != b.rank) return a.rank < b.rank;
    switch (a.rank) {
      case 1:
        return a.number < b.number;
      case 2:
        return a.text < b.text;
      case 4:
        return std::less<const void*>{}(a.identity, b.identity);
      default:
        return a.integer < b.integer;
    }
  }
};

int pairs_step(lua_State* L) {
  // upvalues: the table, its keys in order, the position
  auto at = lua_tointeger(L, lua_upvalueindex(3));
  for (;;) {
    ++at;
    if (lua_rawgeti(L, lua_upvalueindex(2), at) == LUA_TNIL) return 1;
    lua_pushvalue(L, -1);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) break;
    lua_pop(L, 2);
  }
  lua_pushinteger(L, at);
  lua_replace(L, lua_upvalueindex(3));
  return 2;
}

int pairs(lua_State* L) {
  luaL_checkany(L, 1);
  if (luaL_getmetafield(L, 1, "__pairs") != LUA_TNIL) {
    lua_pushvalue(L, 1);
    lua_call(L, 1, 3);
    return 3;
  }
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  lua_newtable(L);  // 2: keys as found
  std::vector<Key> keys;
  lua_pushnil(L);
  while (lua_next(L, 1) != 0) {
    lua_pop(L, 1);
    auto key = Key::at(L, -1);
    key.position = static_cast<lua_Integer>(keys.size()) + 1;
    keys.push_back(key);
    lua_pushvalue(L, -1);
    lua_rawseti(L, 2, key.position);
  }
  if (!std::is_sorted(keys.begin(), keys.end())) {
    std::sort(keys.begin(), keys.end());
    lua_createtable(L, static_cast<int>(std::min<std::size_t>(keys.size(), 1u << 24)), 0);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      lua_rawgeti(L, 2, keys[i].position);
      lua_rawseti(L, 3, static_cast<lua_Integer>(i) + 1);
    }
    lua_replace(L, 2);
  }
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 2);
  lua_pushinteger(L, 0);
  lua_pushcclosure(L, pairs_step, 3);
  lua_pushvalue(L, 1);
  lua_pushnil(L);
  return 3;
}

// The same order, one step at a time: right for next(t), slow for whole tables, which have pairs().
int next(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 2);
  const bool from_start = lua_isnil(L, 2);
  const auto after = from_start ? Key{} : Key::at(L, 2);
  lua_pushnil(L);  // 3: the best key so far
  Key best;
  bool found = false;
  lua_pushnil(L);
  while (lua_next(L, 1) != 0) {
    lua_pop(L, 1);
    const auto key = Key::at(L, -1);
    if ((from_start || after < key) && (!found || key < best)) {
      best = key;
      found = true;
      lua_pushvalue(L, -1);
      lua_replace(L, 3);
    }
  }
  if (!found) return 1;
  lua_settop(L, 3);
  lua_pushvalue(L, 3);
  lua_rawget(L, 1);
  return 2;
}

// --- metatables --------------------------------------------------------------------------------------------

int set_metatable(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_argexpected(L, lua_isnil(L, 2) || lua_istable(L, 2), 2, "nil or table");
  lua_settop(L, 2);
  if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
    return luaL_error(L, "cannot change a protected metatable");
  if (lua_istable(L, 2)) {
    // A finaliser would run unwatched; a weak table would show when memory is collected.
    for (const char* name : {"__gc", "__mode"}) {
      lua_pushstring(L, name);
      if (lua_rawget(L, 2) != LUA_TNIL) return luaL_error(L, "a metatable may not have %s", name);
      lua_pop(L, 1);
    }
  }
  lua_setmetatable(L, 1);
  return 1;
}

int raw_set(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checkany(L, 2);
  luaL_checkany(L, 3);
  lua_settop(L, 3);
  if (luaL_getmetafield(L, 1, "__metatable") == LUA_TBOOLEAN) return luaL_error(L, "the table is read-only");
  lua_settop(L, 3);
  lua_rawset(L, 1);
  return 1;
}

// --- text --------------------------------------------------------------------------------------------------

int to_string(lua_State* L) {
  luaL_checkany(L, 1);
  push_text(L, 1);
  return 1;
}

int print(lua_State* L) {
  auto& host = host_of(L);
  std::string line;
  for (int i = 1, n = lua_gettop(L); i <= n; ++i) {
    if (i > 1) line += ' ';
    if (line.size() < kLogLineMax) line += push_text(L, i).substr(0, kLogLineMax);
    lua_settop(L, n);
  }
  if (host.log.size() < host.limits.log_lines) {
    host.log.push_back(printable(line, kLogLineMax));
  } else {
    ++host.log_dropped;
  }
  return 0;
}

int repeat(lua_State* L) {
  std::size_t size = 0;
  std::size_t gap = 0;
  const char* text = luaL_checklstring(L, 1, &size);
  const auto times = luaL_checkinteger(L, 2);
  const char* between = luaL_optlstring(L, 3, "", &gap);
  if (times <= 0) {
    lua_pushliteral(L, "");
    return 1;
  }
  if (size + gap > 0 && static_cast<std::size_t>(times) > kRepeatMax / (size + gap))
    return luaL_error(L, "string.rep: the result would be longer than 16 MiB");
  std::string out{text, size};
  out.append(between, gap);
  const auto total = static_cast<std::size_t>(times) * out.size();
  out.reserve(total);
  while (out.size() < total) out.append(out, 0, std::min(out.size(), total - out.size()));
  out.resize(total - (total > 0 ? gap : 0));
  lua_pushlstring(L, out.data(), out.size());
  return 1;
}

// The original does the work; %s arguments become text first, without addresses, and %p does not exist.
int format(lua_State* L) {
  const auto text = std::string{luaL_checkstring(L, 1), lua_rawlen(L, 1)};
  int argument = 1;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') continue;
    if (++i < text.size() && text[i] == '%') continue;
    while (i < text.size() && std::string_view{"-+ #0123456789."}.find(text[i]) != std::string_view::npos)
      ++i;
    ++argument;
    if (i == text.size()) break;  // the original complains
    if (text[i] == 'p') return luaL_error(L, "string.format: %%p is not available");
    if (text[i] != 's' || lua_isnone(L, argument) || lua_type(L, argument) == LUA_TSTRING) continue;
    push_text(L, argument);
    lua_replace(L, argument);
  }
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, 1);
  return 1;
}

// --- a stable sort, where the original picks pivots by the clock ------------------------------------------

bool comes_before(lua_State* L, bool with_function, int a, int b) {
  if (!with_function) return lua_compare(L, a, b, LUA_OPLT) != 0;
  lua_pushvalue(L, 2);
  lua_pushvalue(L, a < 0 ? a - 1 : a);
  lua_pushvalue(L, b < 0 ? b - 2 : b);
  lua_call(L, 2, 1);
  const bool yes = lua_toboolean(L, -1) != 0;
  lua_pop(L, 1);
  return yes;
}

// Merges from[low, middle) and from[middle, high) into `into`.
void merge(lua_State* L, bool with_function, int from, int into, lua_Integer low, lua_Integer middle,
           lua_Integer high) {
  auto left = low;
  auto right = middle;
  for (auto at = low; at < high; ++at) {
    bool take_right = left >= middle;
    if (!take_right && right < high) {
      lua_rawgeti(L, from, left);
      lua_rawgeti(L, from, right);
      take_right = comes_before(L, with_function, -1, -2);
      lua_pop(L, 2);
    }
    lua_rawgeti(L, from, take_right ? right++ : left++);
    lua_rawseti(L, into, at);
  }
}

int sort(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  const auto n = luaL_len(L, 1);
  const bool with_function = !lua_isnoneornil(L, 2);
  if (with_function) luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  if (n < 2) return 0;
  luaL_argcheck(L, n < (1 << 24), 1, "too many elements to sort");
  int from = 3;
  int into = 4;
  lua_createtable(L, static_cast<int>(n), 0);
  lua_createtable(L, static_cast<int>(n), 0);
  for (lua_Integer i = 1; i <= n; ++i) {
    lua_geti(L, 1, i);
    lua_rawseti(L, from, i);
  }
  for (lua_Integer width = 1; width < n; width *= 2) {
    for (lua_Integer low = 1; low <= n; low += 2 * width) {
      merge(L, with_function, from, into, low, std::min(low + width, n + 1),
            std::min(low + 2 * width, n + 1));
    }
    std::swap(from, into);
  }
  for (lua_Integer i = 1; i <= n; ++i) {
    lua_rawgeti(L, from, i);
    lua_seti(L, 1, i);
  }
  return 0;
}

// --- putting it together -----------------------------------------------------------------------------------

template <std::size_t N>
void copy(lua_State* L, int from, int into, const std::array<const char*, N>& names) {
  for (const char* name : names) {
    lua_getfield(L, from, name);
    lua_setfield(L, into, name);
  }
}

void set(lua_State* L, int table, const char* name, lua_CFunction function) {
  lua_pushcfunction(L, function);
  lua_setfield(L, table, name);
}

// Pushes a library's original table.
int original(lua_State* L, const char* name, lua_CFunction open) {
  lua_pushcfunction(L, open);
  lua_pushstring(L, name);
  lua_call(L, 1, 1);
  return lua_gettop(L);
}

void push_string_library(lua_State* L) {
  const int from = original(L, LUA_STRLIBNAME, luaopen_string);
  lua_newtable(L);
  const int into = lua_gettop(L);
  copy(L, from, into,
       std::array{"byte", "char", "find", "gmatch", "gsub", "len", "lower", "match", "pack", "packsize",
                  "reverse", "sub", "unpack", "upper"});
  set(L, into, "rep", repeat);
  lua_getfield(L, from, "format");
  lua_pushcclosure(L, format, 1);
  lua_setfield(L, into, "format");
  // Methods of strings are these functions too, and the metatable cannot be had.
  lua_pushliteral(L, "");
  lua_getmetatable(L, -1);
  lua_pushvalue(L, into);
  lua_setfield(L, -2, "__index");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 2);
  lua_remove(L, from);
}

void push_table_library(lua_State* L) {
  const int from = original(L, LUA_TABLIBNAME, luaopen_table);
  lua_newtable(L);
  const int into = lua_gettop(L);
  copy(L, from, into, std::array{"concat", "insert", "move", "pack", "remove", "unpack"});
  set(L, into, "sort", sort);
  lua_remove(L, from);
}

void push_math_library(lua_State* L) {
  const int from = original(L, LUA_MATHLIBNAME, luaopen_math);
  // Every script sees the same "random" numbers: a run can be repeated.
  lua_getfield(L, from, "randomseed");
  lua_pushinteger(L, 20'240'229);
  lua_call(L, 1, 0);
  lua_newtable(L);
  const int into = lua_gettop(L);
  copy(L, from, into,
       std::array{"abs",  "acos",   "asin", "atan", "ceil",       "cos",       "deg",        "exp",  "floor",
                  "fmod", "huge",   "log",  "max",  "maxinteger", "min",       "mininteger", "modf", "pi",
                  "rad",  "random", "sin",  "sqrt", "tan",        "tointeger", "type",       "ult"});
  lua_remove(L, from);
}

}  // namespace

void protect(lua_State* L, const char* name) {
  static constexpr auto refuse = [](lua_State* state) -> int {
    return luaL_error(state, "%s is read-only", lua_tostring(state, lua_upvalueindex(1)));
  };
  lua_newtable(L);
  lua_createtable(L, 0, 3);
  lua_pushvalue(L, -3);
  lua_setfield(L, -2, "__index");
  lua_pushstring(L, name);
  lua_pushcclosure(L, refuse, 1);
  lua_setfield(L, -2, "__newindex");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
  lua_remove(L, -2);
}

void push_language(lua_State* L) {
  lua_newtable(L);
  const int globals = lua_gettop(L);
  const int base =
      original(L, LUA_GNAME, luaopen_base);  // fills the registry's globals, which we empty below
  copy(L, base, globals,
       std::array{"assert", "error", "getmetatable", "ipairs", "pcall", "rawequal", "rawget", "rawlen",
                  "select", "tonumber", "type", "xpcall", "_VERSION"});
  set(L, globals, "next", next);
  set(L, globals, "pairs", pairs);
  set(L, globals, "print", print);
  set(L, globals, "rawset", raw_set);
  set(L, globals, "setmetatable", set_metatable);
  set(L, globals, "tostring", to_string);
  lua_settop(L, globals);

  push_string_library(L);
  protect(L, "string");
  lua_setfield(L, globals, "string");
  push_table_library(L);
  protect(L, "table");
  lua_setfield(L, globals, "table");
  push_math_library(L);
  protect(L, "math");
  lua_setfield(L, globals, "math");
  original(L, LUA_UTF8LIBNAME, luaopen_utf8);
  protect(L, "utf8");
  lua_setfield(L, globals, "utf8");
  original(L, LUA_COLIBNAME, luaopen_coroutine);
  protect(L, "coroutine");
  lua_setfield(L, globals, "coroutine");

  lua_newtable(L);
  lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
}

std::string_view text_at(lua_State* L, int index) {
  std::size_t size = 0;
  const char* text = lua_tolstring(L, index, &size);
  return {text, size};
}

const char* kind_of(lua_State* L, int index) {
  switch (lua_type(L, index)) {
    case LUA_TNONE:
    case LUA_TNIL:
      return "nil";
    case LUA_TBOOLEAN:
      return "a boolean";
    case LUA_TLIGHTUSERDATA:
      return "vmc.null";
    case LUA_TNUMBER:
      return lua_isinteger(L, index) ? "an integer" : "a float";
    case LUA_TSTRING:
      return "a string";
    case LUA_TTABLE:
      return "a table";
    case LUA_TFUNCTION:
      return "a function";
    case LUA_TTHREAD:
      return "a coroutine";
    default:
      break;
  }
  switch (box_at(L, index)->box) {
    case Box::decimal:
      return "a decimal";
    case Box::date:
      return "a date";
    case Box::time:
      return "a time";
    case Box::timestamp:
      return "a timestamp";
    case Box::timestamptz:
      return "a timestamptz";
  }
  return "a value";
}

std::string_view push_text(lua_State* L, int index) {
  index = lua_absindex(L, index);
  if (luaL_callmeta(L, index, "__tostring") != 0) {
    if (lua_type(L, -1) != LUA_TSTRING) luaL_error(L, "'__tostring' must return a string");
    return text_at(L, -1);
  }
  switch (lua_type(L, index)) {
    case LUA_TNUMBER:
    case LUA_TSTRING:
      lua_pushvalue(L, index);
      lua_tolstring(L, -1, nullptr);
      break;
    case LUA_TBOOLEAN:
      lua_pushstring(L, lua_toboolean(L, index) ? "true" : "false");
      break;
    case LUA_TLIGHTUSERDATA:
      lua_pushliteral(L, "null");
      break;
    default:
      lua_pushstring(L, luaL_typename(L, index));
      break;
  }
  return text_at(L, -1);
}

}  // namespace vmc::script
