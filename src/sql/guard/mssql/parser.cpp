#include "sql/guard/mssql/parser.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "sql/guard/mssql/words.hpp"

namespace vmc::sql::mssql {
namespace {

// As it may be named in a refusal: values are not.
std::string spelled(const Token& token) {
  switch (token.kind) {
    case Token::Kind::string:
      return "a string";
    case Token::Kind::number:
      return "a number";
    default:
      return fmt::format("'{}'", token.text);
  }
}

}  // namespace

bool Parser::is_any(std::initializer_list<std::string_view> words, std::size_t ahead) const {
  const auto& token = peek(ahead);
  return token.kind == Token::Kind::word && std::find(words.begin(), words.end(), token.name) != words.end();
}

bool Parser::accept_any(std::initializer_list<std::string_view> words) {
  return is_any(words) ? (take(), true) : false;
}

bool Parser::accept_words(std::initializer_list<std::string_view> words) {
  std::size_t ahead = 0;
  for (const auto word : words)
    if (!is_word(word, ahead++)) return false;
  cursor_.rewind(cursor_.position() + words.size());
  return true;
}

void Parser::expect(std::string_view symbol) {
  if (!accept(symbol)) not_understood();
}

void Parser::expect_word(std::string_view word) {
  if (!accept_word(word)) not_understood();
}

void Parser::expect_any(std::initializer_list<std::string_view> words) {
  if (!accept_any(words)) not_understood();
}

void Parser::expect_string() {
  if (peek().kind == Token::Kind::string) take();
  else not_understood();
}

void Parser::expect_number() {
  if (peek().kind == Token::Kind::number) take();
  else not_understood();
}

void Parser::expect_constant() {
  const auto kind = peek().kind;
  if (kind == Token::Kind::number || kind == Token::Kind::string || kind == Token::Kind::parameter) take();
  else not_understood();
}

void Parser::refuse(const Token& token, std::string what, std::string hint, Layer layer, Code code) {
  if (!refusal_) refusal_ = Refusal{layer, code, token.at, std::move(what), std::move(hint)};
  cursor_.rewind(tokens_.size() - 1);
}

void Parser::refuse_verb(const Token& token, std::string_view does) {
  refuse(token, std::string{does}, "Ask for rows with SELECT, one statement at a time.", Layer::tokens,
         Code::write_keyword_detected);
}

// Statements need no separator, so a verb begins one wherever the grammar does not go on.
void Parser::not_understood(const Token& token) {
  if (refused()) return;
  if (token.kind == Token::Kind::end) return refuse(token, "the statement ends too early", "Complete it.");
  if (token.kind == Token::Kind::word) {
    if (const auto* verb = settings_.keywords ? find_verb(token.name) : nullptr) return refuse_verb(token, verb->does);
    if (token.name == "select") return refuse(token, "a second statement begins here", "Send one statement at a time.");
    if (token.name == "into")
      return refuse(token, "SELECT INTO makes a table", "Leave INTO out: the rows come back by themselves.");
    if (token.name == "go")
      return refuse(token, "GO is a word of client tools, not of SQL",
                    "Leave it out; as an alias, write AS before it.");
    if (token.name == "holdlock")
      return refuse(token, "HOLDLOCK keeps locks that hold up others", "Leave the hint out.");
    if (token.name == "option") return refuse(token, "OPTION stands at the end of the whole statement, once");
  }
  refuse(token, fmt::format("{} is not understood here", spelled(token)));
}

Parser::Nested::Nested(Parser& parser) : parser_{parser} {
  if (++parser_.depth_ > kNestingMax)
    parser_.refuse(parser_.peek(), "the statement is nested too deep", "Name its parts with WITH.");
}

}  // namespace vmc::sql::mssql
