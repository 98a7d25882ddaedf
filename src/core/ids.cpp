#include "core/ids.hpp"

#include <sys/random.h>

#include <array>
#include <stdexcept>

#include <fmt/format.h>

#include "core/bytes.hpp"

namespace vmc {

std::string new_id(std::string_view prefix, Micros now) {
  std::array<std::uint8_t, 16> id{};
  if (getrandom(id.data(), id.size(), 0) != static_cast<ssize_t>(id.size()))
    throw std::runtime_error{"getrandom failed"};
  const auto ms = static_cast<std::uint64_t>(now / 1000);
  for (int i = 0; i < 6; ++i) id[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(ms >> (40 - 8 * i));
  id[6] = static_cast<std::uint8_t>(0x70 | (id[6] & 0x0f));
  id[8] = static_cast<std::uint8_t>(0x80 | (id[8] & 0x3f));
  return fmt::format("{}_{}", prefix, to_hex(id));
}

bool is_plain_id(std::string_view text) {
  if (text.empty() || text.size() > 64) return false;
  for (char c : text) {
    const bool ok =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    if (!ok) return false;
  }
  return true;
}

}  // namespace vmc
