#include "sql/guard/mysql/parser.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "sql/guard/mysql/names.hpp"
#include "sql/guard/mysql/words.hpp"

namespace vmc::sql::mysql {
namespace {

constexpr const char* kSessionState =
    "Sessions are shared, and nothing is left in them. Use a CTE, a window function or a parameter.";
constexpr const char* kNoLocks = "Leave the clause out: a read needs no lock.";

std::string upper(std::string_view word) {
  std::string up{word};
  for (char& c : up)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return up;
}

Refusal of_syntax(std::string what, std::string hint = {}) {
  return {Layer::syntax, Code::write_operation_rejected, 0, std::move(what), std::move(hint)};
}

Refusal explain_word(const Token& token, const Token& next, std::string_view meaning) {
  constexpr const char* kQuoted = "A name that is spelt so needs backticks.";
  const auto& word = token.name;
  if (word == "into" && (next.is_word("outfile") || next.is_word("dumpfile")))
    return of_syntax(fmt::format("INTO {} writes a file on the server", upper(next.name)),
                     "Leave it out: the rows are sent to you.");
  if (word == "into") return of_syntax("INTO keeps the result in variables", kSessionState);
  if (word == "for" && (next.is_word("update") || next.is_word("share")))
    return of_syntax(fmt::format("FOR {} locks rows", upper(next.name)), kNoLocks);
  if (word == "lock" && next.is_word("in")) return of_syntax("LOCK IN SHARE MODE locks rows", kNoLocks);
  if (word == "procedure")
    return of_syntax("PROCEDURE ANALYSE shows values of every column", "Ask for MIN and MAX of the columns you need.");
  const bool reserved = is_reserved(word);
  if (reserved && !meaning.empty())
    return {Layer::tokens, Code::write_keyword_detected, 0, std::string{meaning},
            fmt::format("Ask for rows with SELECT. {}", kQuoted)};
  return of_syntax(fmt::format("'{}' is not understood here", shortened(token.text)), reserved ? kQuoted : "");
}

// What a token means that stands where the grammar has no use for it; `meaning`: as a verb.
Refusal explain(const Token& token, const Token& next, std::string_view meaning) {
  using Kind = Token::Kind;
  if (token.kind == Kind::end || token.is(";")) return of_syntax("the statement ends before it is complete");
  if (token.is(":=") || (token.kind == Kind::variable && !token.text.starts_with("@@")))
    return of_syntax("user variables are neither read nor set", kSessionState);
  if (token.kind == Kind::word) return explain_word(token, next, meaning);
  if (token.kind == Kind::string) return of_syntax("a string is not understood here");
  if (token.kind == Kind::number) return of_syntax("a number is not understood here");
  return of_syntax(fmt::format("'{}' is not understood here", shortened(token.text)));
}

}  // namespace

Parser::Nested::Nested(Parser& parser) : parser_{parser} {
  if (++parser_.depth_ > kNestingMax) parser_.too_deep();
}

bool Parser::is_any(std::initializer_list<std::string_view> words, std::size_t ahead) const {
  return peek(ahead).kind == Token::Kind::word && std::ranges::find(words, peek(ahead).name) != words.end();
}

bool Parser::accept_any(std::initializer_list<std::string_view> words) {
  return is_any(words) ? (take(), true) : false;
}

bool Parser::accept_words(std::string_view first, std::string_view second) {
  if (!is_word(first) || !is_word(second, 1)) return false;
  take();
  take();
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
  if (peek().kind != Token::Kind::string) return not_understood();
  take();
}

void Parser::expect_count() {
  if (peek().kind != Token::Kind::number && peek().kind != Token::Kind::parameter) return not_understood();
  take();
}

void Parser::refuse(const Token& token, Refusal refusal) {
  if (!refusal_) {
    refusal.at = token.at;
    refusal_ = std::move(refusal);
  }
  cursor_.rewind(tokens_.size() - 1);
}

void Parser::refuse(const Token& token, std::string what, std::string hint) {
  refuse(token, of_syntax(std::move(what), std::move(hint)));
}

void Parser::too_deep() {
  refuse(peek(), fmt::format("more than {} levels are nested here", kNestingMax), "Name parts of it in a WITH clause.");
}

void Parser::not_understood(const Token& token) {
  const auto* next = &token == &tokens_.back() ? &token : &token + 1;
  refuse(token, explain(token, *next, meaning_of_verb(token)));
}

std::string_view Parser::meaning_of_verb(const Token& token) const {
  return settings_.keywords && token.kind == Token::Kind::word ? verb_meaning(token.name) : std::string_view{};
}

}  // namespace vmc::sql::mysql
