// The statement as a whole: WITH, the arms of a set operation, ORDER BY.
#include <algorithm>

#include <fmt/format.h>

#include "sql/guard/mssql/lexer.hpp"
#include "sql/guard/mssql/parser.hpp"
#include "sql/guard/mssql/words.hpp"

namespace vmc::sql {

Reading read_mssql(std::string_view statement, const GuardSettings& settings) {
  auto tokens = mssql::lex(statement);
  if (!tokens.refusal)
    return mssql::Parser{tokens.list, settings}.read();
  Reading reading;
  reading.refusal = std::move(tokens.refusal);
  return reading;
}

namespace mssql {
namespace {

// A derived table needs a name for each column, and no two alike; what a star adds is not known here.
bool has_own_names(const Query& query) {
  if (query.blocks.empty()) return false;
  std::set<std::string_view> names;
  for (const auto& output : query.blocks.front().outputs) {
    if (output.kind == Output::Kind::star) continue;
    if (output.kind != Output::Kind::named || !names.insert(output.name).second) return false;
  }
  return true;
}

}  // namespace

// `is_query`: the text may stand as it is in "SELECT … FROM (text) AS t". WITH, OPTION, FOR and unnamed columns may not
// stand there, and ORDER BY only beside TOP or OFFSET, where it would no longer order the rows.
Reading Parser::read() {
  Reading reading;
  head();
  const auto first = cursor_.position();
  reading.is_query = statement(reading.query);
  const auto last = cursor_.position();
  end_of_statement();
  if (!refused()) check_method_columns();
  if (refused()) {
    reading.refusal = std::move(refusal_);
    return reading;
  }
  reading.query.spelled_otherwise = names_of_two_spellings();
  const auto& end = tokens_[last - 1];
  reading.begin = tokens_[first].at;
  reading.length = end.at + end.text.size() - reading.begin;
  return reading;
}

// What stands before the query. A text whose first word is none of a statement calls the procedure of that name.
void Parser::head() {
  while (accept(";")) {
  }
  const auto& token = peek();
  if (token.kind == Token::Kind::end)
    return refuse(token, "there is no statement", "Ask for rows with SELECT.", Layer::text);
  if (!settings_.keywords) return;
  if (token.is("{")) return refuse_verb(token, "{call ...} runs a procedure");
  if (!token.is_name() || is_any({"select", "with"})) return;
  if (token.kind == Token::Kind::word) {
    if (is_reserved(token.name) || token.name == "go") return not_understood();
    if (const auto* verb = find_head_verb(token.name)) return refuse_verb(token, verb->does);
  }
  refuse_verb(token, fmt::format("'{}' at the start of a text runs a procedure of that name", token.text));
}

// May it stand as a derived table?
bool Parser::statement(Query& query) {
  const bool with = accept_word("with");
  if (with) with_clause(query);
  arms(query);
  const auto before_tail = cursor_.position();
  order_and_page(query);
  const bool tailed = cursor_.position() != before_tail, output = for_clause(), option = option_clause(query);
  return !with && !tailed && !output && !option && has_own_names(query);
}

void Parser::end_of_statement() {
  if (accept(";")) {
    while (accept(";")) {
    }
    const auto& token = peek();
    const bool word = settings_.keywords && token.kind == Token::Kind::word;
    const auto* verb = word ? find_verb(token.name) : nullptr;
    if (word && !verb) verb = find_head_verb(token.name);
    if (verb) return refuse_verb(token, verb->does);
    if (!cursor_.at_end()) return refuse(token, "a second statement begins here", "Send one statement at a time.");
  }
  if (!cursor_.at_end()) not_understood();
}

void Parser::with_clause(Query& query) {
  if (is_word("change_tracking_context"))
    return refuse(peek(), "a change tracking context belongs to statements that write", "Leave it out.");
  if (is_word("xmlnamespaces") && peek(1).is("(")) {
    xml_namespaces();
    if (!accept(",")) return;
  }
  do common_table(query);
  while (accept(","));
}

void Parser::xml_namespaces() {
  take();
  expect("(");
  do {
    if (accept_word("default")) {
      expect_string();
    } else {
      expect_string();
      expect_word("as");
      name_here();
    }
  } while (accept(","));
  expect(")");
}

void Parser::common_table(Query& query) {
  CommonTable table;
  table.name = name();
  declare_new(table.name);
  if (peek().is("(")) table.columns = column_list();
  expect_word("as");
  expect("(");
  auto inner = nested_query();
  expect(")");
  // Without UNION ALL it cannot see itself: the server refuses the name, and a table of that name is not meant.
  table.recursive = inner->blocks.size() > 1;
  table.query = std::move(inner);
  common_tables_.try_emplace(table.name, table);
  query.with.push_back(std::move(table));
}

void Parser::arms(Query& query) {
  arm(query);
  more_arms(query);
}

void Parser::more_arms(Query& query) {
  while (is_set_operator()) {
    if (take().name == "union") accept_word("all");
    arm(query);
  }
}

void Parser::arm(Query& query) {
  if (!peek().is("(")) return select(query);
  const Nested nested{*this};
  take();
  arms(query);
  expect(")");
}

// In parentheses, which stay with the caller: a subquery, a derived table, the body of a common table.
std::shared_ptr<Query> Parser::nested_query(std::shared_ptr<Query> first_arm) {
  auto query = first_arm ? std::move(first_arm) : std::make_shared<Query>();
  if (query->blocks.empty()) arm(*query);
  else if (!query->order_by.empty()) not_understood();
  more_arms(*query);
  order_and_page(*query);
  if (!for_clause()) return query;
  // All its rows become one value without a name.
  auto document = std::make_shared<Query>();
  auto& block = document->blocks.emplace_back();
  block.outputs.emplace_back();
  Item item;
  item.kind = Item::Kind::query;
  item.query = std::move(query);
  block.items.push_back(std::move(item));
  return document;
}

void Parser::order_and_page(Query& query) {
  if (!accept_word("order")) return;
  expect_word("by");
  const With to{uses_, &query.order_by};
  const auto first_method = bare_methods_.size();
  do order_item(true);
  while (accept(","));
  if (!query.blocks.empty()) settle_methods(first_method, query.blocks.front().items);
  page();
}

// `outputs_count`: a name alone is that of an output, if there is one; anything larger sees the columns only.
void Parser::order_item(bool outputs_count) {
  const auto start = cursor_.position();
  value();
  const auto length = cursor_.position() - start;
  accept_any({"asc", "desc"});
  if (!outputs_count || uses_->empty() || column_.first != start || column_.last != start + 1) return;
  if (length == 1) uses_->back().alias = Use::Alias::first;
  if (length == 3 && tokens_[start + 1].is_word("collate")) uses_->back().alias = Use::Alias::second;
}

void Parser::page() {
  if (!accept_word("offset")) return;
  const auto first_use = uses_->size();
  value();
  expect_any({"row", "rows"});
  if (accept_word("fetch")) {
    expect_any({"first", "next"});
    value();
    expect_any({"row", "rows"});
    expect_word("only");
  }
  see_no_items(first_use);
}

}  // namespace mssql
}  // namespace vmc::sql
