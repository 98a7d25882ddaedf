#include "data/text_rules.hpp"

#include <cstdint>
#include <cstring>
#include <vector>

namespace vmc::data {
namespace {

// Bytes of the multi-byte character at p, or 0 when it is not well formed.
std::size_t utf8_character(const unsigned char* p, const unsigned char* end) {
  const auto left = static_cast<std::size_t>(end - p);
  const auto follows = [&](std::size_t i, unsigned char low = 0x80, unsigned char high = 0xbf) {
    return i < left && p[i] >= low && p[i] <= high;
  };
  const unsigned char lead = *p;
  if (lead >= 0xc2 && lead <= 0xdf) return follows(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const unsigned char low = lead == 0xe0 ? 0xa0 : 0x80;   // no overlong forms
    const unsigned char high = lead == 0xed ? 0x9f : 0xbf;  // no surrogates
    return follows(1, low, high) && follows(2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const unsigned char low = lead == 0xf0 ? 0x90 : 0x80;
    const unsigned char high = lead == 0xf4 ? 0x8f : 0xbf;  // nothing past U+10FFFF
    return follows(1, low, high) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Iterative, so that depth costs a vector entry and never the stack.
class JsonScanner {
 public:
  explicit JsonScanner(std::string_view text) : p_{text.data()}, end_{text.data() + text.size()} {}

  bool scan() {
    for (;;) {
      blank();
      if (p_ == end_) return false;
      if (*p_ == '{' || *p_ == '[') {
        if (open_.size() == kJsonTextDepthMax) return false;
        const char opener = *p_++;
        blank();
        if (p_ != end_ && *p_ == (opener == '{' ? '}' : ']')) {
          ++p_;
        } else {
          open_.push_back(opener);
          if (opener == '{' && !key()) return false;
          continue;
        }
      } else if (!scalar()) {
        return false;
      }
      if (!after_value()) return false;
      if (done_) return p_ == end_;
    }
  }

 private:
  void blank() {
    while (p_ != end_ && (*p_ == ' ' || *p_ == '\t' || *p_ == '\n' || *p_ == '\r')) ++p_;
  }
  // Behind a value: closes what ends here, or steps over the comma to the next value.
  bool after_value() {
    for (;;) {
      blank();
      if (open_.empty()) return done_ = true;
      if (p_ == end_) return false;
      const bool object = open_.back() == '{';
      const char c = *p_++;
      if (c == ',') return !object || key();
      if (c != (object ? '}' : ']')) return false;
      open_.pop_back();
    }
  }
  bool key() {
    blank();
    if (!string()) return false;
    blank();
    return take(':');
  }
  bool take(char c) {
    if (p_ == end_ || *p_ != c) return false;
    ++p_;
    return true;
  }
  bool word(std::string_view expected) {
    if (static_cast<std::size_t>(end_ - p_) < expected.size() ||
        std::string_view{p_, expected.size()} != expected)
      return false;
    p_ += expected.size();
    return true;
  }
  bool scalar() {
    switch (*p_) {
      case '"':
        return string();
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      default:
        return number();
    }
  }
  bool string() {
    if (!take('"')) return false;
    while (p_ != end_) {
      const auto c = static_cast<unsigned char>(*p_++);
      if (c == '"') return true;
      if (c < 0x20) return false;
      if (c == '\\' && !escape()) return false;
    }
    return false;
  }
  bool escape() {
    if (p_ == end_) return false;
    const char c = *p_++;
    if (c != 'u') return std::string_view{"\"\\/bfnrt"}.find(c) != std::string_view::npos;
    for (int i = 0; i < 4; ++i, ++p_)
      if (p_ == end_ || !(is_digit(*p_) || (*p_ >= 'a' && *p_ <= 'f') || (*p_ >= 'A' && *p_ <= 'F')))
        return false;
    return true;
  }
  bool digits() {
    if (p_ == end_ || !is_digit(*p_)) return false;
    while (p_ != end_ && is_digit(*p_)) ++p_;
    return true;
  }
  bool number() {
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (p_ != end_ && (*p_ == 'e' || *p_ == 'E')) {
      ++p_;
      if (!take('+')) take('-');
      return digits();
    }
    return true;
  }

  const char* p_;
  const char* end_;
  std::vector<char> open_;
  bool done_ = false;
};

constexpr std::size_t kShortText = 64;

// Most texts are, and short: a few overlapping loads tell.
bool is_ascii(const char* p, std::size_t size) {
  const auto load = [p]<class Word>(Word, std::size_t at) {
    Word word;
    std::memcpy(&word, p + at, sizeof word);
    return std::uint64_t{word};
  };
  constexpr std::uint64_t kHighBits = 0x8080808080808080u;
  std::uint64_t seen = 0;
  if (size >= 8) {
    for (std::size_t at = 0; at + 8 <= size; at += 8) seen |= load(std::uint64_t{}, at);
    seen |= load(std::uint64_t{}, size - 8);
  } else if (size >= 4) {
    seen = load(std::uint32_t{}, 0) | load(std::uint32_t{}, size - 4);
  } else {
    for (std::size_t at = 0; at < size; ++at) seen |= load(std::uint8_t{}, at);
  }
  return (seen & kHighBits) == 0;
}

}  // namespace

bool is_valid_utf8(std::string_view text) {
  if (text.size() <= kShortText && is_ascii(text.data(), text.size())) return true;
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  const auto* end = p + text.size();
  while (p != end) {
    while (end - p >= 32) {
      std::uint64_t words[4];
      std::memcpy(words, p, sizeof words);
      if ((words[0] | words[1] | words[2] | words[3]) & 0x8080808080808080u) break;
      p += 32;
    }
    // Up to the end, or past one stretch of other characters and back to the fast path.
    for (int plain = 0; p != end && plain < 32;) {
      if (*p < 0x80) {
        ++p;
        ++plain;
        continue;
      }
      const std::size_t size = utf8_character(p, end);
      if (size == 0) return false;
      p += size;
    }
  }
  return true;
}

bool is_json_text(std::string_view text) { return is_valid_utf8(text) && JsonScanner{text}.scan(); }

bool is_canonical_number(std::string_view text) {
  if (text == "NaN") return true;
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  std::size_t integer = 0;
  while (integer < text.size() && is_digit(text[integer])) ++integer;
  if (integer == 0 || (integer > 1 && text[0] == '0')) return false;
  if (integer == text.size()) return integer <= kNumberDigitsMax && !(negative && text == "0");
  if (text[integer] != '.' || text.back() == '0' || integer + 1 == text.size()) return false;
  for (const char c : text.substr(integer + 1))
    if (!is_digit(c)) return false;
  const std::size_t whole = text[0] == '0' ? 0 : integer;
  return whole + (text.size() - integer - 1) <= kNumberDigitsMax;
}

}  // namespace vmc::data
