// Tokens of the dialects that are read by our own grammar (MySQL, T-SQL), and a cursor over them.
//
// A lexer makes all tokens of a statement before the grammar sees one, so that grammar and server see the same text:
// to_text() of the tokens is what may be sent.
#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/text.hpp"
#include "sql/guard/verdict.hpp"

namespace vmc::sql {

struct Token {
  enum class Kind {
    word,       // an unquoted identifier or keyword; text as written, `name` folded to lower case
    quoted,     // a quoted identifier; `name` is what is between the quotes, folded
    string,     // any string literal; `name` its value where the grammar needs it
    number,     // integer, decimal, float, hexadecimal or bit literal
    parameter,  // ?, @p1
    variable,   // @x, @@x: never a parameter
    symbol,     // an operator or punctuation, the longest the dialect knows
    end,
  };
  Kind kind = Kind::end;
  std::string_view text;  // as written
  std::string name;
  std::size_t at = 0;        // byte of the statement
  bool blank_before = false;  // white space or a comment stands before it

  bool is(std::string_view symbol_text) const { return kind == Kind::symbol && text == symbol_text; }
  bool is_word(std::string_view lower) const { return kind == Kind::word && name == lower; }
  bool is_name() const { return kind == Kind::word || kind == Kind::quoted; }
};

// A name as it is written, without its quotes.
inline std::string_view spelling(const Token& token) {
  const bool quotes = token.text.starts_with('`') || token.text.starts_with('[') || token.text.starts_with('"');
  return quotes ? token.text.substr(1, token.text.size() - 2) : token.text;
}

// Are two spellings of what folds to one name surely one to the server? `ignores_case`: as Catalogue says. Of other
// letters than A to Z it is not known, nor of these beside such a one: "dŽ" is two letters in Croatian, "DŽ" one.
inline bool is_one_name(std::string_view one, std::string_view other, bool ignores_case) {
  const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  return one == other ||
         (ignores_case && lowered(one) == lowered(other) && std::all_of(one.begin(), one.end(), is_ascii));
}

class TokenCursor {
 public:
  explicit TokenCursor(const std::vector<Token>& tokens) : tokens_{tokens} {}  // ends with Kind::end

  const Token& peek(std::size_t ahead = 0) const {
    const auto at = next_ + ahead;
    return tokens_[at < tokens_.size() ? at : tokens_.size() - 1];
  }
  const Token& take() { return tokens_[next_ + 1 < tokens_.size() ? next_++ : next_]; }
  bool accept(std::string_view symbol) { return peek().is(symbol) ? (take(), true) : false; }
  bool accept_word(std::string_view lower) { return peek().is_word(lower) ? (take(), true) : false; }
  bool at_end() const { return peek().kind == Token::Kind::end; }
  std::size_t position() const { return next_; }
  void rewind(std::size_t position) { next_ = position; }

 private:
  const std::vector<Token>& tokens_;
  std::size_t next_ = 0;
};

}  // namespace vmc::sql
