// vmc.decimal: exact numbers as Lua values.
#include <cmath>

#include "script/host.hpp"

namespace vmc::script {
namespace {

DecimalBox* new_decimal(lua_State* L, std::size_t extra) {
  auto* box = static_cast<DecimalBox*>(lua_newuserdatauv(L, sizeof(DecimalBox) + extra, 0));
  box->header = {Box::decimal, 0, 0};
  box->low = box->high = 0;
  lua_rawgeti(L, LUA_REGISTRYINDEX, host_of(L).metatables[static_cast<std::size_t>(Box::decimal)]);
  lua_setmetatable(L, -2);
  return box;
}

// Decimals, integers, integral floats and text; everything else is an error that names the argument.
ExactDecimal check_decimal(lua_State* L, int index) {
  if (const auto* box = decimal_at(L, index)) return to_decimal(*box);
  if (lua_type(L, index) == LUA_TNUMBER) {
    if (lua_isinteger(L, index)) return {lua_tointeger(L, index), 0};
    const double value = lua_tonumber(L, index);
    if (std::floor(value) == value && std::fabs(value) < 0x1p63) return {static_cast<std::int64_t>(value), 0};
    luaL_argerror(L, index, "a float with a fraction is not exact: use text or an integer");
  }
  if (lua_type(L, index) == LUA_TSTRING) {
    if (auto value = ExactDecimal::parse(text_at(L, index))) return *std::move(value);
    luaL_argerror(L, index, "the text is not a decimal number of at most 1,000 digits");
  }
  luaL_argerror(L, index, (std::string{"a decimal number was expected, not "} + kind_of(L, index)).c_str());
  return {};
}

// Operands of operators: text is refused there, as it would hide a missing conversion.
ExactDecimal check_operand(lua_State* L, int index) {
  if (lua_type(L, index) == LUA_TSTRING || is_null(L, index))
    luaL_error(L, "arithmetic on a decimal and %s", kind_of(L, index));
  return check_decimal(L, index);
}

int give(lua_State* L, const std::optional<ExactDecimal>& value) {
  if (!value) return luaL_error(L, "the result has more than 1,000 digits");
  push_decimal(L, *value);
  return 1;
}

int check_scale(lua_State* L, int index) {
  const auto scale = luaL_checkinteger(L, index);
  luaL_argcheck(L, scale >= 0 && scale <= ExactDecimal::kDigitsMax, index, "a scale is from 0 to 1000");
  return static_cast<int>(scale);
}

Rounding check_rounding(lua_State* L, int index) {
  static const char* const names[] = {"half_up", "half_even", "down", nullptr};
  return static_cast<Rounding>(luaL_checkoption(L, index, "half_up", names));
}

int construct(lua_State* L) {
  luaL_checkany(L, 1);
  if (is_null(L, 1)) {  // NULL stays NULL: rows have many
    push_null(L);
    return 1;
  }
  if (decimal_at(L, 1)) {
    lua_settop(L, 1);
    return 1;
  }
  return give(L, check_decimal(L, 1));
}

int divide_with_scale(lua_State* L) {
  const auto a = check_decimal(L, 1);
  const auto b = check_decimal(L, 2);
  const int scale = check_scale(L, 3);
  const auto rounding = check_rounding(L, 4);
  if (b.is_zero()) return luaL_error(L, "division by zero");
  return give(L, divide(a, b, scale, rounding));
}

int add(lua_State* L) { return give(L, check_operand(L, 1) + check_operand(L, 2)); }
int subtract(lua_State* L) { return give(L, check_operand(L, 1) - check_operand(L, 2)); }
int multiply(lua_State* L) { return give(L, check_operand(L, 1) * check_operand(L, 2)); }
int negate(lua_State* L) { return give(L, check_operand(L, 1).negated()); }
int refuse_division(lua_State* L) {
  return luaL_error(L, "a decimal has no '/': say how exact the result is with vmc.div(a, b, scale)");
}

int equal(lua_State* L) {
  const auto order = decimal_at(L, 1) && decimal_at(L, 2)
                         ? compare(to_decimal(*decimal_at(L, 1)), to_decimal(*decimal_at(L, 2)))
                         : std::nullopt;
  lua_pushboolean(L, order == 0);
  return 1;
}
int less(lua_State* L) {
  const auto order = compare(check_operand(L, 1), check_operand(L, 2));
  lua_pushboolean(L, order && *order < 0);
  return 1;
}
int less_or_equal(lua_State* L) {
  const auto order = compare(check_operand(L, 1), check_operand(L, 2));
  lua_pushboolean(L, order && *order <= 0);
  return 1;
}

int text(lua_State* L) {
  const auto out = check_decimal(L, 1).text();
  lua_pushlstring(L, out.data(), out.size());
  return 1;
}

int concat(lua_State* L) {
  for (const int i : {1, 2}) {
    if (!decimal_at(L, i) && !lua_isstring(L, i))
      return luaL_error(L, "attempt to concatenate %s", kind_of(L, i));
  }
  std::string out{push_text(L, 1)};
  out += push_text(L, 2);
  lua_pushlstring(L, out.data(), out.size());
  return 1;
}

int round(lua_State* L) {
  const auto value = check_decimal(L, 1);
  return give(L, value.rounded(check_scale(L, 2), check_rounding(L, 3)));
}

int absolute(lua_State* L) {
  const auto value = check_decimal(L, 1);
  return give(L, value.is_negative() ? value.negated() : value);
}

int to_integer(lua_State* L) {
  const auto value = check_decimal(L, 1).at_scale(0);
  if (value && *value >= INT64_MIN && *value <= INT64_MAX) {
    lua_pushinteger(L, static_cast<lua_Integer>(*value));
  } else {
    lua_pushnil(L);
  }
  return 1;
}

int to_float(lua_State* L) {
  lua_pushnumber(L, std::strtod(check_decimal(L, 1).text().c_str(), nullptr));
  return 1;
}

int field(lua_State* L) {
  // upvalue: methods
  if (lua_type(L, 2) == LUA_TSTRING && text_at(L, 2) == "scale") {
    lua_pushinteger(L, check_decimal(L, 1).scale());
    return 1;
  }
  lua_pushvalue(L, 2);
  if (lua_gettable(L, lua_upvalueindex(1)) == LUA_TNIL) return luaL_error(L, "a decimal has no such field");
  return 1;
}

}  // namespace

void push_small_decimal(lua_State* L, Int128 value, int scale) {
  auto* box = new_decimal(L, 0);
  box->header.scale = static_cast<std::uint16_t>(scale);
  std::memcpy(&box->low, &value, sizeof value);
}

void push_decimal(lua_State* L, const ExactDecimal& value) {
  if (value.is_small()) return push_small_decimal(L, value.unscaled(), value.scale());
  if (value.is_nan()) {
    new_decimal(L, 0)->header.form = 2;
    return;
  }
  const auto digits = value.text();
  auto* box = new_decimal(L, digits.size());
  box->header.form = 1;
  box->header.scale = static_cast<std::uint16_t>(value.scale());
  box->low = digits.size();
  std::memcpy(box + 1, digits.data(), digits.size());
}

ExactDecimal to_decimal(const DecimalBox& box) {
  if (box.header.form == 0) return {unscaled(box), box.header.scale};
  if (box.header.form == 2) return ExactDecimal::nan();
  const auto value = ExactDecimal::parse({reinterpret_cast<const char*>(&box + 1), box.low});
  return value ? *value : ExactDecimal::nan();
}

void open_decimals(lua_State* L) {
  static constexpr luaL_Reg methods[] = {
      {"round", round},       {"abs", absolute}, {"to_integer", to_integer},
      {"to_float", to_float}, {"text", text},    {nullptr, nullptr}};
  static constexpr luaL_Reg operators[] = {{"__add", add},
                                           {"__sub", subtract},
                                           {"__mul", multiply},
                                           {"__unm", negate},
                                           {"__div", refuse_division},
                                           {"__idiv", refuse_division},
                                           {"__mod", refuse_division},
                                           {"__eq", equal},
                                           {"__lt", less},
                                           {"__le", less_or_equal},
                                           {"__tostring", text},
                                           {"__concat", concat},
                                           {nullptr, nullptr}};
  luaL_newlib(L, operators);
  luaL_newlib(L, methods);
  lua_pushcclosure(L, field, 1);
  lua_setfield(L, -2, "__index");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  host_of(L).metatables[static_cast<std::size_t>(Box::decimal)] = luaL_ref(L, LUA_REGISTRYINDEX);

  lua_pushcfunction(L, construct);
  lua_setfield(L, -2, "decimal");
  lua_pushcfunction(L, divide_with_scale);
  lua_setfield(L, -2, "div");
}

}  // namespace vmc::script
