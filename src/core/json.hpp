// JSON at the edges: control messages, configuration, small API bodies. Rows never travel as this.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "core/result.hpp"

namespace vmc {

using Json = nlohmann::json;  // objects keep their keys sorted, so dump() is canonical

inline constexpr std::size_t kJsonDepthMax = 64;

// Parses text of at most `size_max` bytes and nesting kJsonDepthMax; INVALID_REQUEST says what is wrong.
Result<Json> parse_json(std::string_view text, std::size_t size_max = 4u << 20);

// One line; never throws: what is no UTF-8 is replaced (names and messages of foreign databases may be any bytes).
inline std::string to_text(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

// Reading an object of known shape: the first failure is kept with its path, later reads return defaults.
// Unknown fields are the caller's business: finish_strict() refuses them, finish() ignores them.
class JsonReader {
 public:
  explicit JsonReader(const Json& object, std::string path = "");

  std::string str(const char* key);  // required, non-empty
  std::string str_or(const char* key, std::string fallback);
  std::int64_t integer(const char* key);
  std::int64_t integer_or(const char* key, std::int64_t fallback);
  bool boolean_or(const char* key, bool fallback);
  const Json* object(const char* key);  // required
  const Json* object_or_null(const char* key);
  const Json* array(const char* key);  // required
  const Json* array_or_null(const char* key);
  const Json* any(const char* key);  // null when absent
  bool has(const char* key) const;
  void complain(const char* key, std::string_view what);  // records the first complaint

  Result<void> finish(Code code = Code::command_malformed) const;
  Result<void> finish_strict(Code code = Code::invalid_request);

 private:
  const Json* find(const char* key, Json::value_t type, const char* what, bool required);
  const Json& object_;
  std::string path_;
  std::string complaint_;
  std::vector<std::string> seen_;
};

}  // namespace vmc
