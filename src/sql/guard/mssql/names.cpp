#include "sql/guard/mssql/names.hpp"

#include <algorithm>
#include <array>

namespace vmc::sql::mssql {
namespace {

struct Range {
  char32_t first, last;
};

template <std::size_t N>
constexpr bool in(const std::array<Range, N>& ranges, char32_t c) {
  const auto range =
      std::upper_bound(ranges.begin(), ranges.end(), c, [](char32_t x, const Range& r) { return x < r.first; });
  return range != ranges.begin() && c <= std::prev(range)->last;
}

// Letters of the living scripts, with the vowel signs that Indic and Thai words need. Left out: phonetic letters but the
// schwa, Greek with breathings, the long s and the Kelvin sign, which fold to s and k, full-width and other
// compatibility forms, combining marks, what has no width, and everything beyond U+FFFF: older collations do not see it.
constexpr std::array kLetters{
    Range{0xAA, 0xAA},     Range{0xB5, 0xB5},     Range{0xBA, 0xBA},     Range{0xC0, 0xD6},     Range{0xD8, 0xF6},
    Range{0xF8, 0x17E},    Range{0x180, 0x24F},   Range{0x259, 0x259},   Range{0x370, 0x373},   Range{0x376, 0x377},
    Range{0x37B, 0x37D},   Range{0x386, 0x386},   Range{0x388, 0x3F5},   Range{0x3F7, 0x481},   Range{0x48A, 0x52F},
    Range{0x531, 0x556},   Range{0x561, 0x587},   Range{0x5D0, 0x5EA},   Range{0x620, 0x64A},   Range{0x660, 0x669},
    Range{0x66E, 0x66F},   Range{0x671, 0x6D3},   Range{0x6EE, 0x6FC},   Range{0x904, 0x963},   Range{0x966, 0x96F},
    Range{0x980, 0xDF4},   Range{0xE01, 0xE3A},   Range{0xE40, 0xE4E},   Range{0xE50, 0xE59},   Range{0xE81, 0xEDF},
    Range{0x10A0, 0x10FF}, Range{0x1200, 0x135A}, Range{0x1E00, 0x1EFF}, Range{0x3005, 0x3007},
    Range{0x3041, 0x3096}, Range{0x30A1, 0x30FA}, Range{0x30FC, 0x30FE}, Range{0x3105, 0x312F}, Range{0x3400, 0x4DBF},
    Range{0x4E00, 0x9FFF}, Range{0xAC00, 0xD7A3},
};
// Signs that people write in names: dashes, quotes, dots, currencies, number and trade mark signs.
constexpr std::array kSigns{
    Range{0xA1, 0xAC},     Range{0xAE, 0xBF},     Range{0xD7, 0xD7},     Range{0xF7, 0xF7},     Range{0x2010, 0x2027},
    Range{0x2030, 0x205E}, Range{0x20A0, 0x20C0}, Range{0x2116, 0x2116}, Range{0x2122, 0x2122},
};
constexpr std::array kOddBlanks{
    Range{0x01, 0x08},     Range{0x0B, 0x0C},     Range{0x0E, 0x1F},     Range{0x85, 0x85},
    Range{0xA0, 0xA0},     Range{0x1680, 0x1680}, Range{0x2000, 0x200B}, Range{0x2028, 0x2029},
    Range{0x202F, 0x202F}, Range{0x205F, 0x205F}, Range{0x3000, 0x3000}, Range{0xFEFF, 0xFEFF},
};

constexpr bool is_ascii_letter(char32_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// The plain letters of U+00C0 to U+017E, one by one; a blank where a letter has none or is spelled with two.
constexpr std::string_view kLatin =
    "aaaaaa ceeeeiiiidnooooo ouuuuy  aaaaaa ceeeeiiiidnooooo ouuuuy y"
    "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiii  jjkkkllllllllll"
    "nnnnnnnnnoooooo  rrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzz";
static_assert(kLatin.size() == 0x17E - 0xC0 + 1);

// Those of U+0180 to U+024F and of U+1E00 to U+1EFF.
constexpr std::string_view kLatinB =
    "                                oo             uu                            aaiioouuuuuuuuuu aa"
    "aa    ggkkoooo  j   gg  nnaa    aaaaeeeeiiiioooorrrruuuusstt  hh      aaeeooooooooyy            "
    "                ";
static_assert(kLatinB.size() == 0x24F - 0x180 + 1);
constexpr std::string_view kLatinMore =
    "aabbbbbbccddddddddddeeeeeeeeeeffgghhhhhhhhhhiiiikkkkkkllllllllmmmmmmnnnnnnnnoooooooopppprrrrrrrr"
    "ssssssssssttttttttuuuuuuuuuuvvvvwwwwwwwwwwxxxxyyzzzzzzhtwy      aaaaaaaaaaaaaaaaaaaaaaaaeeeeeeee"
    "eeeeeeeeiiiioooooooooooooooooooooooouuuuuuuuuuuuuuyyyyyyyy      ";
static_assert(kLatinMore.size() == 0x1EFF - 0x1E00 + 1);

struct Letter {
  char32_t letter, plain;
};
// Small Greek and Cyrillic ones with accents, the sigma at the end of a word, alefs, and Hindi letters with a dot.
constexpr std::array kPlain{
    Letter{0x390, 0x3B9}, Letter{0x3AC, 0x3B1}, Letter{0x3AD, 0x3B5}, Letter{0x3AE, 0x3B7}, Letter{0x3AF, 0x3B9},
    Letter{0x3B0, 0x3C5}, Letter{0x3C2, 0x3C3}, Letter{0x3CA, 0x3B9}, Letter{0x3CB, 0x3C5}, Letter{0x3CC, 0x3BF},
    Letter{0x3CD, 0x3C5}, Letter{0x3CE, 0x3C9}, Letter{0x3D0, 0x3B2}, Letter{0x3D1, 0x3B8}, Letter{0x3D3, 0x3D2},
    Letter{0x3D4, 0x3D2}, Letter{0x3D5, 0x3C6}, Letter{0x3D6, 0x3C0}, Letter{0x3F0, 0x3BA}, Letter{0x3F1, 0x3C1},
    Letter{0x439, 0x438}, Letter{0x450, 0x435}, Letter{0x451, 0x435}, Letter{0x453, 0x433}, Letter{0x457, 0x456},
    Letter{0x45C, 0x43A}, Letter{0x45D, 0x438}, Letter{0x45E, 0x443}, Letter{0x477, 0x475}, Letter{0x4C2, 0x436},
    Letter{0x4D1, 0x430}, Letter{0x4D3, 0x430}, Letter{0x4D7, 0x435}, Letter{0x4DB, 0x4D9}, Letter{0x4DD, 0x436},
    Letter{0x4DF, 0x437}, Letter{0x4E3, 0x438}, Letter{0x4E5, 0x438}, Letter{0x4E7, 0x43E}, Letter{0x4EB, 0x4E9},
    Letter{0x4ED, 0x44D}, Letter{0x4EF, 0x443}, Letter{0x4F1, 0x443}, Letter{0x4F3, 0x443}, Letter{0x4F5, 0x447},
    Letter{0x4F9, 0x44B}, Letter{0x622, 0x627}, Letter{0x623, 0x627}, Letter{0x624, 0x648}, Letter{0x625, 0x627},
    Letter{0x626, 0x64A}, Letter{0x671, 0x627}, Letter{0x675, 0x627}, Letter{0x958, 0x915}, Letter{0x959, 0x916},
    Letter{0x95A, 0x917}, Letter{0x95B, 0x91C}, Letter{0x95C, 0x921}, Letter{0x95D, 0x922}, Letter{0x95E, 0x92B},
    Letter{0x95F, 0x92F},
};
static_assert(std::is_sorted(kPlain.begin(), kPlain.end(), [](Letter a, Letter b) { return a.letter < b.letter; }));
// Hiragana from U+3041 to U+3096 without voice marks and in full size; katakana stand 0x60 further on.
constexpr std::u32string_view kKana =
    U"ああいいううええおおかかききくくけけここささししすすせせそそたたちちつつつててととなにぬねのはははひひひふふふへへへほほほまみむめもややゆゆよよらりるれろわわゐゑをんうかけ";
static_assert(kKana.size() == 0x3096 - 0x3041 + 1);

// Letters that the tables of old collations weigh. All others weigh nothing there, so that a name with one is also that
// without it.
constexpr std::array kWeighed{
    Range{0x20, 0x24F},    Range{0x259, 0x259},   Range{0x370, 0x3FF},   Range{0x400, 0x52F},   Range{0x531, 0x587},
    Range{0x5D0, 0x5EA},   Range{0x620, 0x63F},   Range{0x641, 0x64A},   Range{0x66E, 0x6D3},   Range{0x904, 0x93B},
    Range{0x93D, 0x950},   Range{0x955, 0x97F},   Range{0xB82, 0xBD7},   Range{0xE01, 0xE30},   Range{0xE32, 0xE33},
    Range{0xE40, 0xE46},
    Range{0x10A0, 0x10FF}, Range{0x1E00, 0x1EFF}, Range{0x2010, 0x2122}, Range{0x3041, 0x3096}, Range{0x30A1, 0x30FA},
    Range{0x3105, 0x312F}, Range{0x4E00, 0x9FA5}, Range{0xAC00, 0xD7A3},
};

struct Pair {
  char32_t letter;
  std::string_view letters;
};
constexpr std::array kPairs{
    Pair{0xAA, "a"}, Pair{0xB2, "2"}, Pair{0xB3, "3"}, Pair{0xB9, "1"}, Pair{0xBA, "o"}, Pair{0xDF, "ss"},
    Pair{0xE6, "ae"}, Pair{0xFE, "th"}, Pair{0x133, "ij"}, Pair{0x153, "oe"}, Pair{0x1C6, "dz"}, Pair{0x1C9, "lj"},
    Pair{0x1CC, "nj"}, Pair{0x1E3, "ae"}, Pair{0x1F3, "dz"}, Pair{0x1FD, "ae"}, Pair{0x1FF, "o"},
    Pair{0x587, "\u0565\u0582"},
};

char32_t small_letter(char32_t c) {
  const auto among = [c](char32_t first, char32_t last) { return c >= first && c <= last; };
  if (among('A', 'Z') || (among(0xC0, 0xDE) && c != 0xD7) || among(0x391, 0x3A9) || among(0x410, 0x42F))
    return c + 0x20;
  if (among(0x400, 0x40F)) return c + 0x50;
  if (c == 0x178) return 0xFF;
  if (c == 0x1E9E) return 0xDF;
  // Elsewhere large and small letters alternate.
  if (among(0x139, 0x148) || among(0x179, 0x17E)) return c + (c & 1);
  if (c == 0x130 || c == 0x131) return c;  // the Turkish ones are two letters of their own
  const bool alternating = among(0x100, 0x177) || among(0x1DE, 0x1EF) || among(0x1F8, 0x21F) || among(0x222, 0x233) ||
                           among(0x460, 0x481) || among(0x48A, 0x4BF) || among(0x4D0, 0x52F) || among(0x1E00, 0x1EFF);
  return alternating ? c | 1 : c;
}

// A small letter without accents, and one kana for all that are read alike.
char32_t without_mark(char32_t c) {
  const auto plain_of = [c](std::string_view letters, char32_t first) -> char32_t {
    if (c < first || c >= first + letters.size()) return c;
    const auto letter = static_cast<unsigned char>(letters[c - first]);
    return letter == ' ' ? c : letter;
  };
  if (c >= 0xC0 && c <= 0x17E) return plain_of(kLatin, 0xC0);
  if (c >= 0x180 && c <= 0x24F) return plain_of(kLatinB, 0x180);
  if (c >= 0x1E00 && c <= 0x1EFF) return plain_of(kLatinMore, 0x1E00);
  if (c == 0xB5) return 0x3BC;  // micro, mu
  if (c >= 0x10A0 && c <= 0x10C5) return c + 0x30;  // large Georgian letters
  if (c >= 0x3041 && c <= 0x3096) return kKana[c - 0x3041];
  if (c >= 0x30A1 && c <= 0x30F6) return kKana[c - 0x30A1];
  const auto at = std::lower_bound(kPlain.begin(), kPlain.end(), c, [](Letter l, char32_t x) { return l.letter < x; });
  return at != kPlain.end() && at->letter == c ? at->plain : c;
}

void append(std::string& out, char32_t c) {
  const auto put = [&out](char32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) return put(c);
  if (c < 0x800) {
    put(0xC0 | (c >> 6));
  } else {
    put(0xE0 | (c >> 12));
    put(0x80 | ((c >> 6) & 0x3F));
  }
  put(0x80 | (c & 0x3F));
}

}  // namespace

char32_t decode(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const char32_t lead = byte(at++);
  if (lead < 0x80) return lead;
  int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
  char32_t c = lead & (0x3F >> more);
  for (; more > 0 && at < text.size(); --more) c = (c << 6) | (byte(at++) & 0x3F);
  return c;
}

bool is_name_start(char32_t c) { return is_ascii_letter(c) || c == '_' || c == '#' || (c >= 0x80 && in(kLetters, c)); }

bool is_name_part(char32_t c) { return is_name_start(c) || (c >= '0' && c <= '9') || c == '@' || c == '$'; }

bool is_odd_blank(char32_t c) { return in(kOddBlanks, c); }

bool is_line_break(char32_t c) { return c == 0x0B || c == 0x0C || c == 0x85 || c == 0x2028 || c == 0x2029; }

bool is_direction(char32_t c) { return (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069); }

std::size_t utf16_length(std::string_view text) {
  std::size_t length = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0) != 0x80) length += byte >= 0xF0 ? 2 : 1;
  }
  return length;
}

