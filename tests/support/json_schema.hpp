// A small JSON Schema validator for tests: the simple keywords of draft 2020-12, $ref within one folder.
// A keyword it does not know is a bug of the schema and throws, so that no schema promises what nobody
// checks.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/json.hpp"

namespace vmc::test {

class JsonSchemas {
 public:
  explicit JsonSchemas(std::filesystem::path folder) : folder_{std::move(folder)} {}

  // Problems as "/pointer: what", empty when `value` is valid against `file`.
  std::vector<std::string> problems(const Json& value, const std::string& file) {
    std::vector<std::string> out;
    check(value, document(file), document(file), "", out);
    return out;
  }

  // Every .json file of the folder, without its extension.
  std::set<std::string> names() const {
    std::set<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator{folder_})
      if (entry.path().extension() == ".json") out.insert(entry.path().stem().string());
    return out;
  }

  const Json& document(const std::string& file) {
    auto found = documents_.find(file);
    if (found == documents_.end()) {
      std::ifstream in{folder_ / file};
      if (!in) throw std::runtime_error{"no schema file " + file};
      found = documents_.emplace(file, Json::parse(in)).first;
    }
    return found->second;
  }

 private:
  using Problems = std::vector<std::string>;

  static bool is_type(const Json& value, const std::string& type) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "boolean") return value.is_boolean();
    if (type == "null") return value.is_null();
    if (type == "integer") return value.is_number_integer();
    if (type == "number") return value.is_number();
    throw std::runtime_error{"unknown type " + type};
  }

  static std::size_t characters(const std::string& text) {
    std::size_t count = 0;
    for (unsigned char c : text) count += (c & 0xc0) != 0x80;
    return count;
  }

  bool valid(const Json& value, const Json& schema, const Json& root) {
    Problems problems;
    check(value, schema, root, "", problems);
    return problems.empty();
  }

  void check_reference(const Json& value, const std::string& reference, const Json& root,
                       const std::string& at, Problems& out) {
    const auto hash = reference.find('#');
    const auto file = reference.substr(0, hash);
    const Json& target = file.empty() ? root : document(file);
    const auto pointer = hash == std::string::npos ? std::string{} : reference.substr(hash + 1);
    check(value, target.at(Json::json_pointer{pointer}), target, at, out);
  }

  void check_object(const Json& value, const Json& schema, const Json& root, const std::string& at,
                    Problems& out) {
    if (schema.contains("required"))
      for (const auto& name : schema.at("required"))
        if (!value.contains(name.get<std::string>()))
          out.push_back(at + ": '" + name.get<std::string>() + "' is missing");
    const Json none = Json::object();
    const Json& properties = schema.contains("properties") ? schema.at("properties") : none;
    for (const auto& [name, member] : value.items()) {
      if (properties.contains(name))
        check(member, properties.at(name), root, at + "/" + name, out);
      else if (schema.contains("additionalProperties"))
        check(member, schema.at("additionalProperties"), root, at + "/" + name, out);
    }
  }

  void check_scalars(const Json& value, const Json& schema, const std::string& at, Problems& out) {
    if (value.is_string()) {
      const auto text = value.get<std::string>();
      if (schema.contains("minLength") && characters(text) < schema.at("minLength"))
        out.push_back(at + ": too short");
      if (schema.contains("maxLength") && characters(text) > schema.at("maxLength"))
        out.push_back(at + ": too long");
      if (schema.contains("pattern") &&
          !std::regex_search(text, std::regex{schema.at("pattern").get<std::string>()}))
        out.push_back(at + ": does not match the pattern");
    }
    if (value.is_number()) {
      if (schema.contains("minimum") && value < schema.at("minimum")) out.push_back(at + ": too small");
      if (schema.contains("maximum") && value > schema.at("maximum")) out.push_back(at + ": too large");
    }
  }

  void check(const Json& value, const Json& schema, const Json& root, const std::string& at, Problems& out) {
    if (schema.is_boolean()) {
      if (!schema.get<bool>()) out.push_back(at + ": is not allowed");
      return;
    }
    static const std::set<std::string> known{
        "$schema",   "$id",       "$defs",   "$ref",       "title",    "description",
        "examples",  "default",   "type",    "properties", "required", "additionalProperties",
        "enum",      "const",     "items",   "minItems",   "maxItems", "uniqueItems",
        "minLength", "maxLength", "pattern", "minimum",    "maximum",  "oneOf",
        "anyOf"};
    for (const auto& [keyword, ignored] : schema.items())
      if (!known.contains(keyword)) throw std::runtime_error{"unknown keyword " + keyword + " at " + at};

    if (schema.contains("$ref")) check_reference(value, schema.at("$ref").get<std::string>(), root, at, out);
    if (schema.contains("type") && !is_type(value, schema.at("type").get<std::string>())) {
      out.push_back(at + ": must be of type " + schema.at("type").get<std::string>());
      return;
    }
    if (schema.contains("const") && value != schema.at("const")) out.push_back(at + ": is not the constant");
    if (schema.contains("enum")) {
      bool found = false;
      for (const auto& choice : schema.at("enum")) found |= choice == value;
      if (!found) out.push_back(at + ": is not one of the choices");
    }
    if (schema.contains("oneOf")) {
      int fits = 0;
      for (const auto& choice : schema.at("oneOf")) fits += valid(value, choice, root);
      if (fits != 1) out.push_back(at + ": fits " + std::to_string(fits) + " of the alternatives, not one");
    }
    if (schema.contains("anyOf")) {
      bool fits = false;
      for (const auto& choice : schema.at("anyOf")) fits |= valid(value, choice, root);
      if (!fits) out.push_back(at + ": fits none of the alternatives");
    }
    if (value.is_object()) check_object(value, schema, root, at, out);
    if (value.is_array()) {
      if (schema.contains("minItems") && value.size() < schema.at("minItems"))
        out.push_back(at + ": has too few items");
      if (schema.contains("maxItems") && value.size() > schema.at("maxItems"))
        out.push_back(at + ": has too many items");
      if (schema.value("uniqueItems", false) &&
          std::set<Json>(value.begin(), value.end()).size() != value.size())
        out.push_back(at + ": repeats an item");
      if (schema.contains("items"))
        for (std::size_t i = 0; i < value.size(); ++i)
          check(value[i], schema.at("items"), root, at + "/" + std::to_string(i), out);
    }
    check_scalars(value, schema, at, out);
  }

  std::filesystem::path folder_;
  std::map<std::string, Json> documents_;
};

}  // namespace vmc::test
