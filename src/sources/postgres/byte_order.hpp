// Network byte order, as PostgreSQL's binary format has it.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace vmc::sources::postgres {

inline std::uint16_t swapped(std::uint16_t v) { return __builtin_bswap16(v); }
inline std::uint32_t swapped(std::uint32_t v) { return __builtin_bswap32(v); }
inline std::uint64_t swapped(std::uint64_t v) { return __builtin_bswap64(v); }

template <class Unsigned>
Unsigned big_endian(Unsigned v) {
  if constexpr (std::endian::native == std::endian::little) return swapped(v);
  return v;
}

template <class Unsigned>
Unsigned load_big(const char* from) {
  Unsigned v;
  std::memcpy(&v, from, sizeof v);
  return big_endian(v);
}

template <class Unsigned>
char* store_big(char* to, Unsigned v) {
  v = big_endian(v);
  std::memcpy(to, &v, sizeof v);
  return to + sizeof v;
}

}  // namespace vmc::sources::postgres
