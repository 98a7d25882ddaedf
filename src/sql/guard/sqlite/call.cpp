#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "sql/guard/sqlite/parser.hpp"

namespace vmc::sql::sqlite {
namespace {

// One call makes no more than this out of nothing; no interrupt reaches a running function.
constexpr std::int64_t kMadeBytesMax = 64 * 1024;
// The work of compiling windows grows with the square of their number.
constexpr int kWindowsMax = 128;

// Of a whole number literal.
std::optional<std::int64_t> number_in(const Token& token) {
  if (token.kind != Token::Kind::number) return std::nullopt;
  const bool hex = token.text.starts_with("0x") || token.text.starts_with("0X");
  const auto digits = token.text.substr(hex ? 2 : 0);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number, hex ? 16 : 10);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

// Walks the conversions of a printf format: %[flags][width][.precision][l]type.
class Format {
 public:
  explicit Format(std::string_view text) : text_{text} {}

  // `star(i)`: argument i is a width or a precision. False: one that is written out is too large.
  template <class Star>
  bool each_size(Star star) {
    std::size_t argument = 1;
    while (find_percent()) {
      text_.remove_prefix(std::min(text_.size(), text_.find_first_not_of("-+ #!0,")));
      if (!size(argument, star)) return false;
      if (text_.starts_with('.')) {
        text_.remove_prefix(1);
        if (!size(argument, star)) return false;
      }
      while (text_.starts_with('l')) text_.remove_prefix(1);
      if (text_.starts_with('%')) --argument;
      if (!text_.empty()) text_.remove_prefix(1);
      ++argument;
    }
    return true;
  }

 private:
  bool find_percent() {
    const auto percent = text_.find('%');
    text_.remove_prefix(std::min(text_.size(), percent == text_.npos ? text_.size() : percent + 1));
    return percent != std::string_view::npos;
  }

  template <class Star>
  bool size(std::size_t& argument, Star star) {
    if (text_.starts_with('*')) {
      text_.remove_prefix(1);
      return star(argument++);
    }
    std::int64_t written = 0;
    for (; !text_.empty() && text_[0] >= '0' && text_[0] <= '9'; text_.remove_prefix(1)) {
      written = written * 10 + (text_[0] - '0');
      if (written > kMadeBytesMax) return false;
    }
    return true;
  }

