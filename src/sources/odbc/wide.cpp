#include "sources/odbc/wide.hpp"

namespace vmc::sources::odbc {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

void append(char32_t code, std::string& out) {
  const auto put = [&](char32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6), put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12), put(0x80 | (code >> 6 & 0x3F)), put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18), put(0x80 | (code >> 12 & 0x3F)), put(0x80 | (code >> 6 & 0x3F)),
        put(0x80 | (code & 0x3F));
  }
}

bool is_high(SQLWCHAR unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool is_low(SQLWCHAR unit) { return unit >= 0xDC00 && unit < 0xE000; }

}  // namespace

Wide widened(std::string_view utf8) {
  Wide out;
  out.reserve(utf8.size());
  widen(utf8, [&](SQLWCHAR unit) { out.push_back(unit); });
  return out;
}

bool append_narrow(std::span<const SQLWCHAR> text, std::string& out) {
  bool whole = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const SQLWCHAR unit = text[i];
    if (is_high(unit) && i + 1 < text.size() && is_low(text[i + 1])) {
      append(0x10000 + ((char32_t{unit} - 0xD800) << 10) + (text[++i] - 0xDC00), out);
    } else if (is_high(unit) || is_low(unit)) {
      append(kReplacement, out);
      whole = false;
    } else {
      append(unit, out);
    }
  }
  return whole;
}

std::string narrowed(std::span<const SQLWCHAR> text) {
  std::string out;
  append_narrow(text, out);
  return out;
}

}  // namespace vmc::sources::odbc
