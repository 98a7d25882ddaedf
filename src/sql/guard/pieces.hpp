// The tokens of an accepted statement, of any dialect, as its shape needs them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "sql/dialect.hpp"

namespace vmc::sql {

struct Piece {
  enum class Kind {
    word,    // a keyword or an unquoted name, folded; a variable
    quoted,  // a quoted name, as written
    number,
    text,  // any other literal
    parameter,
    symbol,
  };
  Kind kind = Kind::symbol;
  std::string text;

  bool is(std::string_view symbol) const { return kind == Kind::symbol && text == symbol; }
  bool is_word(std::string_view lower) const { return kind == Kind::word && text == lower; }
  bool is_value() const { return kind == Kind::number || kind == Kind::text || kind == Kind::parameter; }
};

Result<std::vector<Piece>> pieces_of(Dialect dialect, std::string_view statement);

// PostgreSQL's are cut by its own scanner.
Result<std::vector<Piece>> postgres_pieces(std::string_view statement);

}  // namespace vmc::sql
