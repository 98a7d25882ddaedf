#include "data/json_lists.hpp"

#include <unordered_set>

#include <fmt/format.h>

#include "data/text_rules.hpp"

namespace vmc::data {

bool is_name(const std::string& text) {
  return !text.empty() && text.size() <= kNameBytesMax && text.find('\0') == std::string::npos &&
         is_valid_utf8(text);
}

std::vector<std::string> names(JsonReader& reader, const char* key, std::size_t least, std::size_t most) {
  const Json* list = least > 0 ? reader.array(key) : reader.array_or_null(key);
  if (!list) return {};
  std::vector<std::string> out;
  if (list->size() < least || list->size() > most) {
    reader.complain(key, fmt::format("must have {} to {} names", least, most));
    return out;
  }
  std::unordered_set<std::string> seen;
  for (const auto& item : *list) {
    if (!item.is_string() || !is_name(item.get_ref<const std::string&>())) {
      reader.complain(key, "must be a list of names");
      return out;
    }
    out.push_back(item.get<std::string>());
    if (!seen.insert(out.back()).second) reader.complain(key, "has the same name twice");
  }
  return out;
}

}  // namespace vmc::data
