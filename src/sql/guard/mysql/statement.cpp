#include <algorithm>

#include <fmt/format.h>

#include "sql/guard/mysql/lexer.hpp"
#include "sql/guard/mysql/names.hpp"
#include "sql/guard/mysql/parser.hpp"
#include "sql/guard/mysql/system.hpp"
#include "sql/guard/mysql/words.hpp"

namespace vmc::sql {

Reading read_mysql(std::string_view statement, const GuardSettings& settings) {
  auto lexed = mysql::lex(statement);
  if (lexed.refusal) return {std::move(lexed.refusal), {}, 0, statement.size(), true};
  return mysql::Parser{statement, lexed, settings}.read();
}

namespace mysql {
namespace {

constexpr const char* kOnlyReads = "Ask for rows with SELECT.";
// Each stands on the stack of the one before when names are resolved.
constexpr std::size_t kCommonTablesMax = 1000;

// An arm in parentheses.
Block block_of(Query query, std::size_t at) {
  Block block;
  Item item;
  item.kind = Item::Kind::query;
  item.at = at;
  item.query = std::make_shared<const Query>(std::move(query));
  block.items.push_back(std::move(item));
  block.outputs.push_back({Output::Kind::star, {}, {}});
  return block;
}

// Why a statement that begins with the word is refused; `meaning`: as a verb.
Refusal refusal_of_statement(const Token& head, std::string_view meaning) {
  if (!meaning.empty()) return {Layer::tokens, Code::write_keyword_detected, 0, std::string{meaning}, kOnlyReads};
  std::string what = fmt::format("'{}' begins no statement that reads", shortened(head.text));
  if (head.is_word("explain"))
    what = "EXPLAIN is not offered: ANALYZE would run what it explains, and plans show values";
  else if (head.is_word("help"))
    what = "HELP is a word of the command-line client";
  return {Layer::syntax, Code::write_operation_rejected, 0, std::move(what), kOnlyReads};
}

}  // namespace

Reading Parser::read() {
  Reading reading;
  reading.begin = peek().at;
  reading.length = text_.size() - reading.begin;
  statement(reading);
  end_of_statement(reading);
  reading.refusal = std::move(refusal_);
  reading.query.calls = std::move(calls_);
  return reading;
}

void Parser::statement(Reading& reading) {
  const auto& head = peek();
  if (head.kind == Token::Kind::end || head.is(";"))
    return refuse(head, {Layer::text, Code::write_operation_rejected, 0, "there is no statement", kOnlyReads});
  if (at_query() || head.is("(")) {
    reading.query = query();
    return;
  }
  reading.is_query = false;
  if (accept_word("show")) return show(reading.query);
  if (accept_any({"desc", "describe"})) return describe(reading.query);
  refuse(head, refusal_of_statement(head, meaning_of_verb(head)));
}

void Parser::end_of_statement(Reading& reading) {
  if (refused()) return;
  const auto& last = tokens_[cursor_.position() - 1];
  reading.length = last.at + last.text.size() - reading.begin;
  const bool ended = accept(";");
  if (cursor_.at_end()) return;
  if (!ended) return not_understood();
  const bool writes = !meaning_of_verb(peek()).empty();
  refuse(peek(), {writes ? Layer::tokens : Layer::syntax,
                  writes ? Code::write_keyword_detected : Code::write_operation_rejected, 0,
                  "a second statement begins here", "Send one statement at a time."});
}

bool Parser::at_query(std::size_t ahead) const { return is_any({"select", "with", "values", "table"}, ahead); }

bool Parser::at_set_operator() const { return is_any({"union", "except", "intersect"}); }

bool Parser::at_rest_of_query() const {
  return at_set_operator() || is_any({"order", "limit", "offset", "fetch"});
}

// [WITH …] arm [UNION arm …] [ORDER BY …] [LIMIT …]
Query Parser::query() {
  const Nested nested{*this};
  const With inside{queries_, queries_ + 1};
  const With own_aliases{aliases_, std::set<std::string>{}};
  const With own_columns{columns_, std::set<Path>{}};
  const With own_star{selects_all_, false};
  const auto rows_around = std::exchange(generated_rows_, 1);
  auto made = whole_query();
  multiply_rows(rows_around);
  return made;
}

Query Parser::whole_query() {
  Query query;
  if (is_word("with")) with_clause(query);
  if (!peek().is("(")) {
    arm(query);
    arms(query);
    tail(query);
    return query;
  }
  const auto at = peek().at;
  auto whole = rest_of_query(query_in_parentheses(), at);
  // "WITH … (SELECT …) ORDER BY x": the parentheses do not keep ORDER BY from the tables inside.
  if (query.with.empty()) return whole;
  if (!whole.with.empty()) not_understood();
  whole.with = std::move(query.with);
  return whole;
}

Query Parser::query_in_parentheses() {
  expect("(");
  auto made = query();
  expect(")");
  return made;
}

// Behind a query in parentheses. It may be the first arm of a larger one; otherwise an ORDER BY that stands here is its
// own, as the servers see it, and names what its tables have.
Query Parser::rest_of_query(Query first, std::size_t at) {
  if (at_set_operator()) {
    Query whole;
    whole.blocks.push_back(block_of(std::move(first), at));
    arms(whole);
    tail(whole);
    return whole;
  }
  tail(first);
  return first;
}

void Parser::with_clause(Query& query) {
  take();
  const bool recursive = accept_word("recursive");
  do common_table(query, recursive);
  while (accept(","));
}

// With RECURSIVE each sees itself and those before it. MariaDB lets it see those behind it as well; read as tables,
// those reach more.
void Parser::common_table(Query& query, bool recursive) {
  const auto& token = peek();
  CommonTable table;
  table.recursive = recursive;
  table.name = name();
  if (++common_table_count_ > kCommonTablesMax)
    return refuse(token, fmt::format("more than {} queries are named by WITH", kCommonTablesMax));
  if (sequence_rows(table.name))
    return refuse(token, fmt::format("'{}' is also what MariaDB calls a sequence", shortened(table.name)), "Give it another name.");
  const auto [known, first] = common_tables_.emplace(table.name, spelling(token));
  if (!first && !is_one_name(known->second, spelling(token), ignores_case_))
    return refuse(token, fmt::format(kTwoSpellings, shortened(known->second), shortened(spelling(token))),
                  "Spell it alike everywhere.");
  if (peek().is("(")) table.columns = name_list();
  expect_word("as");
  table.query = std::make_shared<const Query>(query_in_parentheses());
  if (recursive && accept_word("cycle")) {
    do name();
    while (accept(","));
    expect_word("restrict");
  }
  query.with.push_back(std::move(table));
}

void Parser::arms(Query& query) {
  while (at_set_operator()) {
    take();
    accept_any({"all", "distinct"});
    arm(query);
  }
}

void Parser::arm(Query& query) {
  const auto rows_so_far = std::exchange(generated_rows_, 1);
  if (const auto at = peek().at; peek().is("("))
    query.blocks.push_back(block_of(query_in_parentheses(), at));
  else
    simple_arm(query.blocks.emplace_back());
  generated_rows_ = std::max(generated_rows_, rows_so_far);
}

void Parser::simple_arm(Block& block) {
  const With here{block_, &block};
  const With names{names_, Names{&block.uses, Alias::never}};
  if (accept_word("select"))
    select(block);
  else if (accept_word("values"))
    values(block);
  else if (accept_word("table"))
    table_statement(block);
  else
    not_understood();
}

// VALUES (1, 'a'), (2, 'b'), or with ROW before each. MySQL calls the columns column_0 and so on, MariaDB after what
// stands in the first row.
void Parser::values(Block& block) {
  do {
    const bool first_row = block.outputs.empty();
    accept_word("row");
    expect("(");
    do {
      const auto first = cursor_.position();
      expression();
      if (!first_row) continue;
      block.outputs.push_back(output(first));
      block.outputs.back().perhaps = true;
      block.outputs.push_back({Output::Kind::named, fmt::format("column_{}", block.outputs.size() / 2), {}});
      block.outputs.back().perhaps = true;
    } while (accept(","));
    expect(")");
  } while (accept(","));
}

void Parser::table_statement(Block& block) {
  Item item;
  table(item);
  add_item(std::move(item));
  block.outputs.push_back({Output::Kind::star, {}, {}});
}

void Parser::tail(Query& query) {
  const With names{names_, Names{&query.order_by, Alias::second}};
  if (accept_word("order")) {
    expect_word("by");
    order_list(true);
  }
  if (accept_word("limit")) return limit();
  if (is_any({"offset", "fetch"})) fetch();
}

// `outputs_first`: a name that stands alone means the output before the column. Within an expression the column comes
// first.
void Parser::order_list(bool outputs_first) {
  do {
    const auto first = cursor_.position();
    const auto uses = names_.uses->size();
    expression();
    const bool alone = cursor_.position() == first + 1 && names_.uses->size() == uses + 1;
    if (outputs_first && alone) {
      auto& use = names_.uses->back();
      if (use.kind == Use::Kind::column && aliases_.contains(use.path.back())) use.alias = Alias::first;
    }
    accept_any({"asc", "desc"});
  } while (accept(","));
}

// LIMIT 10 | 20, 10 | 10 OFFSET 20, in MariaDB with ROWS EXAMINED 1000.
void Parser::limit() {
  if (!is_word("rows")) {
    expect_count();
    if (accept(",") || accept_word("offset")) expect_count();
  }
  if (accept_word("rows")) {
    expect_word("examined");
    expect_count();
  }
}

// [OFFSET 2 ROWS] [FETCH NEXT 2 ROWS ONLY | WITH TIES]
void Parser::fetch() {
  if (accept_word("offset")) {
    expect_count();
    expect_any({"row", "rows"});
  }
  if (!accept_word("fetch")) return;
  expect_any({"first", "next"});
  if (!is_any({"row", "rows"})) expect_count();
  expect_any({"row", "rows"});
  if (!accept_words("with", "ties")) expect_word("only");
}

}  // namespace mysql
}  // namespace vmc::sql