  std::string_view text_;
};

}  // namespace

// name ([DISTINCT] arguments [ORDER BY …]) [FILTER (WHERE …)] [OVER …]; a name in quotes is a function's too.
bool Parser::call(Uses& uses, Alias alias) {
  const auto& name = cursor_.take();
  if (!check_function(name)) return false;
  cursor_.take();
  if (!cursor_.accept_word("distinct")) cursor_.accept_word("all");
  std::vector<Shape> arguments;
  if (!cursor_.accept("*") && !peek().is(")") && !expressions(uses, alias, &arguments)) return false;
  if (cursor_.accept_word("order") && !(expect_word("by") && sort_terms(uses, alias, false))) return false;
  if (!expect(")") || !check_arguments(name, arguments)) return false;
  const std::size_t searched = name.name == "match" ? 1 : 0;
  if (is_full_text_function(name.name))
    full_text(uses, searched < arguments.size() ? arguments[searched] : Shape{}, name.at);
  // FILTER and OVER are keywords only behind a call, and only before these.
  if (peek().is_word("filter") && peek(1).is("(")) {
    cursor_.take();
    cursor_.take();
    if (!expect_word("where") || !expression(uses, alias) || !expect(")")) return false;
  }
  return !(peek().is_word("over") && (peek(1).is("(") || is_name(peek(1)))) || over(uses, alias);
}

bool Parser::check_function(const Token& name) {
  if (settings_.functions.contains(name.name)) return true;
  if (!is_harmless_function(name.name))
    return refuse(Layer::functions, name, fmt::format("function '{}' is not known to be harmless", name.text),
                  "Use functions of SQLite that only compute.");
  if (!library_.functions.empty() && !library_.functions.contains(name.name))
    return refuse(Layer::functions, name, fmt::format("SQLite {} has no function '{}'", library_.version, name.text));
  return true;
}

bool Parser::check_arguments(const Token& name, const std::vector<Shape>& arguments) {
  if (name.name == "printf" || name.name == "format") return check_format(name, arguments);
  if (name.name != "zeroblob") return true;
  const auto size = arguments.empty() ? std::nullopt : number_in(arguments.front().literal);
  if (size && *size <= kMadeBytesMax) return true;
  return refuse(Layer::functions, name, "zeroblob makes as many bytes as it is told",
                fmt::format("Write a number up to {}.", kMadeBytesMax));
}

bool Parser::check_format(const Token& name, const std::vector<Shape>& arguments) {
  if (arguments.empty()) return true;
  const auto& format = arguments.front().literal;
  if (format.kind != Token::Kind::string)
    return refuse(Layer::functions, name, fmt::format("the format of {} is not a text in quotes", name.name),
                  "Write the format as a text; pass what varies as arguments.");
  const auto small = [&](std::size_t index) {
    if (index >= arguments.size() || !arguments[index].constant) return true;
    const auto number = number_in(arguments[index].literal);
    return number && *number <= kMadeBytesMax;
  };
  if (Format{format.name}.each_size(small)) return true;
  return refuse(Layer::functions, name, fmt::format("a width or precision of {} is too large", name.name),
                fmt::format("Write one up to {}.", kMadeBytesMax));
}

bool Parser::over(Uses& uses, Alias alias) {
  const auto& begin = cursor_.take();
  if (peek().is("(")) {
    if (++windows_ > kWindowsMax)
      return refuse(Layer::syntax, begin, fmt::format("there are more than {} windows", kWindowsMax),
                    "Name windows that are alike with WINDOW.");
    return window(uses, alias);
  }
  std::string ignored;
  return take_name(ignored);
}

// ([name] [PARTITION BY …] [ORDER BY …] [frame])
bool Parser::window(Uses& uses, Alias alias) {
  if (!expect("(")) return false;
  const bool partition = peek().is_word("partition") && peek(1).is_word("by");
  const bool at_frame = peek().is_word("range") || peek().is_word("rows") || peek().is_word("groups");
  std::string ignored;
  if (!partition && !at_frame && !peek().is_word("order") && !peek().is(")") && !take_name(ignored)) return false;
  if (cursor_.accept_word("partition") && !(expect_word("by") && expressions(uses, alias))) return false;
  if (cursor_.accept_word("order") && !(expect_word("by") && sort_terms(uses, alias, false))) return false;
  return frame(uses, alias) && expect(")");
}

bool Parser::frame(Uses& uses, Alias alias) {
  if (!cursor_.accept_word("range") && !cursor_.accept_word("rows") && !cursor_.accept_word("groups")) return true;
  if (cursor_.accept_word("between")) {
    if (!frame_bound(uses, alias) || !expect_word("and") || !frame_bound(uses, alias)) return false;
  } else if (!frame_bound(uses, alias)) {
    return false;
  }
  if (!cursor_.accept_word("exclude")) return true;
  if (cursor_.accept_word("no")) return expect_word("others");
  if (cursor_.accept_word("current")) return expect_word("row");
  return cursor_.accept_word("ties") || expect_word("group");
}

// UNBOUNDED PRECEDING, CURRENT ROW, a value that is a PRECEDING or FOLLOWING
bool Parser::frame_bound(Uses& uses, Alias alias) {
  if (peek().is_word("current") && peek(1).is_word("row")) {
    cursor_.take();
    cursor_.take();
    return true;
  }
  if (!cursor_.accept_word("unbounded") && !expression(uses, alias)) return false;
  return cursor_.accept_word("preceding") || expect_word("following");
}

}  // namespace vmc::sql::sqlite
