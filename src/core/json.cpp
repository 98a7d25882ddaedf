#include "core/json.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace vmc {
namespace {

// Depth is checked before parsing: a recursive consumer must never meet a depth bomb.
bool too_deep(std::string_view text) {
  std::size_t depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kJsonDepthMax) return true;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return false;
}

}  // namespace

Result<Json> parse_json(std::string_view text, std::size_t size_max) {
  if (text.size() > size_max)
    return fail(Code::invalid_request,
                fmt::format("the JSON text has {} bytes, the limit is {}", text.size(), size_max));
  if (too_deep(text))
    return fail(Code::invalid_request,
                fmt::format("the JSON text is nested deeper than {} levels", kJsonDepthMax));
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& e) {
    return fail(Code::invalid_request, fmt::format("the text is not JSON: error at byte {}", e.byte));
  } catch (const Json::out_of_range&) {
    return fail(Code::invalid_request, "the JSON text holds a number no double can hold");
  }
}

JsonReader::JsonReader(const Json& object, std::string path) : object_{object}, path_{std::move(path)} {
  if (!object.is_object())
    complaint_ = fmt::format("'{}' must be an object", path_.empty() ? "the body" : path_);
}

void JsonReader::complain(const char* key, std::string_view what) {
  if (complaint_.empty()) complaint_ = fmt::format("'{}{}{}' {}", path_, path_.empty() ? "" : ".", key, what);
}

bool JsonReader::has(const char* key) const { return object_.is_object() && object_.contains(key); }

const Json* JsonReader::any(const char* key) {
  seen_.emplace_back(key);
  if (!has(key) || object_.at(key).is_null()) return nullptr;
  return &object_.at(key);
}

const Json* JsonReader::find(const char* key, Json::value_t type, const char* what, bool required) {
  const Json* value = any(key);
  if (!value) {
    if (required) complain(key, "is missing");
    return nullptr;
  }
  const bool integer = type == Json::value_t::number_integer && value->is_number_integer();
  if (!integer && value->type() != type) {
    complain(key, fmt::format("must be {}", what));
    return nullptr;
  }
  return value;
}

std::string JsonReader::str(const char* key) {
  const Json* value = find(key, Json::value_t::string, "a string", true);
  if (!value) return {};
  auto text = value->get<std::string>();
  if (text.empty()) complain(key, "must not be empty");
  return text;
}
std::string JsonReader::str_or(const char* key, std::string fallback) {
  const Json* value = find(key, Json::value_t::string, "a string", false);
  return value ? value->get<std::string>() : std::move(fallback);
}
std::int64_t JsonReader::integer(const char* key) {
  const Json* value = find(key, Json::value_t::number_integer, "a whole number", true);
  return value ? value->get<std::int64_t>() : 0;
}
std::int64_t JsonReader::integer_or(const char* key, std::int64_t fallback) {
  const Json* value = find(key, Json::value_t::number_integer, "a whole number", false);
  return value ? value->get<std::int64_t>() : fallback;
}
bool JsonReader::boolean_or(const char* key, bool fallback) {
  const Json* value = find(key, Json::value_t::boolean, "true or false", false);
  return value ? value->get<bool>() : fallback;
}
const Json* JsonReader::object(const char* key) {
  return find(key, Json::value_t::object, "an object", true);
}
const Json* JsonReader::object_or_null(const char* key) {
  return find(key, Json::value_t::object, "an object", false);
}
const Json* JsonReader::array(const char* key) { return find(key, Json::value_t::array, "a list", true); }
const Json* JsonReader::array_or_null(const char* key) {
  return find(key, Json::value_t::array, "a list", false);
}

Result<void> JsonReader::finish(Code code) const {
  if (complaint_.empty()) return {};
  return fail(code, complaint_);
}

Result<void> JsonReader::finish_strict(Code code) {
  if (complaint_.empty() && object_.is_object())
    for (const auto& [key, value] : object_.items())
      if (std::find(seen_.begin(), seen_.end(), key) == seen_.end())
        complain(key.c_str(), "is not known here");
  return finish(code);
}

}  // namespace vmc
