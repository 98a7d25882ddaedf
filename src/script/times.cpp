// vmc.date, vmc.time, vmc.timestamp and vmc.timestamptz: what databases mean by these, to the microsecond.
#include <algorithm>

#include "data/value.hpp"
#include "script/calendar.hpp"
#include "script/host.hpp"

namespace vmc::script {
namespace {

constexpr std::int64_t kYearMax = 300'000;  // beyond what 64-bit microseconds reach

bool is_stamp(Box box) { return box == Box::timestamp || box == Box::timestamptz; }

bool infinite(const TimeBox& t) {
  if (t.header.box == Box::date) return t.value == data::kDateInfinity || t.value == data::kDateMinusInfinity;
  return is_stamp(t.header.box) && (t.value == data::kInfinity || t.value == data::kMinusInfinity);
}

const TimeBox* any_time_at(lua_State* L, int index) {
  const auto* header = box_at(L, index);
  return header && header->box != Box::decimal ? reinterpret_cast<const TimeBox*>(header) : nullptr;
}

TimeBox check_time(lua_State* L, int index) {
  const auto* box = any_time_at(L, index);
  if (!box)
    luaL_argerror(L, index, (std::string{"a date or time was expected, not "} + kind_of(L, index)).c_str());
  return *box;
}

TimeBox check_finite(lua_State* L, int index) {
  const auto box = check_time(L, index);
  if (infinite(box)) luaL_error(L, "infinity is not a day of any calendar");
  return box;
}

int push_checked(lua_State* L, Box box, Int128 value) {
  const bool fits = box == Box::date   ? value > data::kDateMinusInfinity && value < data::kDateInfinity
                    : box == Box::time ? value >= -data::kTimeMax && value <= data::kTimeMax
                                       : value > data::kMinusInfinity && value < data::kInfinity;
  if (!fits) return luaL_error(L, "the result is outside the range that can be held");
  push_time(L, box, static_cast<std::int64_t>(value));
  return 1;
}

// The parts of any of the four, in one shape.
struct Parts {
  Civil civil;
  std::int64_t days = 0;
  std::int64_t micros = 0;  // of the day; of a time, all of it
};

Parts parts_of(const TimeBox& t) {
  Parts out;
  if (t.header.box == Box::time) {
    out.micros = t.value;
    return out;
  }
  out.days = t.header.box == Box::date ? t.value : floor_div(t.value, kDayMicros);
  out.micros = t.header.box == Box::date ? 0 : t.value - out.days * kDayMicros;
  out.civil = civil_from_days(out.days);
  return out;
}

std::string text_of(const TimeBox& t) {
  switch (t.header.box) {
    case Box::date:
      return data::format_date(static_cast<std::int32_t>(t.value));
    case Box::time:
      return data::format_time(t.value);
    default:
      return data::format_timestamp(t.value, t.header.box == Box::timestamptz);
  }
}

// --- patterns: %Y %m %d %H %M %S %f %y %j %z %%
// -------------------------------------------------------------

void put(std::string& out, std::int64_t value, std::size_t digits) {
  auto text = std::to_string(value < 0 ? -value : value);
  if (value < 0) out += '-';
  if (text.size() < digits) out.append(digits - text.size(), '0');
  out += text;
}

std::string format_pattern(lua_State* L, const TimeBox& t, std::string_view pattern) {
  const auto parts = parts_of(t);
  const auto micros = parts.micros < 0 ? -parts.micros : parts.micros;
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%' || i + 1 == pattern.size()) {
      out += pattern[i];
      continue;
    }
    switch (const char c = pattern[++i]; c) {
      case 'Y':
        put(out, parts.civil.year, 4);
        break;
      case 'y':
        put(out, ((parts.civil.year % 100) + 100) % 100, 2);
        break;
      case 'm':
        put(out, parts.civil.month, 2);
        break;
      case 'd':
        put(out, parts.civil.day, 2);
        break;
      case 'j':
        put(out, parts.days - days_from_civil({parts.civil.year, 1, 1}) + 1, 3);
        break;
      case 'H':
        if (parts.micros < 0) out += '-';
        put(out, micros / (3600 * kSecondMicros), 2);
        break;
      case 'M':
        put(out, micros / (60 * kSecondMicros) % 60, 2);
        break;
      case 'S':
        put(out, micros / kSecondMicros % 60, 2);
        break;
      case 'f':
        put(out, micros % kSecondMicros, 6);
        break;
      case 'z':
        out += t.header.box == Box::timestamptz ? "+00:00" : "";
        break;
      case '%':
        out += '%';
        break;
      default:
        luaL_error(L, "the date pattern has an unknown letter after %%");
    }
  }
  return out;
}

