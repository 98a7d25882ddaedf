// The tokens of a statement, cut where SQLite's own tokenizer cuts them; what it would call illegal is refused.
#pragma once

#include <optional>
#include <vector>

#include "sql/guard/token.hpp"

namespace vmc::sql::sqlite {

struct Lexed {
  std::optional<Refusal> refusal;
  std::vector<Token> tokens;  // ends with Kind::end
};

Lexed lex(std::string_view statement);

}  // namespace vmc::sql::sqlite
