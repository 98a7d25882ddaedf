#include "script/json_text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <unordered_set>

#include "data/text_rules.hpp"
#include "data/value.hpp"
#include "script/host.hpp"

namespace vmc::script {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Parser {
 public:
  Parser(lua_State* L, std::string_view text, std::vector<std::string>* keys)
      : L_{L}, begin_{text.data()}, at_{text.data()}, end_{text.data() + text.size()}, keys_{keys} {}

  std::optional<JsonProblem> run() {
    if (!data::is_valid_utf8({begin_, static_cast<std::size_t>(end_ - begin_)})) {
      problem_ = "the text is not UTF-8";
    } else {
      blank();
      if (value(0)) {
        blank();
        if (at_ != end_) refuse("text after the value");
      }
    }
    if (!problem_) return std::nullopt;
    return JsonProblem{problem_, static_cast<std::size_t>(at_ - begin_)};
  }

 private:
  bool refuse(const char* what) {
    if (!problem_) problem_ = what;
    return false;
  }
  void blank() {
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r')) ++at_;
  }
  bool take(char c) {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  bool word(std::string_view expected) {
    if (!std::string_view{at_, static_cast<std::size_t>(end_ - at_)}.starts_with(expected))
      return refuse("unexpected character");
    at_ += expected.size();
    return true;
  }

  bool value(int depth) {
    if (depth > kJsonDepth) return refuse("nested too deeply");
    if (++nodes_ > kJsonNodes) return refuse("too many values");
    luaL_checkstack(L_, 6, nullptr);
    if (at_ == end_) return refuse("the text ends too early");
    switch (*at_) {
      case '{':
        return object(depth);
      case '[':
        return array(depth);
      case '"':
        return string();
      case 't':
        lua_pushboolean(L_, 1);
        return word("true");
      case 'f':
        lua_pushboolean(L_, 0);
        return word("false");
      case 'n':
        push_null(L_);
        return word("null");
      default:
        return number();
    }
  }

  bool object(int depth) {
    ++at_;
    lua_createtable(L_, 0, size_hint_);
    int fields = 0;
    blank();
    if (take('}')) return true;
    for (;;) {
      blank();
      if (at_ == end_ || *at_ != '"') return refuse("a key was expected");
      if (!string()) return false;
      lua_pushvalue(L_, -1);
      if (lua_rawget(L_, -3) != LUA_TNIL) return refuse("a key stands twice");
      lua_pop(L_, 1);
      if (depth == 0 && keys_) keys_->emplace_back(text_at(L_, -1));
      blank();
      if (!take(':')) return refuse("':' was expected");
      blank();
      if (!value(depth + 1)) return false;
      lua_rawset(L_, -3);
      ++fields;
      blank();
      if (take('}')) break;
      if (!take(',')) return refuse("',' or '}' was expected");
    }
    if (depth == 0) size_hint_ = std::min(fields, 1024);
    return true;
  }

  bool array(int depth) {
    ++at_;
    lua_newtable(L_);
    mark_array(L_);
    blank();
    if (take(']')) return true;
    for (lua_Integer n = 1;; ++n) {
      blank();
      if (!value(depth + 1)) return false;
      lua_rawseti(L_, -2, n);
      blank();
      if (take(']')) return true;
      if (!take(',')) return refuse("',' or ']' was expected");
    }
  }

  bool string() {
    const char* const from = ++at_;
    while (at_ < end_ && *at_ != '"' && *at_ != '\\' && static_cast<unsigned char>(*at_) >= 0x20) ++at_;
    if (at_ < end_ && *at_ == '"') {
      lua_pushlstring(L_, from, static_cast<std::size_t>(at_ - from));
      ++at_;
      return true;
    }
    unescaped_.assign(from, at_);
    for (;;) {
      if (at_ == end_) return refuse("the text ends inside a string");
      const char c = *at_;
      if (static_cast<unsigned char>(c) < 0x20) return refuse("a control character in a string");
      ++at_;
      if (c == '"') break;
      if (c != '\\') {
        unescaped_ += c;
      } else if (!escape()) {
        return false;
      }
    }
    lua_pushlstring(L_, unescaped_.data(), unescaped_.size());
    return true;
  }

  bool escape() {
    if (at_ == end_) return refuse("the text ends inside a string");
    switch (*at_++) {
      case '"':
        unescaped_ += '"';
        return true;
      case '\\':
        unescaped_ += '\\';
        return true;
      case '/':
        unescaped_ += '/';
        return true;
      case 'b':
        unescaped_ += '\b';
        return true;
      case 'f':
        unescaped_ += '\f';
        return true;
      case 'n':
        unescaped_ += '\n';
        return true;
      case 'r':
        unescaped_ += '\r';
        return true;
      case 't':
        unescaped_ += '\t';
        return true;
      case 'u':
        break;
      default:
        return refuse("an unknown escape");
    }
    std::uint32_t point = 0;
    if (!hex4(point)) return false;
    if (point >= 0xdc00 && point < 0xe000) return refuse("half of a surrogate pair");
    if (point >= 0xd800 && point < 0xdc00) {
      std::uint32_t low = 0;
      if (!take('\\') || !take('u') || !hex4(low) || low < 0xdc00 || low > 0xdfff)
        return refuse("half of a surrogate pair");
      point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
    }
    put_utf8(point);
    return true;
  }

  bool hex4(std::uint32_t& out) {
    if (end_ - at_ < 4) return refuse("the text ends inside a string");
    const auto [stop, ec] = std::from_chars(at_, at_ + 4, out, 16);
    if (ec != std::errc{} || stop != at_ + 4) return refuse("an unknown escape");
    at_ += 4;
    return true;
  }

  void put_utf8(std::uint32_t c) {
    const auto put = [this](std::uint32_t byte) { unescaped_ += static_cast<char>(byte); };
    if (c < 0x80) {
      put(c);
    } else if (c < 0x800) {
      put(0xc0 | c >> 6);
      put(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
      put(0xe0 | c >> 12);
      put(0x80 | (c >> 6 & 0x3f));
      put(0x80 | (c & 0x3f));
    } else {
      put(0xf0 | c >> 18);
      put(0x80 | (c >> 12 & 0x3f));
      put(0x80 | (c >> 6 & 0x3f));
      put(0x80 | (c & 0x3f));
    }
  }

  bool digits() {
    if (at_ == end_ || !is_digit(*at_)) return refuse("unexpected character");
    while (at_ < end_ && is_digit(*at_)) ++at_;
    return true;
  }

  bool number() {
    const char* const from = at_;
    take('-');
    if (take('0')) {
      if (at_ < end_ && is_digit(*at_)) return refuse("a number may not begin with 0");
    } else if (!digits()) {
      return false;
    }
    bool integer = true;
    if (take('.')) {
      integer = false;
      if (!digits()) return false;
    }
    if (take('e') || take('E')) {
      integer = false;
      if (!take('-')) take('+');
      if (!digits()) return false;
    }
    std::int64_t whole = 0;
    if (integer && std::from_chars(from, at_, whole).ec == std::errc{}) {
      lua_pushinteger(L_, whole);
      return true;
    }
    const auto exact = ExactDecimal::parse({from, static_cast<std::size_t>(at_ - from)});
    if (!exact) return refuse("a number has more than 1,000 digits");
    push_decimal(L_, *exact);
    return true;
  }

  lua_State* L_;
  const char* begin_;
  const char* at_;
  const char* end_;
  std::vector<std::string>* keys_;
  const char* problem_ = nullptr;
  std::size_t nodes_ = 0;
  int size_hint_ = 0;
  std::string unescaped_;
};

class Writer {
 public:
  Writer(lua_State* L, std::string& out, std::size_t size_max) : L_{L}, out_{out}, size_max_{size_max} {}

  bool value(int index, int depth, const std::vector<std::string>* order) {
    if (depth > kJsonDepth) return refuse("tables are nested more than 64 deep (or contain themselves)");
    if (++nodes_ > kJsonNodes) return refuse("more than 100,000 values");
    if (out_.size() > size_max_) return refuse("the text is too long");
    luaL_checkstack(L_, 8, nullptr);
    index = lua_absindex(L_, index);
    switch (lua_type(L_, index)) {
      case LUA_TNIL:
        out_ += "null";
        return true;
      case LUA_TLIGHTUSERDATA:
        out_ += "null";
        return true;
      case LUA_TBOOLEAN:
        out_ += lua_toboolean(L_, index) ? "true" : "false";
        return true;
      case LUA_TNUMBER:
        return number(index);
      case LUA_TSTRING:
        return string(text_at(L_, index));
      case LUA_TTABLE:
        return table(index, depth, order);
      case LUA_TUSERDATA:
        return box(index);
      default:
        return refuse(std::string{kind_of(L_, index)} + " has no form in JSON");
    }
  }
  std::string problem;

 private:
  bool refuse(std::string what) {
    if (problem.empty()) problem = std::move(what);
    return false;
  }

  bool number(int index) {
    char text[32];
    if (lua_isinteger(L_, index)) {
      out_.append(text, std::to_chars(text, std::end(text), lua_tointeger(L_, index)).ptr);
      return true;
    }
    const double value = lua_tonumber(L_, index);
    if (!std::isfinite(value)) return refuse("infinity and NaN have no form in JSON");
    const std::string_view shortest{
        text, static_cast<std::size_t>(std::to_chars(text, std::end(text), value).ptr - text)};
    out_ += shortest;
    if (shortest.find_first_of(".e") == shortest.npos) out_ += ".0";
    return true;
  }

  bool string(std::string_view text) {
    if (!data::is_valid_utf8(text)) return refuse("a string is not UTF-8");
    out_ += '"';
    std::size_t done = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const auto c = static_cast<unsigned char>(text[i]);
      if (c >= 0x20 && c != '"' && c != '\\') continue;
      out_.append(text, done, i - done);
      done = i + 1;
      switch (c) {
        case '"':
          out_ += "\\\"";
          break;
        case '\\':
          out_ += "\\\\";
          break;
        case '\n':
          out_ += "\\n";
          break;
        case '\r':
          out_ += "\\r";
          break;
        case '\t':
          out_ += "\\t";
          break;
        default: {
          constexpr char hex[] = "0123456789abcdef";
          out_ += "\\u00";
          out_ += hex[c >> 4];
          out_ += hex[c & 15];
        }
      }
    }
    out_.append(text, done);
    out_ += '"';
    return true;
  }

  bool box(int index) {
    if (const auto* decimal = decimal_at(L_, index)) {
      const auto exact = to_decimal(*decimal);
      if (exact.is_nan()) return refuse("NaN has no form in JSON");
      out_ += exact.text();
      return true;
    }
    lua_getfield(L_, index, "iso");
    lua_pushvalue(L_, index);
    lua_call(L_, 1, 1);
    out_ += '"';
    out_ += text_at(L_, -1);
    out_ += '"';
    lua_pop(L_, 1);
    return true;
  }

  bool table(int index, int depth, const std::vector<std::string>* order) {
    const auto length = static_cast<lua_Integer>(lua_rawlen(L_, index));
    bool array = length > 0;
    if (!array && lua_getmetatable(L_, index)) {
      lua_rawgeti(L_, LUA_REGISTRYINDEX, host_of(L_).array_metatable);
      array = lua_rawequal(L_, -1, -2);
      lua_pop(L_, 2);
    }
    return array ? list(index, depth, length) : object(index, depth, order);
  }

  bool list(int index, int depth, lua_Integer length) {
    lua_Integer keys = 0;
    lua_pushnil(L_);
    while (lua_next(L_, index) != 0) {
      lua_pop(L_, 1);
      if (!lua_isinteger(L_, -1) || lua_tointeger(L_, -1) < 1 || lua_tointeger(L_, -1) > length)
        return refuse("a table mixes a list with other keys");
      ++keys;
    }
    if (keys != length) return refuse("a list has holes");
    out_ += '[';
    for (lua_Integer i = 1; i <= length; ++i) {
      if (i > 1) out_ += ',';
      lua_rawgeti(L_, index, i);
      if (!value(-1, depth + 1, nullptr)) return false;
      lua_pop(L_, 1);
    }
    out_ += ']';
    return true;
  }

  bool object(int index, int depth, const std::vector<std::string>* order) {
    std::size_t fields = 0;
    lua_pushnil(L_);
    while (lua_next(L_, index) != 0) {
      lua_pop(L_, 1);
      if (lua_type(L_, -1) != LUA_TSTRING) return refuse("a key is not a string");
      ++fields;
    }
    out_ += '{';
    bool first = true;
    if (order) {
      for (const auto& key : *order) {
        lua_pushlstring(L_, key.data(), key.size());
        lua_pushvalue(L_, -1);
        if (lua_rawget(L_, index) != LUA_TNIL) {
          if (!member(first, depth)) return false;
          --fields;
        }
        lua_pop(L_, 2);
      }
    }
    if (fields > 0 && !others(index, depth, order, first)) return false;
    out_ += '}';
    return true;
  }

  // Sorted, so that the same rows give the same bytes.
  bool others(int index, int depth, const std::vector<std::string>* order, bool& first) {
    std::unordered_set<std::string_view> known;
    if (order) known.insert(order->begin(), order->end());
    std::vector<std::string_view> keys;  // alive as keys of the table
    lua_pushnil(L_);
    while (lua_next(L_, index) != 0) {
      lua_pop(L_, 1);
      if (const auto key = text_at(L_, -1); !known.contains(key)) keys.push_back(key);
    }
    std::sort(keys.begin(), keys.end());
    for (const auto key : keys) {
      lua_pushlstring(L_, key.data(), key.size());
      lua_pushvalue(L_, -1);
      lua_rawget(L_, index);
      if (!member(first, depth)) return false;
      lua_pop(L_, 2);
    }
    return true;
  }

  // Key and value on top.
  bool member(bool& first, int depth) {
    if (!first) out_ += ',';
    first = false;
    if (!string(text_at(L_, -2))) return false;
    out_ += ':';
    return value(-1, depth + 1, nullptr);
  }

  lua_State* L_;
  std::string& out_;
  std::size_t size_max_;
  std::size_t nodes_ = 0;
};

int decode(lua_State* L) {
  luaL_checktype(L, 1, LUA_TSTRING);
  if (const auto problem = push_json(L, text_at(L, 1)))
    return luaL_error(L, "vmc.json.decode: %s", text_of(*problem).c_str());
  return 1;
}

int encode(lua_State* L) {
  luaL_checkany(L, 1);
  std::string out;
  if (const auto problem = write_json(L, 1, out, host_of(L).limits.output_bytes))
    return luaL_error(L, "vmc.json.encode: %s", problem->c_str());
  lua_pushlstring(L, out.data(), out.size());
  return 1;
}

int array(lua_State* L) {
  if (lua_isnoneornil(L, 1)) {
    lua_newtable(L);
  } else {
    luaL_checktype(L, 1, LUA_TTABLE);
    if (luaL_getmetafield(L, 1, "__metatable") == LUA_TBOOLEAN)
      return luaL_error(L, "the table is read-only");
    lua_settop(L, 1);
  }
  mark_array(L);
  return 1;
}

}  // namespace

std::string text_of(const JsonProblem& problem) {
  return "not valid JSON: " + problem.what + " at byte " + std::to_string(problem.offset + 1);
}

std::optional<JsonProblem> push_json(lua_State* L, std::string_view text, std::vector<std::string>* keys) {
  const int top = lua_gettop(L);
  auto problem = Parser{L, text, keys}.run();
  if (problem) lua_settop(L, top);
  return problem;
}

std::optional<std::string> write_json(lua_State* L, int index, std::string& out, std::size_t size_max,
                                      const std::vector<std::string>* order) {
  const int top = lua_gettop(L);
  Writer writer{L, out, size_max};
  if (writer.value(index, 0, order)) return std::nullopt;
  lua_settop(L, top);
  return std::move(writer.problem);
}

void mark_array(lua_State* L) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, host_of(L).array_metatable);
  lua_setmetatable(L, -2);
}

void open_json(lua_State* L) {
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "array");
  lua_setfield(L, -2, "__metatable");
  host_of(L).array_metatable = luaL_ref(L, LUA_REGISTRYINDEX);

  static constexpr luaL_Reg functions[] = {
      {"decode", decode}, {"encode", encode}, {"array", array}, {nullptr, nullptr}};
  luaL_newlib(L, functions);
  protect(L, "vmc.json");
  lua_setfield(L, -2, "json");
}

}  // namespace vmc::script
