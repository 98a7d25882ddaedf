// Bounded fields of a message: what is too long, of the wrong size or no plain id is a complaint of the
// reader. Internal to this folder.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "core/bytes.hpp"
#include "core/json.hpp"

namespace vmc::wire {

inline constexpr std::size_t kKeyBytes = 32;
inline constexpr std::size_t kNonceBytes = 32;
inline constexpr std::size_t kSignatureBytes = 64;
inline constexpr std::size_t kNameBytesMax = 256;  // tables, columns, connections
inline constexpr std::size_t kColumnsMax = 4096;
inline constexpr std::size_t kPathBytesMax = 2048;

enum class Need { required, optional };  // optional: absent or empty is ""

std::string id(JsonReader& in, const char* key, Need need = Need::required);
std::string text(JsonReader& in, const char* key, std::size_t bytes_max, Need need = Need::required);
// A relative path: no blank, no "..", no leading '/'.
std::string path(JsonReader& in, const char* key, Need need);
std::string word(JsonReader& in, const char* key, std::initializer_list<std::string_view> allowed);
Bytes bytes(JsonReader& in, const char* key, std::size_t size, Need need = Need::required);  // base64
std::int64_t whole(JsonReader& in, const char* key, std::int64_t min = 0,
                   std::int64_t max = std::numeric_limits<std::int64_t>::max());
std::int64_t whole_or(JsonReader& in, const char* key, std::int64_t fallback, std::int64_t min,
                      std::int64_t max = std::numeric_limits<std::int64_t>::max());
std::vector<std::string> names(JsonReader& in, const char* key);  // absent: empty

// At most `bytes_max` bytes of valid UTF-8, cut between characters; invalid bytes become '?'.
std::string clipped(std::string_view text, std::size_t bytes_max);

}  // namespace vmc::wire
