#include "sql/guard/mysql/lexer.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>

#include "core/text.hpp"
#include "sql/guard/mysql/names.hpp"

namespace vmc::sql::mysql {
namespace {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
constexpr bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
constexpr bool is_control(char c) { return (c >= '\0' && c < ' ') || c == '\x7f'; }
// Every byte of a letter outside ASCII belongs to names, be it a no-break space or a curly quote.
constexpr bool is_name_byte(char c) {
  return is_letter(c) || is_digit(c) || c == '_' || c == '$' || static_cast<unsigned char>(c) >= 0x80;
}

constexpr std::string_view kDottedCapitalI = "\u0130";

// What people paste for a space, a quote or a semicolon and the servers take for letters.
constexpr bool is_lookalike(std::string_view letter) {
  constexpr auto kLookalikes = std::to_array<std::string_view>({
      "\u00a0", "\u00ad", "\u037e", "\u2018", "\u2019", "\u201c", "\u201d", "\u202f", "\u205f", "\u2060", "\u3000",
      "\ufeff",
  });
  if (letter >= "\u2000" && letter <= "\u200f") return true;  // spaces of all widths, zero among them
  if (letter >= "\u2028" && letter <= "\u202e") return true;  // line separators, writing direction
  return std::ranges::find(kLookalikes, letter) != kLookalikes.end();
}

bool has_lookalike(std::string_view name) {
  for (std::size_t i = 0; i < name.size();) {
    const auto byte = static_cast<unsigned char>(name[i]);
    const std::size_t length = byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    if (length > 1 && is_lookalike(name.substr(i, length))) return true;
    i += length;
  }
  return false;
}

std::optional<Refusal> refuse_text(std::string_view text) {
  const auto refusal = [](std::size_t at, std::string what, std::string hint) {
    return Refusal{Layer::text, Code::write_operation_rejected, at, std::move(what), std::move(hint)};
  };
  if (text.size() > kStatementBytesMax)
    return refusal(kStatementBytesMax, "the statement is longer than 256 KiB", "Bind long values as parameters.");
  if (const auto at = text.find('\0'); at != text.npos) return refusal(at, "a NUL byte stands in the statement", "");
  if (!is_utf8(text)) return refusal(0, "the statement is not valid UTF-8", "");
  if (std::ranges::all_of(text, is_blank)) return refusal(0, "the statement is empty", "Ask for rows with SELECT.");
  return std::nullopt;
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_{text} { tokens_.reserve(text.size() / 4 + 2); }

  Lexed run() {
    while (skip_blanks() && next_ < text_.size() && token()) {
    }
    if (refusal_) return {{}, std::move(refusal_), false};
    start_ = next_ = text_.size();
    push(Token::Kind::end);
    return {std::move(tokens_), std::nullopt, chooses_index_};
  }

 private:
  char peek(std::size_t ahead = 0) const { return next_ + ahead < text_.size() ? text_[next_ + ahead] : '\0'; }
  bool starts_with(std::string_view what) const { return text_.substr(next_).starts_with(what); }

  bool refuse(std::size_t at, std::string what, std::string hint = {}) {
    refusal_ = Refusal{Layer::tokens, Code::write_operation_rejected, at, std::move(what), std::move(hint)};
    return false;
  }

  // A token from `start_` to `next_`.
  bool push(Token::Kind kind, std::string name = {}) {
    tokens_.push_back({kind, text_.substr(start_, next_ - start_), std::move(name), start_, blank_before_});
    blank_before_ = false;
    return true;
  }

  // --- white space and comments ---

  bool skip_blanks() {
    for (;;) {
      const auto before = next_;
      while (is_blank(peek())) ++next_;
      if (peek() == '#' || at_dash_comment()) skip_line();
      if (starts_with("/*") && !block_comment()) return false;
      if (next_ == before) return true;
      blank_before_ = true;
    }
  }

  // "--" needs white space, a control character or the end of the text behind it: 1--1 is 2.
  bool at_dash_comment() const {
    if (!starts_with("--")) return false;
    return next_ + 2 >= text_.size() || is_blank(peek(2)) || is_control(peek(2));
  }

  // Only a line feed ends the line; a carriage return does not.
  void skip_line() {
    const auto end = text_.find('\n', next_);
    next_ = end == text_.npos ? text_.size() : end + 1;
  }

  // Comments do not nest, and "/*/" does not close itself.
  bool block_comment() {
    const auto at = next_;
    if (starts_with("/*!") || starts_with("/*M!"))
      return refuse(at, "a comment of the kind /*! */ is run by some servers and skipped by others",
                    "Leave it out, or put a space before the exclamation mark.");
    const auto end = text_.find("*/", at + 2);
    if (end == text_.npos) return refuse(at, "a comment is not closed", "");
    next_ = end + 2;
    if (text_[at + 2] == '+' && takes_hint()) {
      const auto hint = text_.substr(at + 3, end - at - 3);
      refusal_ = refuse_hint(hint, at);
      chooses_index_ = chooses_index_ || chooses_index(hint);
      return !refusal_;
    }
    return true;
  }

  // Behind other words, "/*+" begins a plain comment. REPLACE and INSERT take hints even as functions.
  bool takes_hint() const {
    if (tokens_.empty() || tokens_.back().kind != Token::Kind::word) return false;
    for (const auto* verb : {"select", "insert", "replace", "update", "delete"})
      if (tokens_.back().name == verb) return true;
    return false;
  }

  // --- tokens ---

  bool token() {
    start_ = next_;
    const char c = peek();
    if (c == '\'' || c == '"') return string(c, "a string is not closed");
    if (c == '`') return quoted_name();
    if (peek(1) == '\'') {
      if (c == 'n' || c == 'N') return ++next_, string('\'', "a string is not closed");
      if (c == 'x' || c == 'X') return quoted_digits(is_hex, 2);
      if (c == 'b' || c == 'B') return quoted_digits([](char d) { return d == '0' || d == '1'; }, 1);
    }
    if (is_digit(c)) return number_or_name();
    if (is_name_byte(c)) return names(true);
    if (c == '.') return is_digit(peek(1)) ? fraction() : dot();
    if (c == '@') return variable();
    if (c == '?') return parameter();
    return symbol();
  }

  // From the opening to the closing quote; a quote is doubled or escaped inside.
  bool skip_quoted(char quote, bool escapes) {
    for (++next_; next_ < text_.size(); ++next_) {
      if (text_[next_] == '\\' && escapes) {
        ++next_;
      } else if (text_[next_] == quote) {
        ++next_;
        if (peek() != quote) return true;
      }
    }
    return false;
  }

  bool string(char quote, const char* unclosed) {
    return skip_quoted(quote, true) ? push(Token::Kind::string) : refuse(start_, unclosed);
  }

  // A backslash in backticks is a plain character.
  bool quoted_name() {
    const auto begin = next_ + 1;
    if (!skip_quoted('`', false)) return refuse(start_, "a name in backticks is not closed");
    const auto inside = text_.substr(begin, next_ - begin - 1);
    if (inside.find(kDottedCapitalI) != inside.npos) return refuse_dotted_capital_i();
    return push(Token::Kind::quoted, fold(without_doubled_backticks(inside)));
  }

  bool refuse_dotted_capital_i() {
    return refuse(start_, "the letter I with a dot is an i to some servers and a letter of its own to others");
  }

  static std::string without_doubled_backticks(std::string_view inside) {
    std::string out;
    out.reserve(inside.size());
    for (std::size_t i = 0; i < inside.size(); ++i) {
      out += inside[i];
      if (inside[i] == '`') ++i;
    }
    return out;
  }

  // x'41', b'01'.
  bool quoted_digits(bool (*is_one)(char), std::size_t in_groups_of) {
    next_ += 2;
    const auto begin = next_;
    while (is_one(peek())) ++next_;
    if (peek() != '\'' || (next_ - begin) % in_groups_of != 0)
      return refuse(start_, "a hexadecimal or bit literal is broken");
    ++next_;
    return push(Token::Kind::number);
  }

  // A run of letters and digits that is not a number as a whole is a name, even where a number and a word are meant:
  // "1UNION", "0x41INTO" and "2x" are names, "1e1INTO" and "1.0INTO" are two tokens.
  bool number_or_name() {
    if (prefixed_digits("0x", is_hex) || prefixed_digits("0b", [](char d) { return d == '0' || d == '1'; }))
      return push(Token::Kind::number);
    while (is_digit(peek())) ++next_;
    if (peek() == '.') return fraction();
    if (!is_name_byte(peek())) return push(Token::Kind::number);
    if (exponent()) return push(Token::Kind::number);
    next_ = start_;
    return names(true);
  }

  // Only with a small letter: "0X41" is a name.
  bool prefixed_digits(std::string_view prefix, bool (*is_one)(char)) {
    if (!starts_with(prefix)) return false;
    auto end = next_ + prefix.size();
    while (end < text_.size() && is_one(text_[end])) ++end;
    if (end == next_ + prefix.size() || (end < text_.size() && is_name_byte(text_[end]))) return false;
    next_ = end;
    return true;
  }

  // At the point of a number. A number may end with it: "1.from t".
  bool fraction() {
    ++next_;
    while (is_digit(peek())) ++next_;
    if ((peek() == 'e' || peek() == 'E') && !exponent()) return refuse(start_, "a number is broken");
    return push(Token::Kind::number);
  }

  bool exponent() {
    if (peek() != 'e' && peek() != 'E') return false;
    const std::size_t sign = peek(1) == '+' || peek(1) == '-' ? 1 : 0;
    if (!is_digit(peek(1 + sign))) return false;
    next_ += 1 + sign;
    while (is_digit(peek())) ++next_;
    return true;
  }

  // One unquoted name, and those that follow it directly behind dots.
  bool names(bool may_be_keyword) {
    for (;;) {
      start_ = next_;
      while (is_name_byte(peek())) ++next_;
      const bool dotted = peek() == '.' && is_name_byte(peek(1));
      if (!name(may_be_keyword && !dotted)) return false;
      if (!dotted) return true;
      start_ = next_++;
      push(Token::Kind::symbol);
      may_be_keyword = false;
    }
  }

  bool name(bool may_be_keyword) {
    const auto text = text_.substr(start_, next_ - start_);
    if (has_lookalike(text))
      return refuse(start_, "a character that only looks like a space, a quote or a semicolon is part of a name here",
                    "Type the spaces and quotes anew; pasted text often holds other ones.");
    if (text.find(kDottedCapitalI) != text.npos) return refuse_dotted_capital_i();
    if (text[0] == '$' && text.find('$', 1) != text.npos)
      return refuse(start_, "newer servers read $…$ as the opening of a string");
    if (text[0] == '$' && text.size() > 1 && std::ranges::all_of(text.substr(1), is_digit))
      return refuse(start_, "'" + std::string{shortened(text)} + "' is no parameter here", "Parameters are written ?.");
    return push(may_be_keyword ? Token::Kind::word : Token::Kind::quoted, fold(text));
  }

  bool dot() {
    ++next_;
    push(Token::Kind::symbol);
    return is_name_byte(peek()) ? names(false) : true;
  }

  // "@x" stays an at sign for the grammar to refuse. "@@x" is one token; what follows behind a dot is a plain name.
  bool variable() {
    ++next_;
    if (peek() != '@') return push(Token::Kind::variable);
    ++next_;
    if (peek() == '`') {
      const auto begin = next_ + 1;
      if (!skip_quoted('`', false)) return refuse(start_, "a name in backticks is not closed");
      return push(Token::Kind::variable, fold(text_.substr(begin, next_ - begin - 1)));
    }
    const auto begin = next_;
    while (is_name_byte(peek())) ++next_;
    push(Token::Kind::variable, fold(text_.substr(begin, next_ - begin)));
    if (peek() != '.') return true;
    start_ = next_;
    return dot();
  }

  bool parameter() {
    ++next_;
    if (is_name_byte(peek())) return refuse(start_, "a parameter and a name run into one another", "");
    return push(Token::Kind::parameter);
  }

  bool symbol() {
    static constexpr auto kSymbols = std::to_array<std::string_view>({
        "->>", "<=>", "->", "<=", "<>", "<<", ">=", ">>", "!=", "&&", "||", ":=", "\\N", "(", ")", ",", ";", "+",
        "-",   "*",   "/",  "%",  "^",  "~",  "&",  "|",  "<",  ">",  "=",  "!",  "{",   "}",
    });
    for (const auto one : kSymbols) {
      if (!starts_with(one)) continue;
      next_ += one.size();
      return push(Token::Kind::symbol);
    }
    if (peek() == '[' || peek() == ']')
      return refuse(next_, "square brackets are not understood", "Quote names with backticks.");
    if (peek() == ':')
      return refuse(next_, "a colon is not understood", "Parameters are written ?, casts CAST(x AS type).");
    if (is_control(peek())) return refuse(next_, "a control character stands in the statement");
    return refuse(next_, std::string{"'"} + peek() + "' is not understood");
  }

  std::string_view text_;
  std::size_t start_ = 0, next_ = 0;
  bool blank_before_ = false;
  std::vector<Token> tokens_;
  std::optional<Refusal> refusal_;
  bool chooses_index_ = false;
};

}  // namespace

Lexed lex(std::string_view statement) {
  if (auto refusal = refuse_text(statement)) return {{}, std::move(refusal), false};
  return Lexer{statement}.run();
}

std::string string_value(std::string_view literal) {
  if (literal.starts_with('n') || literal.starts_with('N')) literal.remove_prefix(1);
  const char quote = literal.front();
  literal = literal.substr(1, literal.size() - 2);
  std::string out;
  out.reserve(literal.size());
  for (std::size_t i = 0; i < literal.size(); ++i) {
    if (literal[i] == quote) {
      ++i;  // doubled
      out += quote;
    } else if (literal[i] != '\\' || i + 1 == literal.size()) {
      out += literal[i];
    } else {
      static constexpr std::string_view kEscapes = "0bnrtZ", kMeanings{"\0\b\n\r\t\x1a", 6};
      const auto escape = kEscapes.find(literal[++i]);
      if (literal[i] == '%' || literal[i] == '_') out += '\\';  // stays, for LIKE
      out += escape == kEscapes.npos ? literal[i] : kMeanings[escape];
    }
  }
  return out;
}

}  // namespace vmc::sql::mysql
