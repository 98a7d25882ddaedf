// Small text helpers that configuration, command line and messages share.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vmc {

// "30s", "4h", "500ms", "2m", "7d"; a bare number is refused.
std::optional<std::chrono::microseconds> parse_duration(std::string_view text);
// "64MB", "1GiB", "512KB", "100B": decimal units by 1000, binary ones by 1024.
std::optional<std::uint64_t> parse_size(std::string_view text);

// The candidate with the smallest edit distance, when it is near enough to be a slip of the finger.
std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates);

std::vector<std::string> split(std::string_view text, char separator);
std::string lowered(std::string_view text);  // A to Z only
std::string_view trim(std::string_view text);
std::string join(std::span<const std::string> parts, std::string_view separator);
bool is_utf8(std::string_view text);

// Both from 1; a column is a character.
struct Place {
  std::size_t line = 1, column = 1;
};
Place place_of(std::string_view text, std::size_t byte);
// The byte where a character begins; counted from 0.
std::size_t byte_of_character(std::string_view text, std::size_t character);

}  // namespace vmc
