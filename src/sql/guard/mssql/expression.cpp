// Values and conditions. Which operator binds tighter does not matter to what is reached; chains are loops, so that
// only parentheses and what is like them nests.
#include <fmt/format.h>

#include "sql/guard/mssql/parser.hpp"
#include "sql/guard/mssql/words.hpp"

namespace vmc::sql::mssql {

void Parser::require(Kind kind, Kind wanted, const Token& token) {
  if (kind == wanted || refused()) return;
  if (wanted == Kind::condition) refuse(token, "a condition is missing here", "Compare the value with another one.");
  else refuse(token, "a condition stands where a value belongs", "Use CASE WHEN ... THEN ... END.");
}

void Parser::value() {
  const auto& token = peek();
  require(sum(), Kind::value, token);
}

void Parser::values() {
  do value();
  while (accept(","));
}

void Parser::condition() {
  const auto& token = peek();
  require(disjunction(), Kind::condition, token);
}

// `first`: the kind of a first operand that was read already, in parentheses.
Parser::Kind Parser::disjunction(std::optional<Kind> first) {
  const auto& token = peek();
  auto kind = conjunction(first);
  while (accept_word("or")) {
    require(kind, Kind::condition, token);
    const auto& next = peek();
    require(conjunction(), Kind::condition, next);
  }
  return kind;
}

Parser::Kind Parser::conjunction(std::optional<Kind> first) {
  const auto& token = peek();
  auto kind = negation(first);
  while (accept_word("and")) {
    require(kind, Kind::condition, token);
    const auto& next = peek();
    require(negation(), Kind::condition, next);
  }
  return kind;
}

Parser::Kind Parser::negation(std::optional<Kind> first) {
  const auto& token = peek();
  if (first || !is_word("not")) return predicate(first);
  const auto start = cursor_.position();
  while (accept_word("not")) {
  }
  check_chain(start);
  require(predicate(), Kind::condition, token);
  return Kind::condition;
}

// Signs before one operand nest for the server.
void Parser::check_chain(std::size_t start) {
  if (cursor_.position() - start > static_cast<std::size_t>(kNestingMax))
    refuse(tokens_[start], "this is nested too deep", "Two signs of a kind undo each other.");
}

Parser::Kind Parser::predicate(std::optional<Kind> first) {
  if (!first && exists_or_full_text()) return Kind::condition;
  if (sum(first) == Kind::condition) return Kind::condition;
  if (is_word("is")) return is_test(), Kind::condition;
  return range_test() || comparison() ? Kind::condition : Kind::value;
}

bool Parser::exists_or_full_text() {
  if (is_any({"contains", "freetext"}) && peek(1).is("(")) return full_text_predicate(), true;
  if (!accept_word("exists")) return false;
  subquery();
  return true;
}

// IS [NOT] NULL, IS [NOT] DISTINCT FROM x
void Parser::is_test() {
  take();
  accept_word("not");
  if (accept_word("null")) return;
  expect_word("distinct");
  expect_word("from");
  value();
}

// [NOT] LIKE, BETWEEN, IN
bool Parser::range_test() {
  const bool negated = accept_word("not");
  if (accept_word("like")) return like(), true;
  if (accept_word("in")) return in_list(), true;
  if (accept_word("between")) {
    value();
    expect_word("and");
    value();
    return true;
  }
  if (negated) not_understood();
  return false;
}

void Parser::like() {
  value();
  if (accept_word("escape")) return value();
  if (!peek().is("{") || !is_word("escape", 1)) return;
  take();
  take();
  expect_constant();
  expect("}");
}

void Parser::in_list() {
  const Nested nested{*this};
  if (is_word("select", 1) || at_set_operation()) return subquery();
  expect("(");
  values();
  expect(")");
}

// ((SELECT …) UNION …)
bool Parser::at_set_operation() const {
  if (!peek(1).is("(")) return false;
  std::size_t at = 1;
  for (int depth = 0; peek(at).kind != Token::Kind::end; ++at) {
    depth += peek(at).is("(") ? 1 : peek(at).is(")") ? -1 : 0;
    if (depth == 0) break;
  }
  return is_any({"union", "except", "intersect"}, at + 1);
}

// Its signs may stand apart: "a > = b".
bool Parser::comparison() {
  if (accept("<")) {
    if (!accept(">")) accept("=");
  } else if (accept(">")) {
    accept("=");
  } else if (!accept("=") && !accept("<>") && !accept("!=") && !accept("<=") && !accept(">=") && !accept("!<") &&
             !accept("!>")) {
    return false;
  }
  if (accept_any({"all", "any", "some"})) subquery();
  else value();
  return true;
}

Parser::Kind Parser::sum(std::optional<Kind> first) {
  const auto& token = peek();
  auto kind = first ? *first : operand();
  if (first == Kind::value) postfix();
  while (arithmetic_operator()) {
    require(kind, Kind::value, token);
    const auto& next = peek();
    require(operand(), Kind::value, next);
  }
  return kind;
}

bool Parser::arithmetic_operator() {
  if (peek().kind != Token::Kind::symbol) return false;
  for (const auto sign : {"+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>"})
    if (accept(sign)) return true;
  return false;
}

Parser::Kind Parser::operand() {
  const auto& token = peek();
  const auto start = cursor_.position();
  while (accept("+") || accept("-") || accept("~")) {
  }
  check_chain(start);
  const bool is_signed = cursor_.position() != start;
  const auto kind = primary();
  if (is_signed) require(kind, Kind::value, token);
  if (kind == Kind::value) postfix();
  return kind;
}

Parser::Kind Parser::primary() {
  const auto& token = peek();
  switch (token.kind) {
    case Token::Kind::number:
    case Token::Kind::string:
    case Token::Kind::parameter:
      take();
      break;
    case Token::Kind::variable:
      global_variable();
      break;
    case Token::Kind::word:
    case Token::Kind::quoted:
      if (accept_word("null")) break;
      if (token.is_word("case")) case_expression();
      else name_expression();
      break;
    case Token::Kind::symbol:
      if (token.is("(")) return as_operand(parentheses());
      if (token.is("{")) odbc_escape();
      else not_understood();
      break;
    case Token::Kind::end:
      not_understood();
  }
  return Kind::value;
}

// COLLATE, AT TIME ZONE, methods.
void Parser::postfix() {
  while (!refused()) {
    if (accept_word("collate")) {
      name();
    } else if (accept_words({"at", "time", "zone"})) {
      operand_of_time_zone();
    } else if (peek().is(".") && peek(1).is_name()) {
      take();
      const auto& method = take();
      if (peek().is("(")) method_call(method);
      else if (!is_value_property(method.name)) return not_understood(method);
    } else {
      return;
    }
  }
}

// Not a whole operand: its own postfix belongs to what stands before it.
void Parser::operand_of_time_zone() {
  const auto& token = peek();
  require(primary(), Kind::value, token);
}

// "(" value ")", "(" condition ")" or "(" query ")": which of them is known only behind the inner parentheses.
Parser::Group Parser::parentheses() {
  const Nested nested{*this};
  Group group;
  expect("(");
  group.at = peek().at;
  if (is_word("select")) {
    group.query = nested_query();
  } else if (peek().is("(")) {
    group = parentheses();
    if (group.query && (is_set_operator() || is_any({"order", "for"}))) {
      group.query = nested_query(std::move(group.query));
    } else if (!peek().is(")")) {
      group.kind = disjunction(as_operand(group));
      group.query.reset();
    }
  } else {
    group.kind = disjunction();
  }
  expect(")");
  return group;
}

Parser::Kind Parser::as_operand(const Group& group) {
  if (group.query) use_query(group.query, group.at);
  return group.kind;
}

void Parser::subquery() {
  const auto& token = peek();
  if (!token.is("(")) return not_understood();
  const auto group = parentheses();
  if (group.query) use_query(group.query, group.at);
  else refuse(token, "a query is missing in these parentheses");
}

void Parser::use_query(std::shared_ptr<const Query> query, std::size_t at) {
  uses_->push_back({.kind = Use::Kind::query, .path = {}, .at = at, .query = std::move(query)});
}

void Parser::case_expression() {
  const Nested nested{*this};
  take();
  const bool searched = is_word("when");
  if (!searched) value();
  do {
    expect_word("when");
    if (searched) condition();
    else value();
    expect_word("then");
    value();
  } while (is_word("when"));
  if (accept_word("else")) value();
  expect_word("end");
}

// {fn NAME(…)}, {d '…'}, {t '…'}, {ts '…'}, {guid '…'}
void Parser::odbc_escape() {
  take();
  if (accept_word("fn")) {
    odbc_call();
  } else if (settings_.keywords && is_word("call")) {
    return refuse_verb(peek(), "{call ...} runs a procedure");
  } else {
    expect_any({"d", "t", "ts", "guid"});
    expect_string();
  }
  expect("}");
}

void Parser::global_variable() {
  const auto& token = take();
  if (is_global(token.name)) return;
  if (token.name.starts_with("@@"))
    return refuse(token, fmt::format("'{}' is not known to be harmless", token.text), "Leave it out.",
                  Layer::functions);
  refuse(token, fmt::format("the variable '{}' is not declared", token.text), "Parameters are @p1, @p2 ...");
}

}  // namespace vmc::sql::mssql
