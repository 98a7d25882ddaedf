#include "sources/sqlite/declared_type.hpp"

#include <cctype>
#include <charconv>
#include <string>

namespace vmc::sources::sqlite {
namespace {

using data::Kind;
using data::Type;

std::string upper(std::string_view text) {
  std::string out;
  for (char c : text) out += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

// "(12, 2)" -> decimal(12,2), "(12)" -> decimal(12,0); without usable digits an unbounded number.
Type decimal_of(std::string_view declared) {
  const auto open = declared.find('(');
  if (open == declared.npos) return {Kind::number};
  unsigned digits[2] = {0, 0};
  const char* at = declared.data() + open + 1;
  const char* end = declared.data() + declared.size();
  for (unsigned& digit : digits) {
    while (at != end && *at == ' ') ++at;
    const auto [next, error] = std::from_chars(at, end, digit);
    if (error != std::errc{}) return {Kind::number};
    at = next;
    while (at != end && *at == ' ') ++at;
    if (at == end || *at != ',') break;
    ++at;
  }
  if (digits[0] < 1 || digits[0] > 38 || digits[1] > digits[0]) return {Kind::number};
  return {Kind::decimal, static_cast<std::uint8_t>(digits[0]), static_cast<std::uint8_t>(digits[1])};
}

}  // namespace

Affinity affinity_of(std::string_view declared) {
  const auto type = upper(declared);
  const auto has = [&](std::string_view word) { return type.find(word) != type.npos; };
  if (has("INT")) return Affinity::integer;
  if (has("CHAR") || has("CLOB") || has("TEXT")) return Affinity::text;
  if (has("BLOB") || type.empty()) return Affinity::blob;
  if (has("REAL") || has("FLOA") || has("DOUB")) return Affinity::real;
  return Affinity::numeric;
}

Type type_of(std::string_view declared) {
  const auto type = upper(declared);
  const auto has = [&](std::string_view word) { return type.find(word) != type.npos; };
  if (has("BOOL")) return {Kind::boolean};
  if (has("DEC") || has("NUMERIC") || has("NUMBER")) return decimal_of(type);
  if (has("UUID") || has("GUID") || has("UNIQUEIDENTIFIER")) return {Kind::uuid};
  if (has("JSON")) return {Kind::json};
  if (has("TIMESTAMPTZ") || has("DATETIMEOFFSET") || (has("TIMESTAMP") && has("WITH TIME ZONE")))
    return {Kind::timestamptz};
  if (has("TIMESTAMP") || has("DATETIME")) return {Kind::timestamp};
  if (type.starts_with("DATE")) return {Kind::date};
  if (type.starts_with("TIME")) return {Kind::time};
  if (has("BINARY") || has("BYTEA")) return {Kind::bytes};
  switch (affinity_of(type)) {
    case Affinity::integer:
      return {Kind::int64};
    case Affinity::real:
      return {Kind::float64};
    case Affinity::blob:
      return {type.empty() ? Kind::text : Kind::bytes};
    default:
      return {Kind::text};
  }
}

bool keeps_exactly(std::string_view declared, Type type) {
  const auto affinity = affinity_of(declared);
  const bool as_written = affinity == Affinity::text || affinity == Affinity::blob;
  switch (type.kind) {
    case Kind::text:
    case Kind::json:
    case Kind::number:
      return as_written;
    // A number-like text becomes an integer, which is exact, or a REAL, which is not.
    case Kind::decimal:
      return as_written || (type.scale == 0 && type.precision <= 18);
    case Kind::float64:
      return affinity == Affinity::real || affinity == Affinity::blob;
    // Text affinity would turn the number into text.
    case Kind::int64:
    case Kind::boolean:
      return affinity == Affinity::integer || affinity == Affinity::numeric || affinity == Affinity::blob;
    default:
      return true;  // blobs are never rewritten, and no date, time or uuid reads as a number
  }
}

}  // namespace vmc::sources::sqlite
