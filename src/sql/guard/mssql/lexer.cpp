#include "sql/guard/mssql/lexer.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "core/text.hpp"
#include "sql/guard/catalogue.hpp"
#include "sql/guard/mssql/names.hpp"

namespace vmc::sql::mssql {
namespace {

constexpr std::array<std::string_view, 18> kDoubleSymbols{
    "!<", "!=", "!>", "%=", "&=", "*=", "+=", "-=", "/=", "::", "<<", "<=", "<>", ">=", ">>", "^=", "|=", "||"};
constexpr std::string_view kSymbols = "%&()*+,-./:;<=>^{|}~";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// "@p1": what the agent binds. Any other variable would have to be declared.
bool is_parameter(std::string_view name) {
  return name.size() > 2 && (name[1] == 'p' || name[1] == 'P') && name[2] >= '1' && name[2] <= '9' &&
         std::all_of(name.begin() + 2, name.end(), is_digit);
}

// "a]]b" -> "a]b"
std::string undoubled(std::string_view text, char quote) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    if (text[i] == quote) ++i;
  }
  return out;
}

class Lexer {
 public:
  Lexer(std::string_view text, bool quoted_identifier) : text_{text}, quoted_identifier_{quoted_identifier} {}

  Tokens run() {
    check_text();
    made_.list.reserve(text_.size() / 4 + 2);
    while (!made_.refusal) {
      const auto start = next_;
      skip_blanks();
      blank_before_ = next_ != start;
      if (made_.refusal || next_ >= text_.size()) break;
      token();
    }
    add(Token::Kind::end, text_.size());
    return std::move(made_);
  }

 private:
  char at(std::size_t i) const { return i < text_.size() ? text_[i] : '\0'; }  // no text holds a NUL
  char32_t character(std::size_t i) const { return i < text_.size() ? decode(text_, i) : 0; }

  void check_text();
  void skip_blanks();
  void line_comment();
  void block_comment();
  void check_comment(std::size_t from);
  void token();
  void string(std::size_t quote);
  void quoted(char quote);
  void number();
  void money();
  void variable();
  void word();
  void symbol();
  std::size_t name_end(std::size_t from) const;
  std::size_t quote_end(std::size_t from, char quote) const;

  void add(Token::Kind kind, std::size_t end, std::string name = {}) {
    made_.list.push_back({kind, text_.substr(next_, end - next_), std::move(name), next_, blank_before_});
    next_ = end;
  }
  void refuse(std::size_t place, std::string what, std::string hint = {}, Layer layer = Layer::tokens) {
    if (!made_.refusal)
      made_.refusal = Refusal{layer, Code::write_operation_rejected, place, std::move(what), std::move(hint)};
    next_ = text_.size();
  }

  std::string_view text_;
  bool quoted_identifier_;
  std::size_t next_ = 0;
  bool blank_before_ = false;
  Tokens made_;
};

void Lexer::check_text() {
  const auto refuse_text = [this](std::size_t place, std::string what, std::string hint) {
    refuse(place, std::move(what), std::move(hint), Layer::text);
  };
  if (text_.size() > kStatementBytesMax)
    return refuse_text(0, fmt::format("the statement is longer than {} KiB", kStatementBytesMax / 1024),
                       "Ask for less at a time, or bind long lists as one parameter with OPENJSON.");
  if (const auto nul = text_.find('\0'); nul != text_.npos)
    return refuse_text(nul, "the text holds a NUL", "Leave it out.");
  if (!is_utf8(text_)) return refuse_text(0, "the text is not UTF-8", "Send it as UTF-8.");
}

void Lexer::skip_blanks() {
  while (true) {
    const char c = at(next_);
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') ++next_;
    else if (c == '-' && at(next_ + 1) == '-') line_comment();
    else if (c == '/' && at(next_ + 1) == '*') block_comment();
    else return;
  }
}

