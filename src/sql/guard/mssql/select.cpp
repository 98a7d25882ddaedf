// One SELECT: its list, GROUP BY, WINDOW.
#include "sql/guard/catalogue.hpp"
#include "sql/guard/mssql/lexer.hpp"
#include "sql/guard/mssql/parser.hpp"

namespace vmc::sql::mssql {

void Parser::select(Query& query) {
  expect_word("select");
  Block block;
  const With reads_from{block_, &block};
  const With names_go{uses_, &block.uses};
  const With applied{apply_from_, std::optional<std::size_t>{}};
  const auto first_method = bare_methods_.size();
  if (!accept_word("distinct")) accept_word("all");
  top();
  do select_item(block);
  while (accept(","));
  if (accept_word("from")) {
    do table_source();
    while (accept(","));
  }
  if (accept_word("where")) condition();
  group_by();
  if (accept_word("having")) condition();
  windows();
  settle_methods(first_method, block.items);
  query.blocks.push_back(std::move(block));
}

// Without parentheses only a number.
void Parser::top() {
  if (!accept_word("top")) return;
  const auto first_use = uses_->size();
  if (accept("(")) {
    const Nested nested{*this};
    if (is_word("select")) {  // needs no parentheses of its own
      const auto at = peek().at;
      use_query(nested_query(), at);
    } else {
      value();
    }
    expect(")");
  } else {
    expect_number();
  }
  see_no_items(first_use);
  accept_word("percent");
  accept_words({"with", "ties"});
}

void Parser::select_item(Block& block) {
  if (star(block)) return;
  if (is_assignment()) return refuse(peek(), "SELECT @x = ... assigns a variable", "Give the column a name with AS.");
  const bool names_value = peek(1).is("=") && (peek().is_name() || peek().kind == Token::Kind::string);
  if (!names_value) {
    block.outputs.push_back(output_of_value());
    return;
  }
  auto name = alias_name();
  declare_column(name);
  expect("=");
  value();
  block.outputs.push_back({Output::Kind::named, std::move(name), {}});
}

bool Parser::is_assignment() const {
  const auto kind = peek().kind;
  if (kind != Token::Kind::parameter && kind != Token::Kind::variable) return false;
  const auto& sign = peek(1);
  return sign.kind == Token::Kind::symbol && sign.text.ends_with('=') && !sign.is("<=") && !sign.is(">=") &&
         !sign.is("!=");
}

// "*" and "a.b.*"
bool Parser::star(Block& block) {
  const auto& token = peek();
  std::size_t ahead = 0;
  while (peek(ahead).is_name() && peek(ahead + 1).is("."))
    for (++ahead; peek(ahead).is(".");) ++ahead;
  if (!peek(ahead).is("*")) return false;
  Path qualifiers;
  if (ahead > 0) {
    qualifiers = path();
    expect(".");
  }
  expect("*");
  block.uses.push_back({.kind = Use::Kind::star, .path = qualifiers, .at = token.at, .query = {}});
  block.outputs.push_back({Output::Kind::star, {}, std::move(qualifiers)});
  return true;
}

Output Parser::output_of_value() {
  const auto start = cursor_.position();
  std::size_t around = 0;  // parentheses, in which a column keeps its name
  while (peek(around).is("(")) ++around;
  value();
  const bool is_column =
      column_.first == start + around && column_.last + around == cursor_.position() && !uses_->empty();
  Output output;
  if (is_column) {
    output = {Output::Kind::named, uses_->back().path.back(), {}};
    output.property = uses_->back().property;
    declare_column(output.name, column_.last);
  }
  std::string alias;
  if (accept_word("as")) alias = alias_name();
  else if (peek().kind == Token::Kind::string) alias = alias_name();
  else accept_alias_word(alias);
  if (alias.empty()) return output;
  declare_column(alias);
  return {Output::Kind::named, std::move(alias), {}};
}

void Parser::group_by() {
  if (!accept_word("group")) return;
  expect_word("by");
  accept_word("all");
  do grouping_element();
  while (accept(","));
  if (!accept_words({"with", "rollup"})) accept_words({"with", "cube"});
}

// A value, "()", or a list of such: ROLLUP (…), CUBE (…), GROUPING SETS (…).
void Parser::grouping_element() {
  const Nested nested{*this};
  if (peek().is("(") && peek(1).is(")")) {
    take();
    take();
    return;
  }
  const bool sets = is_word("grouping") && is_word("sets", 1) && peek(2).is("(");
  if (!sets && !(is_any({"rollup", "cube"}) && peek(1).is("("))) return value();
  if (sets) take();
  take();
  expect("(");
  do {
    if (peek().is("(") && !peek(1).is(")")) grouping_set();
    else grouping_element();
  } while (accept(","));
  expect(")");
}

// "(a, b)", or a value that begins with a parenthesis.
void Parser::grouping_set() {
  expect("(");
  values();
  expect(")");
  sum(Kind::value);
}

void Parser::windows() {
  if (!at_window_clause()) return;
  take();
  do {
    name();
    expect_word("as");
    expect("(");
    window_definition();
    expect(")");
  } while (accept(","));
}

// WINDOW is no reserved word.
bool Parser::at_window_clause() const {
  return is_word("window") && peek(1).is_name() && is_word("as", 2) && peek(3).is("(");
}

}  // namespace vmc::sql::mssql
