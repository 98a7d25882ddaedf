#include "wire/fields.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "core/ids.hpp"
#include "core/text.hpp"

namespace vmc::wire {

std::string text(JsonReader& in, const char* key, std::size_t bytes_max, Need need) {
  auto value = need == Need::required ? in.str(key) : in.str_or(key, "");
  if (value.size() > bytes_max) {
    in.complain(key, fmt::format("is longer than {} bytes", bytes_max));
    return {};
  }
  return value;
}

std::string id(JsonReader& in, const char* key, Need need) {
  auto value = text(in, key, 64, need);
  if (!value.empty() && !is_plain_id(value)) in.complain(key, "must be letters, digits, '_' and '-'");
  return value;
}

std::string path(JsonReader& in, const char* key, Need need) {
  auto value = text(in, key, kPathBytesMax, need);
  const bool printable = std::all_of(value.begin(), value.end(),
                                     [](char c) { return c > ' ' && c < '\x7f' && c != '"' && c != '\\'; });
  if (!printable || value.find("..") != std::string::npos || value.starts_with('/'))
    in.complain(key, "must be a relative path");
  return value;
}

std::string word(JsonReader& in, const char* key, std::initializer_list<std::string_view> allowed) {
  auto value = text(in, key, 64);
  if (!value.empty() && std::find(allowed.begin(), allowed.end(), value) == allowed.end())
    in.complain(key, fmt::format("must be one of: {}", fmt::join(allowed.begin(), allowed.end(), ", ")));
  return value;
}

Bytes bytes(JsonReader& in, const char* key, std::size_t size, Need need) {
  const auto value = text(in, key, 4 * ((size + 2) / 3), need);
  if (value.empty()) return {};
  auto decoded = from_base64(value);
  if (!decoded || decoded->size() != size) {
    in.complain(key, fmt::format("must be {} bytes in base64", size));
    return {};
  }
  return *std::move(decoded);
}

namespace {
std::int64_t in_range(JsonReader& in, const char* key, std::int64_t value, std::int64_t min,
                      std::int64_t max) {
  // A number above the range of int64 arrives as unsigned and would wrap.
  const Json* raw = in.any(key);
  const bool wrapped = raw && raw->is_number_unsigned() && raw->get<std::uint64_t>() > INT64_MAX;
  if (!wrapped && value >= min && value <= max) return value;
  in.complain(key, fmt::format("must lie between {} and {}", min, max));
  return min;
}
}  // namespace

std::int64_t whole(JsonReader& in, const char* key, std::int64_t min, std::int64_t max) {
  return in_range(in, key, in.integer(key), min, max);
}
std::int64_t whole_or(JsonReader& in, const char* key, std::int64_t fallback, std::int64_t min,
                      std::int64_t max) {
  return in_range(in, key, in.integer_or(key, fallback), min, max);
}

std::vector<std::string> names(JsonReader& in, const char* key) {
  const Json* list = in.array_or_null(key);
  if (!list) return {};
  if (list->size() > kColumnsMax) {
    in.complain(key, fmt::format("has more than {} entries", kColumnsMax));
    return {};
  }
  std::vector<std::string> out;
  for (const auto& item : *list) {
    if (!item.is_string() || item.get_ref<const std::string&>().empty() ||
        item.get_ref<const std::string&>().size() > kNameBytesMax) {
      in.complain(key, fmt::format("must list names of 1 to {} bytes", kNameBytesMax));
      return {};
    }
    out.push_back(item.get<std::string>());
  }
  return out;
}

std::string clipped(std::string_view text, std::size_t bytes_max) {
  if (text.size() > bytes_max) {
    std::size_t end = bytes_max;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    text = text.substr(0, end);
  }
  std::string out{text};
  if (!is_utf8(out))
    for (char& c : out)
      if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  return out;
}

}  // namespace vmc::wire