// Needs no blank behind its dashes: "5--3" is 5.
void Lexer::line_comment() {
  const auto start = next_;
  if (text_.substr(start, 4) == "--(*")
    return refuse(start, "'--(*' starts an ODBC escape for some readers and a comment for others",
                  "Put a blank behind '--'.");
  auto end = std::min(text_.find('\n', start), text_.size());
  const auto comment = text_.substr(start, end - start);
  // Whether a bare CR ends the comment is not the same everywhere.
  const auto cr = comment.find('\r');
  if (cr != comment.npos && cr + 1 != comment.size())
    return refuse(start + cr, "a comment holds a carriage return without a line feed", "End lines with LF or CR LF.");
  next_ = end;
  check_comment(start);
}

// Comments nest.
void Lexer::block_comment() {
  const auto start = next_;
  int depth = 0;
  do {
    next_ = text_.find_first_of("*/", next_);
    if (next_ >= text_.size())
      return refuse(start, "a comment is not closed", "Comments nest: each /* needs its own */.");
    if (text_[next_] == '/' && at(next_ + 1) == '*') {
      if (++depth > kNestingMax) return refuse(next_, "comments are nested too deep", "Leave the inner ones out.");
      next_ += 2;
    } else if (text_[next_] == '*' && at(next_ + 1) == '/') {
      --depth;
      next_ += 2;
    } else {
      ++next_;
    }
  } while (depth > 0);
  check_comment(start);
}

void Lexer::check_comment(std::size_t from) {
  const bool block = text_[from] == '/';
  for (auto i = from; i < next_;) {
    const auto place = i;
    const auto c = decode(text_, i);
    if (!block && is_line_break(c))
      return refuse(place, "a comment holds a line break that not everybody takes for one",
                    "End lines with LF or CR LF.");
    if (is_direction(c))
      return refuse(place, "a comment turns the direction of the text, so that it does not run as it looks",
                    "Leave the mark out.");
  }
}

void Lexer::token() {
  const char c = at(next_);
  if (c == '\'') return string(next_);
  if ((c == 'n' || c == 'N') && at(next_ + 1) == '\'') return string(next_ + 1);
  if (c == '[') return quoted(']');
  if (c == '"') return quoted_identifier_ ? quoted('"') : string(next_);
  if (is_digit(c) || (c == '.' && is_digit(at(next_ + 1)))) return number();
  if (c == '$') return money();
  if (c == '@') return variable();
  if (is_name_start(character(next_))) return word();
  symbol();
}

// Behind the closing quote, a doubled one is part of the text; npos when there is none.
std::size_t Lexer::quote_end(std::size_t from, char quote) const {
  for (auto end = text_.find(quote, from); end != text_.npos; end = text_.find(quote, end + 2))
    if (at(end + 1) != quote) return end + 1;
  return text_.npos;
}

void Lexer::string(std::size_t quote) {
  const auto end = quote_end(quote + 1, text_[quote]);
  if (end == text_.npos) return refuse(next_, "a string is not closed", "A quote inside a string is doubled.");
  for (auto slash = text_.find('\\', quote); slash < end; slash = text_.find('\\', slash + 1))
    if (at(slash + 1) == '\n' || at(slash + 1) == '\r')
      return refuse(slash, "a backslash at the end of a line joins it with the next one",
                    "Write the string in one line.");
  add(Token::Kind::string, end);
}

void Lexer::quoted(char quote) {
  const auto end = quote_end(next_ + 1, quote);
  if (end == text_.npos)
    return refuse(next_, "a quoted name is not closed", "The closing quote inside a name is doubled.");
  const auto name = undoubled(text_.substr(next_ + 1, end - next_ - 2), quote);
  if (name.empty()) return refuse(next_, "a quoted name is empty", "Strings take single quotes.");
  if (utf16_length(name) > kNameMax) return refuse(next_, fmt::format("a name is longer than {} characters", kNameMax));
  for (std::size_t i = 0; i < name.size();)
    if (is_direction(decode(name, i)))
      return refuse(next_, "a name turns the direction of the text", "Leave the mark out.");
  add(Token::Kind::quoted, end, folded(Dialect::mssql, name));
}

