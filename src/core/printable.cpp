#include "core/printable.hpp"

namespace vmc {

std::string printable(std::string_view text, std::string_view kept) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0xff;
    const bool second_set = byte == 0xc2 && next >= 0x80 && next < 0xa0;  // U+0080 to U+009F
    if (second_set) ++i;
    const bool control = second_set || byte == 0x7f || (byte < 0x20 && kept.find(text[i]) == kept.npos);
    out.push_back(control ? ' ' : text[i]);
  }
  return out;
}

}  // namespace vmc
