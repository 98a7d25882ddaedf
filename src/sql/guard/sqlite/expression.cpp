#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "sql/guard/catalogue.hpp"
#include "sql/guard/sqlite/parser.hpp"
#include "sql/guard/sqlite/words.hpp"

namespace vmc::sql::sqlite {
namespace {

constexpr std::array<std::string_view, 20> kInfixSymbols{"||", "->", "->>", "*", "/", "%", "+",  "-",  "&",  "|",
                                                         "<<", ">>", "<",   ">", "=", "==", "<=", ">=", "<>", "!="};
constexpr std::array<std::string_view, 7> kInfixWords{"and", "or", "like", "glob", "between", "escape", "match"};
constexpr std::array<std::string_view, 3> kClockWords{"current_date", "current_time", "current_timestamp"};

template <class List>
bool among(const List& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

}  // namespace

// Operands and what stands between them: without precedence, which does not change what is reached.
bool Parser::expression(Uses& uses, Alias alias, Shape* shape) {
  const Deeper deeper{*this};
  if (deeper.too_deep()) return false;
  Shape whole;
  bool constant = true, more = false, single = true;
  do {
    Shape part;
    if (!operand(uses, alias, part) || !suffixes(uses, alias, part)) return false;
    constant = constant && part.constant;
    more = false;
    if (!infix(uses, part, more)) return false;
    single = single && !more;
    whole = std::move(part);
  } while (more);
  if (!shape) return true;
  *shape = single ? std::move(whole) : Shape{};
  shape->constant = constant;
  return true;
}

bool Parser::expressions(Uses& uses, Alias alias, std::vector<Shape>* shapes) {
  do {
    Shape shape;
    if (!expression(uses, alias, &shape)) return false;
    if (shapes) shapes->push_back(std::move(shape));
  } while (cursor_.accept(","));
  return true;
}

bool Parser::operand(Uses& uses, Alias alias, Shape& shape) {
  int prefixes = 0;
  while (peek().is("-") || peek().is("+") || peek().is("~") || peek().is_word("not")) {
    if (++prefixes > kNestingMax) return refuse(Layer::syntax, peek(), "too many signs stand before a value");
    cursor_.take();
  }
  if (!plain_operand(uses, alias, shape)) return false;
  if (prefixes == 0) return true;
  shape.column.clear();
  shape.literal = {};
  return true;
}

bool Parser::plain_operand(Uses& uses, Alias alias, Shape& shape) {
  const auto& token = peek();
  switch (token.kind) {
    case Token::Kind::word:
      return word(uses, alias, shape);
    case Token::Kind::quoted:
      return peek(1).is("(") ? call(uses, alias) : column(uses, alias, shape);
    case Token::Kind::string:
      if (peek(1).is(".")) return column(uses, alias, shape);  // 'customers'.'email'
      [[fallthrough]];
    case Token::Kind::number:
      shape.constant = true;
      shape.literal = cursor_.take();
      return true;
    case Token::Kind::parameter:
      cursor_.take();
      return true;
    default:
      return token.is("(") ? parenthesized(uses, alias, shape) : not_understood();
  }
}

bool Parser::word(Uses& uses, Alias alias, Shape& shape) {
  const auto& token = peek();
  if (token.name == "null" || among(kClockWords, token.name)) {
    cursor_.take();
    return shape.constant = true;
  }
  if (token.name == "case") return case_expression(uses, alias);
  if (token.name == "cast") return cast(uses, alias, shape);
  if (token.name == "exists") return exists(uses);
  if (token.name == "raise" && peek(1).is("(")) return refuse(Layer::functions, token, "RAISE belongs to triggers");
  if (at_query()) return refuse(Layer::syntax, token, "a query stands here without brackets", "Put it in brackets.");
  if (is_reserved(token.name)) return no_statement_begins_here();
  return peek(1).is("(") ? call(uses, alias) : column(uses, alias, shape);
}

// [main.][table.]column
bool Parser::column(Uses& uses, Alias alias, Shape& shape) {
  const auto& begin = peek();
  Path path;
  if (!take_path(path, 3)) return false;
  if (path.size() == 3 && path[0] != default_schema(Dialect::sqlite)) return no_such_database(begin);
  shape.column = path;
  uses.push_back(
      {.kind = Use::Kind::column, .path = std::move(path), .at = begin.at, .alias = alias, .query = nullptr});
  return true;
}

// A subquery, a value in brackets, or a row of values.
bool Parser::parenthesized(Uses& uses, Alias alias, Shape& shape) {
  const auto& begin = cursor_.take();
  if (at_query()) {
    Use use{.kind = Use::Kind::query, .path = {}, .at = begin.at, .alias = Alias::never, .query = nullptr};
    if (!subquery(use.query) || !expect(")")) return false;
    uses.push_back(std::move(use));
    return true;
  }
  std::vector<Shape> row;
  if (!expressions(uses, alias, &row) || !expect(")")) return false;
  shape.constant = row.size() == 1 && row.front().constant;
  return true;
}

bool Parser::exists(Uses& uses) {
  Use use{.kind = Use::Kind::query, .path = {}, .at = cursor_.take().at, .alias = Alias::never, .query = nullptr};
  if (!expect("(") || !subquery(use.query) || !expect(")")) return false;
  uses.push_back(std::move(use));
  return true;
}

bool Parser::case_expression(Uses& uses, Alias alias) {
  cursor_.take();
  if (!peek().is_word("when") && !expression(uses, alias)) return false;
  do {
    if (!expect_word("when") || !expression(uses, alias)) return false;
    if (!expect_word("then") || !expression(uses, alias)) return false;
  } while (peek().is_word("when"));
  if (cursor_.accept_word("else") && !expression(uses, alias)) return false;
  return expect_word("end");
}

// CAST (value AS any words (12, -2))
bool Parser::cast(Uses& uses, Alias alias, Shape& shape) {
  cursor_.take();
  Shape value;
  if (!expect("(") || !expression(uses, alias, &value) || !expect_word("as")) return false;
  shape.constant = value.constant;
  std::string ignored;
  do {
    if (!is_bare_alias(peek())) return not_understood();
    cursor_.take();
  } while (!peek().is("(") && !peek().is(")"));
  if (cursor_.accept("(")) {
    do {
      if (!cursor_.accept("+")) cursor_.accept("-");
      if (peek().kind != Token::Kind::number) return not_understood();
      cursor_.take();
    } while (cursor_.accept(","));
    if (!expect(")")) return false;
  }
  return expect(")");
}

// What follows an operand and takes none of its own: COLLATE name, ISNULL, NOT NULL, IN (…).
bool Parser::suffixes(Uses& uses, Alias alias, Shape& shape) {
  for (;;) {
    if (cursor_.accept_word("collate")) {
      std::string ignored;
      if (!take_name(ignored)) return false;
      continue;  // changes neither the name of an output nor what is reached
    }
    const bool negated = peek().is_word("not") && (peek(1).is_word("null") || peek(1).is_word("in"));
    const auto& token = peek(negated ? 1 : 0);
    if (token.is_word("in")) {
      if (negated) cursor_.take();
      cursor_.take();
      if (!in_list(uses, alias)) return false;
      shape.constant = false;
    } else if (negated) {
      cursor_.take();
      cursor_.take();
    } else if (!cursor_.accept_word("isnull") && !cursor_.accept_word("notnull")) {
      return true;
    }
    shape.column.clear();
    shape.literal = {};
  }
}

// IN (1, 2), IN (SELECT …), IN table, IN function(…)
bool Parser::in_list(Uses& uses, Alias alias) {
  if (cursor_.accept("(")) {
    if (cursor_.accept(")")) return true;
    if (!at_query()) return expressions(uses, alias) && expect(")");
    Use use{.kind = Use::Kind::query, .path = {}, .at = peek().at, .alias = Alias::never, .query = nullptr};
    if (!subquery(use.query) || !expect(")")) return false;
    uses.push_back(std::move(use));
    return true;
  }
  Query whole;  // SELECT * FROM table
  auto& block = whole.blocks.emplace_back();
  Item item;
  item.at = peek().at;
  if (!table_or_call(block, item)) return false;
  block.items.push_back(std::move(item));
  block.outputs.push_back({.kind = Output::Kind::star, .name = {}, .path = {}});
  uses.push_back({.kind = Use::Kind::query,
                  .path = {},
                  .at = block.items.front().at,
                  .alias = Alias::never,
                  .query = std::make_shared<const Query>(std::move(whole))});
  return true;
}

// `found`: an operand must follow.
bool Parser::infix(Uses& uses, const Shape& left, bool& found) {
  const auto& token = peek();
  if (token.kind == Token::Kind::symbol) {
    found = among(kInfixSymbols, token.text);
    if (found) cursor_.take();
    return true;
  }
  if (token.kind != Token::Kind::word) return true;
  if (cursor_.accept_word("is")) {
    cursor_.accept_word("not");
    if (cursor_.accept_word("distinct") && !expect_word("from")) return false;
    return found = true;
  }
  const auto& operation = peek(token.name == "not" ? 1 : 0);
  if (operation.is_word("regexp"))
    return refuse(Layer::functions, operation, "REGEXP calls a function that SQLite itself does not have",
                  "Use LIKE or GLOB.");
  found = operation.kind == Token::Kind::word && among(kInfixWords, operation.name);
  if (!found) return true;
  if (operation.name == "match") full_text(uses, left, operation.at);
  cursor_.take();
  if (&operation != &token) cursor_.take();
  return true;
}

// A full-text search looks into all columns of its table, whichever is named.
void Parser::full_text(Uses& uses, const Shape& target, std::size_t at) {
  uses.push_back(
      {.kind = Use::Kind::full_text, .path = target.column, .at = at, .alias = Alias::never, .query = nullptr});
}

}  // namespace vmc::sql::sqlite
