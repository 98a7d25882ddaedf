// Rules about the text of a statement that its parse tree does not show any more. They only ever refuse more.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "core/text.hpp"
#include "sql/guard/postgres/tree.hpp"

namespace vmc::sql::postgres {
namespace {

constexpr int kSignsMax = 16;  // in a row, as in - - - 1
// libpg_query recurses into the tree it has built; 40,000 levels fit into a stack of 8 MiB. A level takes a token: one of
// an expression, which ends at a comma, or a set operation, which goes on behind it.
// Where "/*" stands among operator characters, PostgreSQL's scanner looks at all of them again for each one.
constexpr std::string_view kOperatorCharacters = "~!@#^&|`?+-*/%<>=";
constexpr std::size_t kOperatorRunMax = 500;
constexpr std::size_t kChainMax = 20'000, kSetOperationsMax = 2'000;

// Words an expression may follow. After any other, libpg_query takes a parameter where the server has none: date $1.
constexpr std::array<std::string_view, 49> kBeforeExpressions{
    "all", "and", "any", "array", "as", "asymmetric", "between", "both", "by", "case", "content", "distinct",
    "document", "else", "escape", "exists", "filter", "first", "for", "from", "groups", "having", "ilike", "in",
    "leading", "like", "limit", "next", "not", "offset", "on", "or", "passing", "placing", "range", "rows", "select",
    "similar", "some", "symmetric", "then", "to", "trailing", "using", "values", "variadic", "when", "where", "zone"};

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }

template <class List>
bool has(const List& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// Walks over the tokens as PostgreSQL's scanner does; of a text that it does not accept, over some of them.
class Walk {
 public:
  explicit Walk(std::string_view text) : text_{text} {}

  std::optional<Refusal> run() {
    while (at_ < text_.size() && !refusal_) step();
    return std::move(refusal_);
  }

 private:
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  void skip_to(std::string_view end) {
    const auto found = text_.find(end, at_);
    at_ = found == std::string_view::npos ? text_.size() : found + end.size();
  }
  void refuse(std::string what, std::string hint) {
    refusal_ = Refusal{Layer::tokens, Code::write_operation_rejected, at_, std::move(what), std::move(hint)};
  }

  void step() {
    const char c = peek();
    if (runs_too_long()) return;
    if (chain_ > kChainMax || set_operations_ > kSetOperationsMax)
      return refuse("the statement has too long a chain of operators or set operations", "Split it.");
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v') return void(++at_);
    if (c == '-' && peek(1) == '-') return line_comment();
    if (c == '/' && peek(1) == '*') return block_comment();
    ++chain_;
    ++levels_.back();
    if (is_letter(c)) return word();
    const bool sign = c == '-' || c == '+';
    signs_ = sign ? signs_ + 1 : 0;
    if (signs_ > kSignsMax) return refuse("so many signs in a row are not understood", "One sign is enough.");
    if (c == '$' && is_digit(peek(1))) return parameter();
    word_ = {};
    if (is_digit(c)) return void(at_ = std::min(text_.find_first_not_of("0123456789.", at_), text_.size()));
    if (c == '\'') return quoted('\'', escapes_);
    if (c == '"') return quoted('"', false);
    if (c == '$') return dollar_quoted();
    if (c == '(' || c == '[') {
      levels_.push_back(0);
      if (levels_.size() > kNestingMax + 1) refuse("the statement is nested too deeply", "Split it with WITH.");
    } else if (c == ')' || c == ']' || c == ',') {
      chain_ -= levels_.back();
      levels_.back() = 0;
      if (c != ',' && levels_.size() > 1) levels_.pop_back();
    }
    escapes_ = false;
    ++at_;
  }

  bool runs_too_long() {
    if (at_ < run_end_ || kOperatorCharacters.find(peek()) == std::string_view::npos) return false;
    run_end_ = std::min(text_.find_first_not_of(kOperatorCharacters, at_), text_.size());
    if (run_end_ - at_ <= kOperatorRunMax) return false;
    refuse("so many operator characters in a row are not understood", "Put blanks between them.");
    return true;
  }

  void line_comment() { at_ = std::min(text_.find_first_of("\r\n", at_), text_.size()); }

  void block_comment() {
    int open = 0;
    do {
      if (runs_too_long()) return;
      if (peek() == '/' && peek(1) == '*') ++open, at_ += 2;
      else if (peek() == '*' && peek(1) == '/') --open, at_ += 2;
      else ++at_;
    } while (open > 0 && at_ < text_.size());
  }

  void word() {
    const auto start = at_;
    while (is_letter(peek()) || is_digit(peek()) || peek() == '$') ++at_;
    word_ = lowered(text_.substr(start, at_ - start));
    escapes_ = word_ == "e" && peek() == '\'';
    if (word_ == "union" || word_ == "intersect" || word_ == "except") ++set_operations_;
    signs_ = 0;
  }

  void parameter() {
    if (!word_.empty() && !has(kBeforeExpressions, word_))
      return refuse(fmt::format("a parameter cannot follow '{}'", word_), "Cast it: $1::date.");
    ++at_;
    while (is_digit(peek())) ++at_;
    word_ = {};
  }

  void quoted(char quote, bool escapes) {
    for (++at_; at_ < text_.size(); ++at_) {
      if (escapes && peek() == '\\') {
        ++at_;
      } else if (peek() == quote) {
        if (peek(1) != quote) break;
        ++at_;
      }
    }
    ++at_;
  }

  void dollar_quoted() {
    auto end = at_ + 1;
    while (end < text_.size() && (is_letter(text_[end]) || is_digit(text_[end]))) ++end;
    if (end >= text_.size() || text_[end] != '$') return void(++at_);
    const auto tag = text_.substr(at_, end + 1 - at_);
    at_ = end + 1;
    skip_to(tag);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int signs_ = 0;
  std::vector<std::size_t> levels_{0};  // tokens since the last comma, of each parenthesis that is open
  std::size_t run_end_ = 0;             // of operator characters
  std::size_t chain_ = 0, set_operations_ = 0;
  std::string word_;      // the token before, where it was a word
  bool escapes_ = false;  // it was the E of E'…'
  std::optional<Refusal> refusal_;
};

}  // namespace

std::optional<Refusal> check_tokens(std::string_view statement) { return Walk{statement}.run(); }

}  // namespace vmc::sql::postgres
