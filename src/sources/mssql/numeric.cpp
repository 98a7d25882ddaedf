#include "sources/mssql/numeric.hpp"

#include <algorithm>

namespace vmc::sources::mssql {
namespace {

__extension__ typedef unsigned __int128 Uint128;

// Bytes of the magnitude, the highest first, behind one byte of sign: as few as hold the precision's digits.
int magnitude_bytes(int precision) {
  Uint128 most = 0;
  for (int i = 0; i < precision; ++i) most = most * 10 + 9;
  int bytes = 0;
  for (; most != 0; most >>= 8) ++bytes;
  return bytes;
}

const std::array<int, 39>& magnitude_table() {
  static const auto table = [] {
    std::array<int, 39> out{};
    for (int i = 1; i < 39; ++i) out[static_cast<std::size_t>(i)] = magnitude_bytes(i);
    return out;
  }();
  return table;
}

}  // namespace

std::optional<data::Int128> from_numeric(const DBNUMERIC& value) {
  if (value.precision < 1 || value.precision > 38) return std::nullopt;
  Uint128 magnitude = 0;
  const int bytes = magnitude_table()[value.precision];
  for (int i = 1; i <= bytes; ++i) magnitude = magnitude << 8 | value.array[i];
  if (magnitude >= static_cast<Uint128>(data::power_of_ten(value.precision))) return std::nullopt;
  const auto number = static_cast<data::Int128>(magnitude);
  return value.array[0] ? -number : number;
}

DBNUMERIC to_numeric(data::Int128 unscaled, data::Type type) {
  DBNUMERIC out{};
  out.precision = type.precision;
  out.scale = type.scale;
  out.array[0] = unscaled < 0 ? 1 : 0;
  auto magnitude = unscaled < 0 ? -static_cast<Uint128>(unscaled) : static_cast<Uint128>(unscaled);
  for (int i = magnitude_table()[type.precision]; i >= 1; --i, magnitude >>= 8)
    out.array[i] = static_cast<unsigned char>(magnitude & 0xff);
  return out;
}

std::array<std::uint8_t, 16> swapped_uuid(const unsigned char* sixteen) {
  std::array<std::uint8_t, 16> out;
  std::copy_n(sixteen, 16, out.begin());
  std::reverse(out.begin(), out.begin() + 4);
  std::reverse(out.begin() + 4, out.begin() + 6);
  std::reverse(out.begin() + 6, out.begin() + 8);
  return out;
}

}  // namespace vmc::sources::mssql