class PatternReader {
 public:
  PatternReader(std::string_view text, std::string_view pattern) : text_{text}, pattern_{pattern} {}

  bool read() {
    for (std::size_t i = 0; i < pattern_.size(); ++i) {
      const bool letter = pattern_[i] == '%' && i + 1 < pattern_.size();
      if (!(letter ? field(pattern_[++i]) : literal(pattern_[i]))) return false;
    }
    return text_.empty() && month >= 1 && month <= 12 && day >= 1 && day <= days_in_month(year, month) &&
           hour <= 23 && minute <= 59 && second <= 59;
  }
  Int128 days() const { return days_from_civil({year, static_cast<int>(month), static_cast<int>(day)}); }
  Int128 micros() const {
    return Int128{((hour * 60 + minute) * 60 + second) * kSecondMicros + fraction} - offset * kSecondMicros;
  }
  bool zone = false;

 private:
  bool literal(char c) {
    if (text_.empty() || text_[0] != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  template <class T>
  bool digits(std::size_t least, std::size_t most, T& out) {
    std::size_t n = 0;
    std::int64_t value = 0;
    for (; n < most && n < text_.size() && text_[n] >= '0' && text_[n] <= '9'; ++n)
      value = value * 10 + (text_[n] - '0');
    if (n < least) return false;
    text_.remove_prefix(n);
    out = static_cast<T>(value);
    return true;
  }
  bool field(char c) {
    switch (c) {
      case 'Y':
        return digits(4, 4, year);
      case 'y': {
        if (!digits(2, 2, year)) return false;
        year += year < 70 ? 2000 : 1900;
        return true;
      }
      case 'm':
        return digits(1, 2, month);
      case 'd':
        return digits(1, 2, day);
      case 'H':
        return digits(1, 2, hour);
      case 'M':
        return digits(2, 2, minute);
      case 'S':
        return digits(2, 2, second);
      case 'f': {
        const auto before = text_.size();
        if (!digits(1, 6, fraction)) return false;
        for (auto n = before - text_.size(); n < 6; ++n) fraction *= 10;
        return true;
      }
      case 'z':
        return zone_offset();
      case '%':
        return literal('%');
      default:
        return false;
    }
  }
  bool zone_offset() {
    zone = true;
    if (literal('Z')) return true;
    const bool west = literal('-');
    if (!west && !literal('+')) return false;
    std::int64_t hours = 0;
    std::int64_t minutes = 0;
    if (!digits(2, 2, hours) || hours > 15) return false;
    literal(':');
    if (!digits(2, 2, minutes) || minutes > 59) return false;
    offset = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
    return true;
  }
  std::string_view text_;
  std::string_view pattern_;
  std::int64_t year = 1970, hour = 0, minute = 0, second = 0, fraction = 0, offset = 0;
  int month = 1, day = 1;
};

// --- constructors ------------------------------------------------------------------------------------------

int refuse_text(lua_State* L, const Error& error) { return luaL_error(L, "%s", error.message.c_str()); }

int from_text(lua_State* L, Box box) {
  const auto text = text_at(L, 1);
  if (lua_type(L, 2) == LUA_TSTRING) {
    PatternReader reader{text, text_at(L, 2)};
    if (!reader.read()) return luaL_error(L, "the text does not fit the date pattern");
    if (reader.zone != (box == Box::timestamptz))
      return luaL_error(
          L, reader.zone ? "only a timestamptz has %%z" : "a timestamptz needs %%z in its pattern");
    const auto micros = reader.micros();
    return push_checked(L, box,
                        box == Box::date   ? reader.days()
                        : box == Box::time ? micros
                                           : reader.days() * kDayMicros + micros);
  }
  if (box == Box::date) {
    const auto days = data::parse_date(text);
    if (!days) return refuse_text(L, days.error());
    push_time(L, box, *days);
  } else if (box == Box::time) {
    const auto micros = data::parse_time(text);
    if (!micros) return refuse_text(L, micros.error());
    push_time(L, box, *micros);
  } else {
    const auto micros = data::parse_timestamp(text, box == Box::timestamptz);
    if (!micros) return refuse_text(L, micros.error());
    push_time(L, box, *micros);
  }
  return 1;
}

std::int64_t number_argument(lua_State* L, int index, std::int64_t least, std::int64_t most,
                             const char* what) {
  const auto value = index > lua_gettop(L) ? least : luaL_checkinteger(L, index);
  if (value < least || value > most) luaL_argerror(L, index, what);
  return value;
}

// (hour, minute, second, microsecond) from `index` on.
std::int64_t clock_arguments(lua_State* L, int index, std::int64_t hour_max) {
  const auto hour = number_argument(L, index, 0, hour_max, "an hour was expected");
  const auto minute = number_argument(L, index + 1, 0, 59, "a minute was expected");
  const auto second = number_argument(L, index + 2, 0, 59, "a second was expected");
  const auto micros = number_argument(L, index + 3, 0, 999'999, "a microsecond was expected");
  return ((hour * 60 + minute) * 60 + second) * kSecondMicros + micros;
}

template <Box box>
int construct(lua_State* L) {
  luaL_checkany(L, 1);
  if (is_null(L, 1)) {  // NULL stays NULL: rows have many
    push_null(L);
    return 1;
  }
  if (lua_type(L, 1) == LUA_TSTRING) return from_text(L, box);
  if (const auto* given = any_time_at(L, 1)) {
    if (given->header.box == box) {
      lua_settop(L, 1);
      return 1;
    }
    if (box == Box::date && is_stamp(given->header.box))
      return push_checked(L, box, parts_of(check_finite(L, 1)).days);
    if (box == Box::time && is_stamp(given->header.box))
      return push_checked(L, box, parts_of(check_finite(L, 1)).micros);
    if (is_stamp(box) && given->header.box == Box::date)
      return push_checked(L, box, Int128{check_finite(L, 1).value} * kDayMicros);
    return luaL_error(L, "%s cannot be made of this", lua_tostring(L, lua_upvalueindex(1)));
  }
  if (box == Box::time) return push_checked(L, box, clock_arguments(L, 1, 838));
  const auto year = number_argument(L, 1, -kYearMax, kYearMax, "a year was expected");
  luaL_checkinteger(L, 2);
  luaL_checkinteger(L, 3);
  const auto month = static_cast<int>(number_argument(L, 2, 1, 12, "a month was expected"));
  const auto day =
      static_cast<int>(number_argument(L, 3, 1, days_in_month(year, month), "the month has no such day"));
  const Int128 days = days_from_civil({year, month, day});
  if (box == Box::date) return push_checked(L, box, days);
  return push_checked(L, box, days * kDayMicros + clock_arguments(L, 4, 23));
}

// --- methods, fields and operators -------------------------------------------------------------------------

int add_days(lua_State* L) {
  const auto t = check_finite(L, 1);
  const Int128 n = luaL_checkinteger(L, 2);
  if (t.header.box == Box::time) return luaL_error(L, "a time has no days");
  return push_checked(L, t.header.box, t.value + (t.header.box == Box::date ? n : n * kDayMicros));
}

// The last day of the month where the month is too short.
int add_months(lua_State* L) {
  const auto t = check_finite(L, 1);
  const auto n = luaL_checkinteger(L, 2);
  luaL_argcheck(L, n > -12 * kYearMax && n < 12 * kYearMax, 2, "too many months");
  if (t.header.box == Box::time) return luaL_error(L, "a time has no months");
  const auto parts = parts_of(t);
  const auto months = parts.civil.year * 12 + parts.civil.month - 1 + n;
  Civil civil{floor_div(months, 12), static_cast<int>(months - floor_div(months, 12) * 12) + 1, 1};
  civil.day = std::min(parts.civil.day, days_in_month(civil.year, civil.month));
  const Int128 days = days_from_civil(civil);
  return push_checked(L, t.header.box, t.header.box == Box::date ? days : days * kDayMicros + parts.micros);
}

template <std::int64_t unit>
int add_micros(lua_State* L) {
  const auto t = check_finite(L, 1);
  const Int128 n = luaL_checkinteger(L, 2);
  if (t.header.box == Box::date) return luaL_error(L, "a date has no time of day: make it a vmc.timestamp");
  return push_checked(L, t.header.box, t.value + n * unit);
}

int to_text(lua_State* L) {
  const auto out = text_of(check_time(L, 1));
  lua_pushlstring(L, out.data(), out.size());
  return 1;
}

int to_iso(lua_State* L) {
  const auto t = check_time(L, 1);
  auto out = text_of(t);
  if (is_stamp(t.header.box) && !infinite(t)) {
    std::replace(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(out.find(' ')) + 1, ' ', 'T');
    if (out.ends_with("+00")) out.replace(out.size() - 3, 3, "Z");
  }
  lua_pushlstring(L, out.data(), out.size());
  return 1;
}

int to_pattern(lua_State* L) {
  luaL_checktype(L, 2, LUA_TSTRING);
  const auto out = format_pattern(L, check_finite(L, 1), text_at(L, 2));
  lua_pushlstring(L, out.data(), out.size());
  return 1;
}

int field(lua_State* L) {
  const auto t = check_time(L, 1);
  luaL_checktype(L, 2, LUA_TSTRING);
  lua_pushvalue(L, 2);
  if (lua_gettable(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
  const auto name = text_at(L, 2);
  if (name == "infinite") {
    lua_pushboolean(L, infinite(t));
    return 1;
  }
  const auto parts = parts_of(check_finite(L, 1));
  const auto& civil = parts.civil;
  const auto micros = parts.micros < 0 ? -parts.micros : parts.micros;
  const auto give = [L](std::int64_t value) {
    lua_pushinteger(L, value);
    return 1;
  };
  if (t.header.box != Box::time) {
    if (name == "year") return give(civil.year);
    if (name == "month") return give(civil.month);
    if (name == "day") return give(civil.day);
    if (name == "weekday") return give((parts.days % 7 + 10) % 7 + 1);  // Monday is 1; day 0 was a Thursday
    if (name == "yearday") return give(parts.days - days_from_civil({civil.year, 1, 1}) + 1);
    if (name == "epoch_days") return give(parts.days);
  }
  if (t.header.box != Box::date) {
    if (name == "hour") return give(micros / (3600 * kSecondMicros));
    if (name == "minute") return give(micros / (60 * kSecondMicros) % 60);
    if (name == "second") return give(micros / kSecondMicros % 60);
    if (name == "microsecond") return give(micros % kSecondMicros);
    if (name == "micros") return give(t.value);
    if (name == "negative" && t.header.box == Box::time) {
      lua_pushboolean(L, t.value < 0);
      return 1;
    }
  }
  return luaL_error(L, "%s has no field of this name", kind_of(L, 1));
}

int equal(lua_State* L) {
  const auto* a = any_time_at(L, 1);
  const auto* b = any_time_at(L, 2);
  lua_pushboolean(L, a && b && a->header.box == b->header.box && a->value == b->value);
  return 1;
}

int order(lua_State* L) {  // upvalue: true for <=
  const auto* a = any_time_at(L, 1);
  const auto* b = any_time_at(L, 2);
  if (!a || !b || a->header.box != b->header.box)
    return luaL_error(L, "attempt to compare %s with %s", kind_of(L, 1), kind_of(L, 2));
  lua_pushboolean(L, lua_toboolean(L, lua_upvalueindex(1)) ? a->value <= b->value : a->value < b->value);
  return 1;
}

int difference(lua_State* L) {
  const auto a = check_finite(L, 1);
  const auto b = check_finite(L, 2);
  if (a.header.box != b.header.box)
    return luaL_error(L, "attempt to subtract %s from %s", kind_of(L, 2), kind_of(L, 1));
  std::int64_t out = 0;
  if (__builtin_sub_overflow(a.value, b.value, &out)) return luaL_error(L, "the difference is too large");
  lua_pushinteger(L, out);
  return 1;
}

int concat(lua_State* L) {
  for (const int i : {1, 2}) {
    if (!box_at(L, i) && !lua_isstring(L, i))
      return luaL_error(L, "attempt to concatenate %s", kind_of(L, i));
  }
  std::string out{push_text(L, 1)};
  out += push_text(L, 2);
  lua_pushlstring(L, out.data(), out.size());
  return 1;
}

int new_metatable(lua_State* L) {
  static constexpr luaL_Reg methods[] = {{"add_days", add_days},
                                         {"add_months", add_months},
                                         {"add_seconds", add_micros<kSecondMicros>},
                                         {"add_micros", add_micros<1>},
                                         {"iso", to_iso},
                                         {"text", to_text},
                                         {"format", to_pattern},
                                         {nullptr, nullptr}};
  static constexpr luaL_Reg operators[] = {{"__eq", equal},
                                           {"__sub", difference},
                                           {"__tostring", to_text},
                                           {"__concat", concat},
                                           {nullptr, nullptr}};
  luaL_newlib(L, operators);
  luaL_newlib(L, methods);
  lua_pushcclosure(L, field, 1);
  lua_setfield(L, -2, "__index");
  lua_pushboolean(L, 0);
  lua_pushcclosure(L, order, 1);
  lua_setfield(L, -2, "__lt");
  lua_pushboolean(L, 1);
  lua_pushcclosure(L, order, 1);
  lua_setfield(L, -2, "__le");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  return luaL_ref(L, LUA_REGISTRYINDEX);
}

template <Box box>
void add_constructor(lua_State* L, const char* name) {
  lua_pushstring(L, name);
  lua_pushcclosure(L, construct<box>, 1);
  lua_setfield(L, -2, name);
}

}  // namespace

void push_time(lua_State* L, Box box, std::int64_t value) {
  auto* out = static_cast<TimeBox*>(lua_newuserdatauv(L, sizeof(TimeBox), 0));
  out->header = {box, 0, 0};
  out->value = value;
  lua_rawgeti(L, LUA_REGISTRYINDEX, host_of(L).metatables[static_cast<std::size_t>(box)]);
  lua_setmetatable(L, -2);
}

void open_times(lua_State* L) {
  auto& host = host_of(L);
  const int metatable = new_metatable(L);  // one for all four: the box says which it is
  for (const auto box : {Box::date, Box::time, Box::timestamp, Box::timestamptz})
    host.metatables[static_cast<std::size_t>(box)] = metatable;
  add_constructor<Box::date>(L, "date");
  add_constructor<Box::time>(L, "time");
  add_constructor<Box::timestamp>(L, "timestamp");
  add_constructor<Box::timestamptz>(L, "timestamptz");
}

}  // namespace vmc::script
