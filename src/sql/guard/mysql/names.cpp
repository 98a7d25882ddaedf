#include "sql/guard/mysql/names.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>

namespace vmc::sql::mysql {
namespace {

// Every `step`-th letter from `first` to `last` is a capital; its small letter stands `offset` further.
struct Capitals {
  char32_t first, last;
  std::uint8_t step;
  std::int16_t offset;
};

// The servers' own table (utf8mb3_general_ci), which is that of Unicode 3.0. Two letters are left out on purpose:
// U+0130 is a small i to MySQL and a letter of its own to MariaDB; U+212A is no k to either.
constexpr auto kCapitals = std::to_array<Capitals>({
    // clang-format off
    {0x00c0, 0x00d6, 1, 32}, {0x00d8, 0x00de, 1, 32}, {0x0100, 0x012e, 2, 1}, {0x0132, 0x0136, 2, 1},
    {0x0139, 0x0147, 2, 1}, {0x014a, 0x0176, 2, 1}, {0x0178, 0x0178, 1, -121}, {0x0179, 0x017d, 2, 1},
    {0x0181, 0x0181, 1, 210}, {0x0182, 0x0184, 2, 1}, {0x0186, 0x0186, 1, 206}, {0x0187, 0x0187, 1, 1},
    {0x0189, 0x018a, 1, 205}, {0x018b, 0x018b, 1, 1}, {0x018e, 0x018e, 1, 79}, {0x018f, 0x018f, 1, 202},
    {0x0190, 0x0190, 1, 203}, {0x0191, 0x0191, 1, 1}, {0x0193, 0x0193, 1, 205}, {0x0194, 0x0194, 1, 207},
    {0x0196, 0x0196, 1, 211}, {0x0197, 0x0197, 1, 209}, {0x0198, 0x0198, 1, 1}, {0x019c, 0x019c, 1, 211},
    {0x019d, 0x019d, 1, 213}, {0x019f, 0x019f, 1, 214}, {0x01a0, 0x01a4, 2, 1}, {0x01a6, 0x01a6, 1, 218},
    {0x01a7, 0x01a7, 1, 1}, {0x01a9, 0x01a9, 1, 218}, {0x01ac, 0x01ac, 1, 1}, {0x01ae, 0x01ae, 1, 218},
    {0x01af, 0x01af, 1, 1}, {0x01b1, 0x01b2, 1, 217}, {0x01b3, 0x01b5, 2, 1}, {0x01b7, 0x01b7, 1, 219},
    {0x01b8, 0x01b8, 1, 1}, {0x01bc, 0x01bc, 1, 1}, {0x01c4, 0x01c4, 1, 2}, {0x01c5, 0x01c5, 1, 1},
    {0x01c7, 0x01c7, 1, 2}, {0x01c8, 0x01c8, 1, 1}, {0x01ca, 0x01ca, 1, 2}, {0x01cb, 0x01db, 2, 1},
    {0x01de, 0x01ee, 2, 1}, {0x01f1, 0x01f1, 1, 2}, {0x01f2, 0x01f4, 2, 1}, {0x01f6, 0x01f6, 1, -97},
    {0x01f7, 0x01f7, 1, -56}, {0x01f8, 0x021e, 2, 1}, {0x0222, 0x0232, 2, 1}, {0x0386, 0x0386, 1, 38},
    {0x0388, 0x038a, 1, 37}, {0x038c, 0x038c, 1, 64}, {0x038e, 0x038f, 1, 63}, {0x0391, 0x03a1, 1, 32},
    {0x03a3, 0x03ab, 1, 32}, {0x03da, 0x03ee, 2, 1}, {0x0400, 0x040f, 1, 80}, {0x0410, 0x042f, 1, 32},
    {0x0460, 0x0480, 2, 1}, {0x048c, 0x04be, 2, 1}, {0x04c1, 0x04c3, 2, 1}, {0x04c7, 0x04c7, 1, 1},
    {0x04cb, 0x04cb, 1, 1}, {0x04d0, 0x04f4, 2, 1}, {0x04f8, 0x04f8, 1, 1}, {0x0531, 0x0556, 1, 48},
    {0x1e00, 0x1e94, 2, 1}, {0x1ea0, 0x1ef8, 2, 1}, {0x1f08, 0x1f0f, 1, -8}, {0x1f18, 0x1f1d, 1, -8},
    {0x1f28, 0x1f2f, 1, -8}, {0x1f38, 0x1f3f, 1, -8}, {0x1f48, 0x1f4d, 1, -8}, {0x1f59, 0x1f5f, 2, -8},
    {0x1f68, 0x1f6f, 1, -8}, {0x1f88, 0x1f8f, 1, -8}, {0x1f98, 0x1f9f, 1, -8}, {0x1fa8, 0x1faf, 1, -8},
    {0x1fb8, 0x1fb9, 1, -8}, {0x1fba, 0x1fbb, 1, -74}, {0x1fbc, 0x1fbc, 1, -9}, {0x1fc8, 0x1fcb, 1, -86},
    {0x1fcc, 0x1fcc, 1, -9}, {0x1fd8, 0x1fd9, 1, -8}, {0x1fda, 0x1fdb, 1, -100}, {0x1fe8, 0x1fe9, 1, -8},
    {0x1fea, 0x1feb, 1, -112}, {0x1fec, 0x1fec, 1, -7}, {0x1ff8, 0x1ff9, 1, -128},
    {0x1ffa, 0x1ffb, 1, -126}, {0x1ffc, 0x1ffc, 1, -9}, {0x2160, 0x216f, 1, 16}, {0x24b6, 0x24cf, 1, 26},
    {0xff21, 0xff3a, 1, 32},
    // clang-format on
});

char32_t small_letter(char32_t letter) {
  const auto after = std::upper_bound(kCapitals.begin(), kCapitals.end(), letter,
                                      [](char32_t at, const Capitals& range) { return at < range.first; });
  if (after == kCapitals.begin()) return letter;
  const auto& range = *std::prev(after);
  if (letter > range.last || (letter - range.first) % range.step != 0) return letter;
  return letter + static_cast<char32_t>(range.offset);
}

// The capitals above are of two or three bytes, and so are their small letters.
void append_utf8(std::string& out, char32_t letter) {
  if (letter < 0x800) {
    out += static_cast<char>(0xc0 | letter >> 6);
  } else {
    out += static_cast<char>(0xe0 | letter >> 12);
    out += static_cast<char>(0x80 | (letter >> 6 & 0x3f));
  }
  out += static_cast<char>(0x80 | (letter & 0x3f));
}

}  // namespace

std::string fold(std::string_view name) {
  std::string out;
  out.reserve(name.size());
  for (std::size_t i = 0; i < name.size();) {
    const auto byte = static_cast<unsigned char>(name[i]);
    const auto next = [&](std::size_t n) { return char32_t{static_cast<unsigned char>(name[i + n])} & 0x3f; };
    if (byte < 0x80) {
      out += static_cast<char>(byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte);
      i += 1;
    } else if (byte < 0xe0 && i + 1 < name.size()) {
      append_utf8(out, small_letter((char32_t{byte} & 0x1f) << 6 | next(1)));
      i += 2;
    } else if (byte < 0xf0 && i + 2 < name.size()) {
      append_utf8(out, small_letter((char32_t{byte} & 0x0f) << 12 | next(1) << 6 | next(2)));
      i += 3;
    } else {
      out += name[i++];  // beyond the plane that has capitals here, byte by byte
    }
  }
  return out;
}

std::string_view shortened(std::string_view name) {
  constexpr std::size_t kShownBytes = 64;
  if (name.size() <= kShownBytes) return name;
  auto end = kShownBytes;
  while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xc0) == 0x80) --end;
  return name.substr(0, end);
}

}  // namespace vmc::sql::mysql
