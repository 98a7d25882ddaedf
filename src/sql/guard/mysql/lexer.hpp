// The tokens of a statement, cut where the servers cut them: MySQL 5.7 and later and MariaDB 10.3 and later, with a
// sql_mode that has neither ANSI_QUOTES nor NO_BACKSLASH_ESCAPES nor IGNORE_SPACE, in utf8mb4.
//
// What the versions read differently (live comments, dollar quotes) is refused here, so that one reading is left.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sql/guard/token.hpp"
#include "sql/guard/verdict.hpp"

namespace vmc::sql::mysql {

struct Lexed {
  std::vector<Token> tokens;  // ends with Kind::end
  std::optional<Refusal> refusal;
  bool chooses_index = false;  // by an optimizer hint
};

// A name behind a dot, or directly before one, is Kind::quoted however it is written: the servers do not look such a
// name up among their keywords ("o.delete", "order.id", "t.2019").
Lexed lex(std::string_view statement);

// What a string literal says: without its quotes, its escapes resolved.
std::string string_value(std::string_view literal);

// Why an optimizer hint is refused, if it is. `hint` is what stands between "/*+" and "*/".
std::optional<Refusal> refuse_hint(std::string_view hint, std::size_t at);
// INDEX(t ix), NO_INDEX(t), SKIP_SCAN(t ix) …: in which order rows come is then the hint's choice.
bool chooses_index(std::string_view hint);

}  // namespace vmc::sql::mysql
