#include "sql/guard/pieces.hpp"

#include "core/text.hpp"
#include "sql/guard/mssql/lexer.hpp"
#include "sql/guard/mysql/lexer.hpp"
#include "sql/guard/sqlite/lexer.hpp"

namespace vmc::sql {
namespace {

bool is_quote(char c) { return c == '"' || c == '`' || c == '['; }

Piece piece_of(const Token& token) {
  switch (token.kind) {
    case Token::Kind::word:
      return {Piece::Kind::word, token.name.empty() ? lowered(token.text) : token.name};
    case Token::Kind::quoted:  // behind a dot a name counts as quoted however it is written
      if (token.text.empty() || !is_quote(token.text.front())) return {Piece::Kind::word, token.name};
      return {Piece::Kind::quoted, std::string{token.text}};
    case Token::Kind::string:
      return {Piece::Kind::text, std::string{token.text}};
    case Token::Kind::number:
      return {Piece::Kind::number, std::string{token.text}};
    case Token::Kind::parameter:
      return {Piece::Kind::parameter, "?"};
    case Token::Kind::variable:
      return {Piece::Kind::word, lowered(token.text)};
    case Token::Kind::symbol:
    case Token::Kind::end:
      break;
  }
  return {Piece::Kind::symbol, std::string{token.text}};
}

Result<std::vector<Piece>> pieces_of(const std::vector<Token>& tokens, const std::optional<Refusal>& refusal) {
  if (refusal) return fail(Code::internal, "a statement that was accepted has no tokens");
  std::vector<Piece> pieces;
  for (const auto& token : tokens)
    if (token.kind != Token::Kind::end) pieces.push_back(piece_of(token));
  return pieces;
}

}  // namespace

Result<std::vector<Piece>> pieces_of(Dialect dialect, std::string_view statement) {
  if (dialect == Dialect::postgres) return postgres_pieces(statement);
  if (dialect == Dialect::mysql) {
    const auto lexed = mysql::lex(statement);
    return pieces_of(lexed.tokens, lexed.refusal);
  }
  if (dialect == Dialect::mssql) {
    const auto lexed = mssql::lex(statement);
    return pieces_of(lexed.list, lexed.refusal);
  }
  const auto lexed = sqlite::lex(statement);
  return pieces_of(lexed.tokens, lexed.refusal);
}

}  // namespace vmc::sql
