// UTF-16, as ODBC's wide functions take and give text.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sources/odbc/driver_manager.hpp"

namespace vmc::sources::odbc {

using Wide = std::vector<SQLWCHAR>;

// Of valid UTF-8; each unit goes to `unit`, so that a secret need not stand in memory of ours twice.
template <class Take>
void widen(std::string_view utf8, Take unit) {
  for (std::size_t i = 0; i < utf8.size();) {
    const auto lead = static_cast<unsigned char>(utf8[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    char32_t code = length == 1 ? lead : lead & (0x7F >> length);
    for (std::size_t k = 1; k < length && i + k < utf8.size(); ++k)
      code = code << 6 | (static_cast<unsigned char>(utf8[i + k]) & 0x3F);
    i += length;
    if (code < 0x10000) {
      unit(static_cast<SQLWCHAR>(code));
    } else {
      unit(static_cast<SQLWCHAR>(0xD800 + ((code - 0x10000) >> 10)));
      unit(static_cast<SQLWCHAR>(0xDC00 + ((code - 0x10000) & 0x3FF)));
    }
  }
}

Wide widened(std::string_view utf8);  // without a terminator
// Appends as UTF-8; false when half of a surrogate pair stands alone.
bool append_narrow(std::span<const SQLWCHAR> text, std::string& out);
// For messages: what is no Unicode becomes U+FFFD.
std::string narrowed(std::span<const SQLWCHAR> text);

}  // namespace vmc::sources::odbc
