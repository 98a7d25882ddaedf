// The query inside CREATE VIEW.
#include "sql/guard/mssql/lexer.hpp"
#include "sql/guard/views.hpp"

namespace vmc::sql {
namespace mssql {
namespace {

bool skip_list(TokenCursor& cursor) {
  do {
    if (!cursor.peek().is_name()) return false;
    cursor.take();
  } while (cursor.accept(","));
  return true;
}

// [CREATE] [OR] [ALTER] VIEW [schema.]name [(columns)] [WITH attributes] AS
bool skip_head(TokenCursor& cursor) {
  if (cursor.accept_word("create")) {
    if (cursor.accept_word("or") && !cursor.peek().is_word("alter")) return false;
    cursor.accept_word("alter");
  } else if (!cursor.accept_word("alter")) {
    return false;
  }
  if (!cursor.accept_word("view")) return false;
  do {
    if (!cursor.peek().is_name()) return false;
    cursor.take();
  } while (cursor.accept("."));
  if (cursor.accept("(") && !(skip_list(cursor) && cursor.accept(")"))) return false;
  if (cursor.accept_word("with") && !skip_list(cursor)) return false;
  return cursor.accept_word("as");
}

// Less WITH CHECK OPTION and the semicolon.
std::size_t tail_of(const std::vector<Token>& tokens) {
  auto end = tokens.size() - 1;
  while (end > 0 && tokens[end - 1].is(";")) --end;
  const bool checked = end > 2 && tokens[end - 3].is_word("with") && tokens[end - 2].is_word("check") &&
                       tokens[end - 1].is_word("option");
  return checked ? end - 3 : end;
}

std::string in_single_quotes(std::string_view text) {
  std::string out = "'";
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] == '\'') out += '\'';
    if (text[i] == '"') ++i;
    out += text[i];
  }
  return out + "'";
}

}  // namespace
}  // namespace mssql

std::optional<std::string> mssql_view_query(std::string_view module, bool quoted_identifier) {
  const auto tokens = mssql::lex(module, quoted_identifier);
  if (tokens.refusal) return std::nullopt;
  TokenCursor cursor{tokens.list};
  if (!mssql::skip_head(cursor)) return std::nullopt;
  const auto end = mssql::tail_of(tokens.list);
  std::string query;
  for (auto i = cursor.position(); i < end; ++i) {
    const auto& token = tokens.list[i];
    const bool was_double = token.kind == Token::Kind::string && token.text.front() == '"';
    if (token.blank_before) query += ' ';
    query += was_double ? mssql::in_single_quotes(token.text) : std::string{token.text};
  }
  return query;
}

}  // namespace vmc::sql
