// Names and lists of names in the JSON of schemas and intents, bounded.
#pragma once

#include <string>
#include <vector>

#include "core/json.hpp"

namespace vmc::data {

inline constexpr std::size_t kNameBytesMax =
    512;  // "schema.table" with room; databases stop at 63 to 255 each
inline constexpr std::size_t kColumnsMax = 4096;

// UTF-8, 1 to kNameBytesMax bytes, no NUL.
bool is_name(const std::string& text);

// A list of `least` to `most` different names; complains with the key, and returns what it has, otherwise.
std::vector<std::string> names(JsonReader& reader, const char* key, std::size_t least, std::size_t most);

}  // namespace vmc::data
