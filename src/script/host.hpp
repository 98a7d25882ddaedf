// What our C functions need to know while a script runs. One a Lua state, found through its extra space.
#pragma once

#include <lua.hpp>

#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "script/exact_decimal.hpp"
#include "script/memory.hpp"
#include "script/sandbox.hpp"

namespace vmc::script {

// Every full userdata is one of these; scripts cannot make others. Light userdata NULL is vmc.null.
enum class Box : std::uint32_t { decimal, date, time, timestamp, timestamptz };
inline constexpr std::size_t kBoxes = 5;

struct BoxHeader {
  Box box;
  std::uint16_t scale;  // decimal
  std::uint16_t form;   // decimal: 0 in 128 bits, 1 as text, 2 NaN
};
struct DecimalBox {
  BoxHeader header;
  std::uint64_t low;  // the unscaled value; with form 1 the length of the text behind the box
  std::uint64_t high;
};
struct TimeBox {  // date: days; else µs
  BoxHeader header;
  std::int64_t value;
};

struct Host {
  explicit Host(const ScriptLimits& given) : limits{given}, memory{given.memory_bytes} {}
  ScriptLimits limits;
  LuaMemory memory;
  bool locked = false;          // globals are read-only
  int metatables[kBoxes] = {};  // registry references
  int array_metatable = 0;      // marks a table as a JSON array
  std::vector<std::string> log;
  std::size_t log_dropped = 0;
};

inline Host& host_of(lua_State* L) { return **static_cast<Host**>(lua_getextraspace(L)); }

// The box at `index`, or null. `index` must be positive or relative, and is not popped.
inline const BoxHeader* box_at(lua_State* L, int index) {
  return lua_type(L, index) == LUA_TUSERDATA ? static_cast<const BoxHeader*>(lua_touserdata(L, index))
                                             : nullptr;
}
inline const TimeBox* time_at(lua_State* L, int index, Box box) {
  const auto* header = box_at(L, index);
  return header && header->box == box ? reinterpret_cast<const TimeBox*>(header) : nullptr;
}
inline const DecimalBox* decimal_at(lua_State* L, int index) {
  const auto* header = box_at(L, index);
  return header && header->box == Box::decimal ? reinterpret_cast<const DecimalBox*>(header) : nullptr;
}
inline Int128 unscaled(const DecimalBox& box) {
  Int128 value;
  std::memcpy(&value, &box.low, sizeof value);
  return value;
}

inline void push_null(lua_State* L) { lua_pushlightuserdata(L, nullptr); }
inline bool is_null(lua_State* L, int index) {
  const int type = lua_type(L, index);
  return type == LUA_TNIL || type == LUA_TNONE || (type == LUA_TLIGHTUSERDATA && !lua_touserdata(L, index));
}
void push_small_decimal(lua_State* L, Int128 value, int scale);
void push_decimal(lua_State* L, const ExactDecimal& value);
void push_time(lua_State* L, Box box, std::int64_t value);
ExactDecimal to_decimal(const DecimalBox& box);

// "a decimal", "a string", "a table": for messages, which never show values.
const char* kind_of(lua_State* L, int index);
// The text tostring() gives: no addresses. Pushes it; may call a script's __tostring.
std::string_view push_text(lua_State* L, int index);
std::string_view text_at(lua_State* L, int index);  // of a string, without conversion

// Pushes a table that reads through to the one on top (which it replaces) and cannot be written.
void protect(lua_State* L, const char* name);

// The parts of the language, each leaving one table (or function) on the stack.
void push_language(lua_State* L);  // what scripts see as globals, without vmc
void push_vmc(lua_State* L);       // the vmc table
void open_decimals(lua_State* L);  // vmc.decimal and vmc.div into the table on top, like the next ones
void open_times(lua_State* L);
void open_json(lua_State* L);
void open_text(lua_State* L);

}  // namespace vmc::script
