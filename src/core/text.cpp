#include "core/text.hpp"

#include <algorithm>
#include <charconv>

namespace vmc {
namespace {

// In UTF-8.
bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

std::optional<std::uint64_t> number_with_unit(std::string_view text, std::span<const Unit> units) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end == text.data()) return std::nullopt;
  const std::string_view unit =
      trim(std::string_view{end, static_cast<std::size_t>(text.data() + text.size() - end)});
  for (const auto& known : units) {
    std::uint64_t value = 0;
    if (known.name == unit && !__builtin_mul_overflow(number, known.factor, &value)) return value;
  }
  return std::nullopt;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

std::optional<std::chrono::microseconds> parse_duration(std::string_view text) {
  static constexpr Unit units[] = {{"us", 1},         {"ms", 1'000},        {"s", 1'000'000},
                                   {"m", 60'000'000}, {"h", 3'600'000'000}, {"d", 86'400'000'000}};
  const auto value = number_with_unit(trim(text), units);
  if (!value || *value > static_cast<std::uint64_t>(INT64_MAX / 2)) return std::nullopt;
  return std::chrono::microseconds{static_cast<std::int64_t>(*value)};
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  static constexpr Unit units[] = {
      {"B", 1},          {"KB", 1000},      {"MB", 1000'000}, {"GB", 1000'000'000},
      {"KiB", 1u << 10}, {"MiB", 1u << 20}, {"GiB", 1u << 30}};
  return number_with_unit(trim(text), units);
}

std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates) {
  std::optional<std::string> best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const auto& candidate : candidates) {
    const auto distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  std::size_t start = 0;
  for (;;) {
    const auto end = text.find(separator, start);
    parts.emplace_back(text.substr(start, end == std::string_view::npos ? end : end - start));
    if (end == std::string_view::npos) return parts;
    start = end + 1;
  }
}

std::string lowered(std::string_view text) {
  std::string low{text};
  for (char& c : low)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return low;
}

std::string_view trim(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string join(std::span<const std::string> parts, std::string_view separator) {
  std::string out;
  for (const auto& part : parts) {
    if (!out.empty()) out += separator;
    out += part;
  }
  return out;
}

bool is_utf8(std::string_view text) {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  const auto* end = p + text.size();
  while (p < end) {
    if (*p < 0x80) {
      ++p;
      continue;
    }
    const int more = *p >= 0xf0 && *p <= 0xf4  ? 3
                     : *p >= 0xe0 && *p < 0xf0 ? 2
                     : *p >= 0xc2 && *p < 0xe0 ? 1
                                               : -1;
    if (more < 0 || end - p <= more) return false;
    std::uint32_t point = *p & (more == 3 ? 0x07u : more == 2 ? 0x0fu : 0x1fu);
    for (int i = 1; i <= more; ++i) {
      if ((p[i] & 0xc0) != 0x80) return false;
      point = point << 6 | (p[i] & 0x3fu);
    }
    if ((more == 2 && (point < 0x800 || (point >= 0xd800 && point < 0xe000))) ||
        (more == 3 && (point < 0x10000 || point > 0x10ffff)))
      return false;
    p += more + 1;
  }
  return true;
}

Place place_of(std::string_view text, std::size_t byte) {
  const auto before = text.substr(0, std::min(byte, text.size()));
  const auto newline = before.rfind('\n');
  const auto in_line = newline == std::string_view::npos ? before : before.substr(newline + 1);
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const auto characters = std::count_if(in_line.begin(), in_line.end(), begins_character);
  return {1 + static_cast<std::size_t>(lines), 1 + static_cast<std::size_t>(characters)};
}

std::size_t byte_of_character(std::string_view text, std::size_t character) {
  std::size_t seen = 0;
  for (std::size_t byte = 0; byte < text.size(); ++byte)
    if (begins_character(text[byte]) && seen++ == character) return byte;
  return text.size();
}

}  // namespace vmc
