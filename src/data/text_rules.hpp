// Is this text what its column's kind promises? Fast, because every byte that comes from outside passes here.
#pragma once

#include <string_view>

namespace vmc::data {

bool is_valid_utf8(std::string_view text);  // eight ASCII bytes at a time
// One JSON value (RFC 8259) and nothing else; nesting of at most kJsonTextDepthMax.
bool is_json_text(std::string_view text);
// The canonical form of Kind::number: "0", "-12.5", "NaN"; at most kNumberDigitsMax digits.
bool is_canonical_number(std::string_view text);

inline constexpr std::size_t kJsonTextDepthMax = 512;
inline constexpr std::size_t kNumberDigitsMax = 1000;

}  // namespace vmc::data
