// libpg_query hands out the scanner's tokens as a protocol buffer: ScanResult {1: version, 2: tokens}, and
// ScanToken {1: start, 2: end, 4: token, 5: keyword kind}, all numbers varints.
#include "sql/guard/pieces.hpp"

#include <memory>
#include <optional>

#include <pg_query.h>

#include "core/text.hpp"

namespace vmc::sql {
namespace {

// Of PostgreSQL 15's grammar.
enum Number : std::uint64_t {
  ident = 258,
  uident = 259,
  fconst = 260,
  sconst = 261,
  xconst = 264,
  iconst = 266,
  param = 267,
  sql_comment = 275,
  c_comment = 276,
  first_keyword = 277
};

struct Free {
  void operator()(PgQueryScanResult* result) const { pg_query_free_scan_result(*result); }
};

class Wire {
 public:
  explicit Wire(std::string_view bytes) : bytes_{bytes} {}
  bool at_end() const { return bytes_.empty(); }
  std::optional<std::uint64_t> number() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64 && !bytes_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes_.front());
      bytes_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return std::nullopt;
  }
  std::optional<std::string_view> block() {
    const auto size = number();
    if (!size || *size > bytes_.size()) return std::nullopt;
    const auto found = bytes_.substr(0, *size);
    bytes_.remove_prefix(*size);
    return found;
  }

 private:
  std::string_view bytes_;
};

struct Scanned {
  std::uint64_t start = 0, end = 0, token = 0;
};

std::optional<Scanned> scanned(std::string_view message) {
  Wire wire{message};
  Scanned out;
  while (!wire.at_end()) {
    const auto tag = wire.number(), value = tag ? wire.number() : std::nullopt;
    if (!value || (*tag & 7) != 0) return std::nullopt;
    if (*tag >> 3 == 1) out.start = *value;
    if (*tag >> 3 == 2) out.end = *value;
    if (*tag >> 3 == 4) out.token = *value;
  }
  return out;
}

std::optional<Piece> piece_of(const Scanned& found, std::string_view statement) {
  if (found.token == sql_comment || found.token == c_comment) return std::nullopt;
  const auto text = statement.substr(found.start, found.end - found.start);
  const bool quoted = found.token == uident || (!text.empty() && text.front() == '"');
  if (quoted) return Piece{Piece::Kind::quoted, std::string{text}};
  if (found.token == ident || found.token >= first_keyword) return Piece{Piece::Kind::word, lowered(text)};
  if (found.token == fconst || found.token == iconst) return Piece{Piece::Kind::number, std::string{text}};
  if (found.token >= sconst && found.token <= xconst) return Piece{Piece::Kind::text, std::string{text}};
  if (found.token == param) return Piece{Piece::Kind::parameter, "?"};
  return Piece{Piece::Kind::symbol, std::string{text}};
}

}  // namespace

Result<std::vector<Piece>> postgres_pieces(std::string_view statement) {
  const auto broken = [] { return fail(Code::internal, "a statement that was accepted has no tokens"); };
  const std::string text{statement};
  auto result = pg_query_scan(text.c_str());
  const std::unique_ptr<PgQueryScanResult, Free> freed{&result};
  if (result.error) return broken();
  Wire wire{{result.pbuf.data, result.pbuf.len}};
  std::vector<Piece> pieces;
  while (!wire.at_end()) {
    const auto tag = wire.number();
    if (!tag) return broken();
    if (*tag >> 3 != 2) {
      if ((*tag & 7) != 0 || !wire.number()) return broken();
      continue;
    }
    const auto message = wire.block();
    const auto found = message ? scanned(*message) : std::nullopt;
    if (!found || found->start > found->end || found->end > statement.size()) return broken();
    if (auto piece = piece_of(*found, statement)) pieces.push_back(std::move(*piece));
  }
  return pieces;
}

}  // namespace vmc::sql
