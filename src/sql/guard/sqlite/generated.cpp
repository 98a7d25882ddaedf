// The expressions of generated columns, which SQLite tells in the text of CREATE TABLE only.
#include <algorithm>

#include "sql/guard/catalogue.hpp"
#include "sql/guard/sqlite/lexer.hpp"
#include "sql/guard/views.hpp"

namespace vmc::sql {
namespace sqlite {
namespace {

// Goes behind the parenthesis that closes the one here; where that one stands.
std::size_t skip_parentheses(TokenCursor& cursor) {
  std::size_t last = 0;
  int depth = 0;
  do {
    const auto& token = cursor.take();
    depth += token.is("(") ? 1 : token.is(")") ? -1 : 0;
    last = token.at;
  } while (depth > 0 && !cursor.at_end());
  return last;
}

// Of the column definition here, up to its comma: what stands in AS (...), "" where nothing does.
std::string expression(TokenCursor& cursor, std::string_view text) {
  std::string found;
  while (!cursor.at_end() && !cursor.peek().is(",") && !cursor.peek().is(")")) {
    if (cursor.peek().is("(")) {
      skip_parentheses(cursor);
    } else if (cursor.take().is_word("as") && cursor.peek().is("(")) {
      const auto from = cursor.peek().at + 1;
      found = std::string{text.substr(from, skip_parentheses(cursor) - from)};
    }
  }
  return found;
}

}  // namespace
}  // namespace sqlite

std::map<std::string, std::string> sqlite_expressions(std::string_view create_table,
                                                      const std::vector<std::string>& columns) {
  std::map<std::string, std::string> found;
  for (const auto& column : columns) found[column];
  const auto lexed = sqlite::lex(create_table);
  if (lexed.refusal) return found;
  TokenCursor cursor{lexed.tokens};
  while (!cursor.at_end() && !cursor.peek().is("(")) cursor.take();
  do {
    cursor.take();
    const auto name = folded(Dialect::sqlite, cursor.take().name);
    const auto made = sqlite::expression(cursor, create_table);
    const auto column = std::find_if(columns.begin(), columns.end(),
                                     [&](const auto& one) { return folded(Dialect::sqlite, one) == name; });
    if (column != columns.end() && !made.empty()) found[*column] = made;
  } while (cursor.peek().is(","));
  return found;
}

}  // namespace vmc::sql
