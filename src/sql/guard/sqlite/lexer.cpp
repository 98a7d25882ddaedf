#include "sql/guard/sqlite/lexer.hpp"

#include <array>

#include <fmt/format.h>

#include "core/text.hpp"
#include "sql/guard/catalogue.hpp"

namespace vmc::sql::sqlite {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
// Longer ones first.
constexpr std::array<std::string_view, 26> kSymbols{"->>", "->", "<=", "<>", "<<", ">=", ">>", "==", "!=",
                                                    "||",  "-",  "<",  ">",  "=",  "|",  "&",  "~",  "+",
                                                    "*",   "/",  "%",  "(",  ")",  ",",  ";",  "."};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
// Every byte beyond ASCII is a letter: no-break and ideographic spaces too.
bool is_name_start(char c) { return is_letter(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80; }
bool is_name_part(char c) { return is_name_start(c) || is_digit(c) || c == '$'; }
// A vertical tab is none.
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_{text} {}

  Lexed run() {
    if (!check_text()) return {std::move(refusal_), {}};
    tokens_.reserve(text_.size() / 4 + 2);
    while (skip_blank() && at_ < text_.size())
      if (!token()) break;
    if (!refusal_ && tokens_.empty())
      refuse(Layer::text, 0, "there is no statement, only blanks and comments", "Send one SELECT.");
    tokens_.push_back({.kind = Token::Kind::end, .text = {}, .name = {}, .at = text_.size()});
    return {std::move(refusal_), std::move(tokens_)};
  }

 private:
  bool check_text() {
    if (text_.size() > kStatementBytesMax)
      return refuse(Layer::text, kStatementBytesMax, "the statement is longer than 256 KiB", "Send a shorter one.");
    if (const auto nul = text_.find('\0'); nul != text_.npos)
      return refuse(Layer::text, nul, "a zero byte ends the statement early", "Remove it.");
    if (!is_utf8(text_)) return refuse(Layer::text, 0, "the statement is not UTF-8", "Send it as UTF-8.");
    return true;
  }

  // White space and comments.
  bool skip_blank() {
    for (;; blank_ = true) {
      const auto rest = text_.substr(at_);
      if (!rest.empty() && is_blank(rest[0]))
        ++at_;
      else if (rest.starts_with(kByteOrderMark))
        at_ += kByteOrderMark.size();  // wherever a token could begin
      else if (rest.starts_with("--"))
        at_ += std::min(rest.find('\n'), rest.size());  // a carriage return does not end it
      else if (rest.starts_with("/*") && rest.size() > 2) {
        const auto end = rest.find("*/", 2);  // comments do not nest
        if (end == rest.npos) return refuse(Layer::tokens, at_, "a comment is opened and never closed", "Close it.");
        at_ += end + 2;
      } else
        return true;
    }
  }

  bool token() {
    const char c = text_[at_];
    if (c == '\'') return quoted(Token::Kind::string, '\'');
    if (c == '"' || c == '`') return quoted(Token::Kind::quoted, c);
    if (c == '[') return bracketed();
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number();
    if ((c == 'x' || c == 'X') && peek(1) == '\'') return blob();
    if (is_name_start(c)) return word();
    if (c == '?') return add(Token::Kind::parameter, run_of(1, is_digit));
    if (c == ':' || c == '@' || c == '$') return named_parameter();
    for (const auto symbol : kSymbols)
      if (text_.substr(at_).starts_with(symbol)) return add(Token::Kind::symbol, symbol.size());
    return refuse(Layer::tokens, at_, fmt::format("{} is no part of SQL for SQLite", shown(c)),
                  c == '#' ? "Comments begin with two minus signs." : "");
  }

  bool quoted(Token::Kind kind, char quote) {
    std::string value;
    for (auto i = at_ + 1;; ++i) {
      const auto end = text_.find(quote, i);
      if (end == text_.npos)
        return refuse(Layer::tokens, at_, "a quote is opened and never closed", "Close it; write a quote in it twice.");
      value += text_.substr(i, end - i);
      i = end + 1;
      if (i == text_.size() || text_[i] != quote) {
        if (kind == Token::Kind::quoted) value = folded(Dialect::sqlite, value);
        return add(kind, i - at_, std::move(value));
      }
      value += quote;
    }
  }

  // There is no way to write a closing bracket in one.
  bool bracketed() {
    const auto end = text_.find(']', at_);
    if (end == text_.npos) return refuse(Layer::tokens, at_, "a bracket is opened and never closed", "Close it.");
    auto name = folded(Dialect::sqlite, text_.substr(at_ + 1, end - at_ - 1));
    return add(Token::Kind::quoted, end + 1 - at_, std::move(name));
  }

  bool number() {
    std::size_t length = 0;
    if (text_[at_] == '0' && (peek(1) == 'x' || peek(1) == 'X') && is_hex(peek(2))) {
      length = run_of(2, is_hex);
    } else {
      length = run_of(0, is_digit);
      if (peek(length) == '.') length = run_of(length + 1, is_digit);
      const bool sign = peek(length + 1) == '+' || peek(length + 1) == '-';
      if ((peek(length) == 'e' || peek(length) == 'E') && is_digit(peek(length + (sign ? 2 : 1))))
        length = run_of(length + (sign ? 2 : 1), is_digit);
    }
    if (is_name_part(peek(length)))
      return refuse(Layer::tokens, at_, "a number is followed by a letter", "Put a blank between them.");
    return add(Token::Kind::number, length);
  }

  bool blob() {
    const auto digits = run_of(2, is_hex) - 2;
    if (peek(digits + 2) != '\'' || digits % 2 != 0)
      return refuse(Layer::tokens, at_, "a blob literal is not made of pairs of hexadecimal digits");
    return add(Token::Kind::number, digits + 3);  // unlike a string it is never a name
  }

  bool word() {
    const auto length = run_of(1, is_name_part);
    return add(Token::Kind::word, length, folded(Dialect::sqlite, text_.substr(at_, length)));
  }

  // ":name", "@name", "$ns::name(suffix)": a suffix swallows everything up to its bracket, quotes included.
  bool named_parameter() {
    std::size_t length = 1, letters = 0;
    for (;; ++length) {
      const char c = peek(length);
      if (is_name_part(c)) {
        ++letters;
      } else if (c == ':' && peek(length + 1) == ':') {
        ++length;
      } else if (c == '(' && letters > 0) {
        while (at_ + length < text_.size() && peek(length) != ')' && !is_blank(peek(length)) && peek(length) != '\v')
          ++length;
        if (peek(length) != ')') letters = 0;
        ++length;
        break;
      } else {
        break;
      }
    }
    if (letters == 0)
      return refuse(Layer::tokens, at_, fmt::format("'{}' begins no parameter here", text_[at_]),
                    "Parameters are ?, ?1, :name, @name or $name.");
    return add(Token::Kind::parameter, length);
  }

  char peek(std::size_t ahead) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  std::size_t run_of(std::size_t from, bool (*part)(char)) const {
    while (part(peek(from))) ++from;
    return from;
  }

  bool add(Token::Kind kind, std::size_t length, std::string name = {}) {
    tokens_.push_back({kind, text_.substr(at_, length), std::move(name), at_, blank_});
    at_ += length;
    blank_ = false;
    return true;
  }

  static std::string shown(char c) {
    return c > ' ' && c < '\x7f' ? fmt::format("'{}'", c) : std::string{"a control character"};
  }

  bool refuse(Layer layer, std::size_t at, std::string what, std::string hint = {}) {
    refusal_ = Refusal{layer, Code::write_operation_rejected, at, std::move(what), std::move(hint)};
    return false;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool blank_ = false;
  std::vector<Token> tokens_;
  std::optional<Refusal> refusal_;
};

}  // namespace

Lexed lex(std::string_view statement) { return Lexer{statement}.run(); }

}  // namespace vmc::sql::sqlite
