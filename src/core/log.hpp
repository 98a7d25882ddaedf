// Structured log: one line an event on standard error, JSON or logfmt-like for a terminal.
//
// Fields carry names and numbers, never secrets and never row values. The sink is process-wide (one binary,
// one standard error) and set once by main; everything else about logging is a plain call.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace vmc::log {

enum class Level { debug, info, warn, error, off };
enum class Format { text, json };

struct Field {
  std::string_view key;
  std::string value;
  Field(std::string_view k, std::string_view v) : key{k}, value{v} {}
  Field(std::string_view k, const std::string& v) : key{k}, value{v} {}
  Field(std::string_view k, const char* v) : key{k}, value{v} {}
  template <class T>
  requires std::is_arithmetic_v<T> Field(std::string_view k, T v) : key{k}, value{std::to_string(v)} {}
};
using Fields = std::initializer_list<Field>;

// Called once, before threads start.
void configure(Level level, Format format);
bool level_named(std::string_view name, Level& level);

void write(Level level, std::string_view component, std::string_view message, Fields fields);

inline void debug(std::string_view component, std::string_view message, Fields fields = {}) {
  write(Level::debug, component, message, fields);
}
inline void info(std::string_view component, std::string_view message, Fields fields = {}) {
  write(Level::info, component, message, fields);
}
inline void warn(std::string_view component, std::string_view message, Fields fields = {}) {
  write(Level::warn, component, message, fields);
}
inline void error(std::string_view component, std::string_view message, Fields fields = {}) {
  write(Level::error, component, message, fields);
}

}  // namespace vmc::log