bool is_plain(std::string_view name) {
  if (name.empty() || name.back() == ' ') return false;
  for (std::size_t at = 0; at < name.size();) {
    const auto c = decode(name, at);
    const bool plain =
        c < 0x80 ? (c >= ' ' && c != 0x7F) || c == '\t' || c == '\r' || c == '\n' : in(kLetters, c) || in(kSigns, c);
    if (!plain) return false;
  }
  return true;
}

std::string fold(std::string_view name) {
  std::string out;
  out.reserve(name.size());
  for (std::size_t at = 0; at < name.size();) {
    const auto start = at;
    const auto c = decode(name, at), small = small_letter(c);
    if (small == c) out += name.substr(start, at - start);
    else append(out, small);
  }
  return out;
}

std::string skeleton(std::string_view name, bool all) {
  std::string out;
  for (std::size_t at = 0; at < name.size();) {
    const auto start = at;
    const auto c = without_mark(small_letter(decode(name, at)));
    const auto* pair = std::find_if(kPairs.begin(), kPairs.end(), [c](const Pair& p) { return p.letter == c; });
    if (pair != kPairs.end()) out += pair->letters;
    else if (c > 0xFFFF) out += name.substr(start, at - start);
    else if (!all || c < 0x20 || in(kWeighed, c)) append(out, c);
  }
  return out;
}

}  // namespace vmc::sql::mssql