// The server reads "1eTRUNCATE" and "0xDROP" as a number and a verb: a number ends before a blank or a symbol.
void Lexer::number() {
  auto end = next_;
  if (at(end) == '0' && (at(end + 1) == 'x' || at(end + 1) == 'X')) {
    for (end += 2; is_hex(at(end));) ++end;
  } else {
    while (is_digit(at(end))) ++end;
    if (at(end) == '.')
      for (++end; is_digit(at(end));) ++end;
    const auto sign = at(end + 1) == '+' || at(end + 1) == '-' ? 1U : 0U;
    if ((at(end) == 'e' || at(end) == 'E') && is_digit(at(end + 1 + sign)))
      for (end += 2 + sign; is_digit(at(end));) ++end;
  }
  if (is_name_part(character(end))) return refuse(end, "a number runs into a word", "Put a blank between them.");
  add(Token::Kind::number, end);
}

void Lexer::money() {
  auto end = next_ + 1;
  if (at(end) == '-' || at(end) == '+') ++end;
  const auto digits = end;
  while (is_digit(at(end)) || at(end) == '.') ++end;
  if (end == digits)
    return refuse(next_, "'$' stands before something other than an amount",
                  "Pseudo columns like $identity are not read: name the column.");
  if (is_name_part(character(end))) return refuse(end, "a number runs into a word", "Put a blank between them.");
  if (at(end) == ',' && is_digit(at(end + 1)))
    return refuse(end, "a comma behind an amount of money may be part of it", "Put a blank behind the comma.");
  add(Token::Kind::number, end);
}

void Lexer::variable() {
  const auto end = name_end(next_ + 1);
  const auto name = text_.substr(next_, end - next_);
  if (name.size() == 1) return refuse(next_, "'@' names no parameter", "Parameters are @p1, @p2 ...");
  add(is_parameter(name) ? Token::Kind::parameter : Token::Kind::variable, end, folded(Dialect::mssql, name));
}

void Lexer::word() {
  const auto end = name_end(next_);
  const auto name = text_.substr(next_, end - next_);
  if (utf16_length(name) > kNameMax) return refuse(next_, fmt::format("a name is longer than {} characters", kNameMax));
  add(Token::Kind::word, end, folded(Dialect::mssql, name));
}

std::size_t Lexer::name_end(std::size_t from) const {
  while (from < text_.size()) {
    auto behind = from;
    if (!is_name_part(decode(text_, behind))) break;
    from = behind;
  }
  return from;
}

void Lexer::symbol() {
  const auto two = text_.substr(next_, 2);
  if (std::binary_search(kDoubleSymbols.begin(), kDoubleSymbols.end(), two)) return add(Token::Kind::symbol, next_ + 2);
  if (kSymbols.find(at(next_)) != kSymbols.npos) return add(Token::Kind::symbol, next_ + 1);
  const auto c = character(next_);
  if (is_odd_blank(c))
    return refuse(next_, fmt::format("U+{:04X} is white space to some readers only", static_cast<unsigned>(c)),
                  "Use blanks, tabs and line ends.");
  refuse(next_, fmt::format("the character U+{:04X} is not understood here", static_cast<unsigned>(c)),
         "Names with other characters than letters, digits and _ need brackets: [m²].");
}

}  // namespace

Tokens lex(std::string_view statement, bool quoted_identifier) { return Lexer{statement, quoted_identifier}.run(); }

std::string value_of(const Token& string) {
  const auto open = string.text.find('\'') + 1;
  return undoubled(string.text.substr(open, string.text.size() - open - 1), '\'');
}

}  // namespace vmc::sql::mssql
