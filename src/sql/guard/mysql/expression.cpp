// Expressions, by MySQL's levels of precedence. What binds tighter than what matters only where it decides what is
// read as a keyword.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "sql/guard/mysql/names.hpp"
#include "sql/guard/mysql/parser.hpp"
#include "sql/guard/mysql/system.hpp"
#include "sql/guard/mysql/words.hpp"

namespace vmc::sql::mysql {
namespace {

// Functions that need no parentheses. CURRENT_ROLE is one to MariaDB.
constexpr auto kBareFunctions = std::to_array<std::string_view>({
    "current_date", "current_role", "current_time", "current_timestamp", "current_user", "localtime",
    "localtimestamp", "utc_date", "utc_time", "utc_timestamp",
});
static_assert(std::ranges::is_sorted(kBareFunctions));

bool is_comparison(const Token& token) {
  static constexpr auto kComparisons = std::to_array<std::string_view>({"=", "<=>", "<>", "!=", "<", "<=", ">", ">="});
  return token.kind == Token::Kind::symbol && std::ranges::find(kComparisons, token.text) != kComparisons.end();
}

bool is_bit_operator(const Token& token) {
  static constexpr auto kOperators =
      std::to_array<std::string_view>({"+", "-", "*", "/", "%", "|", "&", "^", "<<", ">>"});
  if (token.is_word("div") || token.is_word("mod")) return true;
  return token.kind == Token::Kind::symbol && std::ranges::find(kOperators, token.text) != kOperators.end();
}

// Strings that may stand behind another one and continue it: not N'x'.
bool is_plain_string(const Token& token) {
  return token.kind == Token::Kind::string && (token.text.starts_with('\'') || token.text.starts_with('"'));
}

}  // namespace

// OR, ||, XOR.
void Parser::expression(bool begun) {
  conjunction(begun);
  while (accept_any({"or", "xor"}) || accept("||")) conjunction(false);
}

void Parser::conjunction(bool begun) {
  negation(begun);
  while (accept_word("and") || accept("&&")) negation(false);
}

void Parser::negation(bool begun) {
  int chain = 0;
  while (!begun && accept_word("not")) check_chain(++chain);
  comparison(begun);
}

// predicate {= predicate | = ANY (query) | IS [NOT] NULL}
void Parser::comparison(bool begun) {
  predicate(begun);
  for (;;) {
    if (accept_word("is")) {
      accept_word("not");
      expect_any({"null", "true", "false", "unknown"});
    } else if (is_comparison(peek())) {
      take();
      if (is_any({"all", "any", "some"}) && peek(1).is("(")) {
        take();
        subquery();
      } else {
        predicate(false);
      }
    } else {
      return;
    }
  }
}

void Parser::predicate(bool begun) {
  bits(begun);
  for (;;) {
    if (accept_word("not")) {
      if (!negatable_predicate()) return not_understood();
    } else if (accept_words("sounds", "like")) {
      bits();
    } else if (is_word("member") && (is_word("of", 1) || peek(1).is("("))) {
      take();
      accept_word("of");
      value_in_parentheses();
    } else if (!negatable_predicate()) {
      return;
    }
  }
}

bool Parser::negatable_predicate() {
  if (accept_word("in")) {
    value_in_parentheses();
  } else if (accept_word("between")) {
    bits();
    expect_word("and");
    bits();
  } else if (accept_word("like")) {
    bits();
    if (accept_word("escape")) operand();
  } else if (accept_any({"regexp", "rlike"})) {
    bits();
  } else {
    return false;
  }
  return true;
}

// Arithmetic: what stands between the words of BETWEEN, LIKE and AGAINST.
void Parser::bits(bool begun) {
  if (begun)
    postfix();
  else
    operand();
  while (is_bit_operator(peek())) {
    take();
    operand();
  }
}

void Parser::operand() {
  int chain = 0;
  while (accept("-") || accept("+") || accept("~") || accept("!") || accept_word("binary")) check_chain(++chain);
  primary();
  postfix();
}

// Here a chain of prefixes is a loop; to the servers it is a recursion.
void Parser::check_chain(int length) {
  if (length > kNestingMax) too_deep();
}

void Parser::postfix() {
  while (accept_word("collate"))
    if (peek().kind == Token::Kind::string || is_word("binary"))
      take();
    else
      name();
}

void Parser::primary() {
  using Kind = Token::Kind;
  const auto& token = peek();
  switch (token.kind) {
    case Kind::number:
    case Kind::parameter:
      take();
      return;
    case Kind::string:
      return strings();
    case Kind::variable:
      return system_variable();
    case Kind::quoted:
      return name_expression();
    case Kind::word:
      return word_expression();
    case Kind::symbol:
      if (token.is("(")) return value_in_parentheses();
      if (token.is("{")) return odbc_escape();
      if (accept("\\N")) return;
      break;
    case Kind::end:
      break;
  }
  not_understood();
}

// 'a' 'b' is one string.
void Parser::strings() {
  take();
  while (is_plain_string(peek())) take();
}

void Parser::word_expression() {
  const auto& word = peek().name;
  if (word == "case") return case_expression();
  if (word == "interval") return interval();
  if (word == "match") return match();
  if (word == "exists") {
    take();
    return subquery();
  }
  const bool parenthesis = peek(1).is("(");
  if (word == "row" && parenthesis) {
    take();
    return value_in_parentheses();
  }
  // The value an INSERT would give the column; NULL here.
  if (word == "values" && parenthesis) {
    take();
    take();
    column_name();
    return expect(")");
  }
  if (is_any({"next", "previous"}) && is_word("value", 1) && is_word("for", 2))
    return refuse(peek(), {Layer::functions, Code::write_operation_rejected, 0,
                           "NEXT VALUE FOR and PREVIOUS VALUE FOR use sequences", "Read the numbers that rows have."});
  if (!parenthesis && literal_word()) return;
  name_expression();
}

// NULL, CURRENT_DATE, DATE '2024-01-31', _utf8mb4'x'.
bool Parser::literal_word() {
  const bool string = peek(1).kind == Token::Kind::string;
  const bool literal = string || peek(1).kind == Token::Kind::number;
  if (is_any({"date", "time", "timestamp"}) && string) {
    take();
    take();
    return true;
  }
  if (is_introducer(peek().name) && literal) {
    take();
    strings();
    return true;
  }
  if (!is_any({"null", "true", "false"}) && !std::ranges::binary_search(kBareFunctions, peek().name)) return false;
  take();
  return true;
}

void Parser::expressions() {
  do expression();
  while (accept(","));
}

// (query), (expression), (expression, …)
Parser::Group Parser::parentheses() {
  const Nested nested{*this};
  Group group;
  group.at = peek().at;
  expect("(");
  if (at_query()) {
    group.query = query();
  } else if (peek().is("(")) {
    auto inner = parentheses();
    if (inner.query && at_rest_of_query()) {
      group.query = rest_of_query(std::move(*inner.query), inner.at);
    } else if (inner.query && peek().is(")")) {
      group.query = std::move(inner.query);
    } else {
      use_group(std::move(inner));
      expression(true);
    }
  } else {
    expression();
  }
  for (; !group.query && accept(","); ++group.values) expression();
  expect(")");
  return group;
}

void Parser::use_group(Group group) {
  if (!group.query) return;
  Use use;
  use.kind = Use::Kind::query;
  use.at = group.at;
  use.query = std::make_shared<const Query>(std::move(*group.query));
  names_.uses->push_back(std::move(use));
}

void Parser::value_in_parentheses() { use_group(parentheses()); }

void Parser::subquery() {
  auto group = parentheses();
  if (!group.query) return not_understood();
  use_group(std::move(group));
}

void Parser::case_expression() {
  const Nested nested{*this};
  take();
  if (!is_word("when")) expression();
  expect_word("when");
  do {
    expression();
    expect_word("then");
    expression();
  } while (accept_word("when"));
  if (accept_word("else")) expression();
  expect_word("end");
}

// INTERVAL 1 DAY, or the function INTERVAL(n, n1, …).
void Parser::interval() {
  const Nested nested{*this};
  take();
  if (peek().is("(")) {
    auto group = parentheses();
    const bool is_function = group.values > 1;
    use_group(std::move(group));
    if (is_function) return;
    expression(true);
  } else {
    expression();
  }
  unit();
}

// MATCH (a, b) AGAINST ('x' IN BOOLEAN MODE); the parentheses around the columns may be missing.
void Parser::match() {
  const Nested nested{*this};
  take();
  const bool parenthesis = accept("(");
  do column_name();
  while (accept(","));
  if (parenthesis) expect(")");
  expect_word("against");
  expect("(");
  bits();
  if (accept_words("in", "boolean")) {
    expect_word("mode");
  } else {
    if (accept_words("in", "natural")) {
      expect_word("language");
      expect_word("mode");
    }
    if (accept_words("with", "query")) expect_word("expansion");
  }
  expect(")");
}

// {d '2024-01-31'}, {t '…'}, {ts '…'}, {fn NOW()}. The servers take any word, and any expression behind it.
void Parser::odbc_escape() {
  const Nested nested{*this};
  take();
  const auto& word = peek();
  if (accept_word("fn"))
    expression();
  else if (accept_any({"d", "t", "ts"}))
    expect_string();
  else
    return refuse(word, fmt::format("'{{{} …}}' is no escape that is known here", shortened(word.text)),
                  "Known are {d '…'}, {t '…'}, {ts '…'}, {fn …} and {oj …}.");
  expect("}");
}

// @@version, @@session.time_zone.
void Parser::system_variable() {
  const auto& token = peek();
  if (!token.text.starts_with("@@")) return not_understood();
  take();
  auto setting = token.name;
  if ((setting == "global" || setting == "session" || setting == "local") && accept(".")) setting = name();
  if (refused() || is_open_variable(setting)) return;
  refuse(token, fmt::format("the setting '{}' is not shown", shortened(setting)),
         "Settings that tell how values are read, and the version, may be shown.");
}

void Parser::name_expression() {
  const auto& token = peek();
  if (token.is_name() && peek(1).is("(")) {
    take();
    return call(token);
  }
  column_name();
  if (accept("->") || accept("->>")) expect_string();
}

// x, t.x, shop.t.x; also shop.f(…), a function of the user's own.
void Parser::column_name() {
  const auto& token = peek();
  Path path{name()};
  while (path.size() < 3 && accept(".")) path.push_back(name());
  if (refused()) return;
  if (peek().is("(") && path.size() == 2) return stored_function(path, token);
  column(std::move(path), token);
}

void Parser::column(Path path, const Token& token) {
  if (path.size() > 1) use_qualifier({path.begin(), path.end() - 1}, token);
  Use use;
  use.at = token.at;
  use.alias = names_.alias;
  const bool in_having = use.alias == Alias::first;
  const bool is_output = path.size() == 1 && aliases_.contains(path.back());
  if (in_having && !is_output) use.alias = Alias::second;
  const bool around = in_having && queries_ > 1 && !is_output && !selects_all_ && !columns_.contains(path);
  if (path.back() == "_rowid") {
    // The key of its table, whichever column that is; without a table of its own it is that of a query around.
    if (queries_ > 1) return refuse(token, "_rowid is not understood in a subquery", "Name the column of the key.");
    use.kind = Use::Kind::star;
    path.pop_back();
  }
  use.path = std::move(path);
  names_.uses->push_back(use);
  if (around) use_around(std::move(use));
}

// What HAVING names that is neither selected nor grouped is of no table of its own block: it is looked for in the
// queries around.
void Parser::use_around(Use use) {
  use.perhaps = true;
  names_.uses->push_back(std::move(use));
}

}  // namespace vmc::sql::mysql
