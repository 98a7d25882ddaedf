// FROM: tables, joins, APPLY, derived tables, PIVOT.
#include <algorithm>

#include <fmt/format.h>

#include "sql/guard/mssql/parser.hpp"
#include "sql/guard/mssql/words.hpp"

namespace vmc::sql::mssql {
namespace {

constexpr std::size_t kJoinedTablesMax = 512;

}  // namespace

void Parser::table_source() {
  const auto start = join_start();
  table_primary();
  while (join_step(start)) {
  }
}

// A join, APPLY, PIVOT or UNPIVOT behind what began at `start`.
bool Parser::join_step(const JoinStart& start) {
  if (accept_words({"cross", "join"})) return table_primary(), true;
  if (accept_words({"cross", "apply"}) || accept_words({"outer", "apply"})) return apply(start), true;
  if (accept_word("pivot")) return pivot(start, false), true;
  if (accept_word("unpivot")) return pivot(start, true), true;
  if (!is_any({"join", "inner", "left", "right", "full"})) return false;
  qualified_join(start);
  return true;
}

// "a JOIN b JOIN c ON … ON …": what stands between JOIN and its ON is joined first.
void Parser::qualified_join(const JoinStart& start) {
  const Nested nested{*this};
  if (!accept_word("join")) {
    if (take().name != "inner") accept_word("outer");
    if (is_word("remote")) return refuse(peek(), "REMOTE joins on another server", "Leave the hint out.");
    accept_any({"loop", "hash", "merge"});
    expect_word("join");
  }
  const auto right = join_start();
  table_primary();
  while (!is_word("on") && join_step(right)) {
  }
  const auto first_use = uses_->size();
  expect_word("on");
  condition();
  see_items(*uses_, first_use, start.items, block_->items.size() - 1);
}

// Its right side sees what it is joined to; a join in parentheses there is refused, as to what its parts see.
void Parser::apply(const JoinStart& start) {
  const With seen{apply_from_, std::optional{start.items}};
  table_primary();
}

void Parser::table_primary() {
  const auto& token = peek();
  if (token.is("{")) return odbc_outer_join();
  if (token.kind == Token::Kind::parameter || token.kind == Token::Kind::variable)
    return refuse(token, "table variables are not read", "Read the tables themselves.");
  if (token.is("::"))
    return refuse(token, "'::' calls an old function of the server", "Leave it out.", Layer::functions);
  if (!token.is("(")) return named_source();
  const auto query = source_in_parentheses();
  if (query) derived_table(query, token.at);
}

// {oj a LEFT OUTER JOIN b ON …}
void Parser::odbc_outer_join() {
  const Nested nested{*this};
  take();
  expect_word("oj");
  if (apply_from_) return not_understood();
  table_source();
  expect("}");
}

// "(" query ")", "(" VALUES … ")" or "(" join ")": which of them is known only behind the inner parentheses. A join
// adds its items itself.
std::shared_ptr<Query> Parser::source_in_parentheses() {
  const Nested nested{*this};
  const auto start = join_start();
  const auto& open = take();
  std::shared_ptr<Query> query;
  if (is_word("select")) {
    query = nested_query();
  } else if (is_word("values")) {
    query = row_values();
  } else {
    const auto& inner = peek();
    if (inner.is("(")) query = source_in_parentheses();
    else table_primary();
    if (query && (is_set_operator() || is_any({"order", "for"}))) {
      query = nested_query(std::move(query));
    } else if (!query || !peek().is(")")) {
      if (query) derived_table(std::exchange(query, {}), inner.at);
      if (apply_from_)
        refuse(open, "a join in parentheses behind APPLY is not understood here", "Put it into a SELECT of its own.");
      while (join_step(start)) {
      }
    }
  }
  expect(")");
  return query;
}

void Parser::derived_table(std::shared_ptr<Query> query, std::size_t at) {
  Item item;
  item.at = at;
  item.query = std::move(query);
  if (!accept_alias(item)) return not_understood();
  if (peek().is("(")) item.columns = column_list();
  add_query_item(std::move(item));
}

// VALUES (…), (…)
std::shared_ptr<Query> Parser::row_values() {
  take();
  auto query = std::make_shared<Query>();
  auto& block = query->blocks.emplace_back();
  const With names_go{uses_, &block.uses};
  const auto start = cursor_.position();
  do {
    const bool first_row = cursor_.position() == start;
    expect("(");
    do {
      if (!accept_word("default")) value();
      if (first_row) block.outputs.emplace_back();
    } while (accept(","));
    expect(")");
  } while (accept(","));
  return query;
}

// A table or view, a function that returns rows, or the nodes of an XML column.
void Parser::named_source() {
  if (rowset_function()) return;
  const auto& token = peek();
  const auto named = path();
  if (peek().is("(") && !at_old_hints()) return table_function(named, token);
  table(named, token);
}

void Parser::table(const Path& path, const Token& token) {
  check_count(token);
  auto& item = block_->items.emplace_back();
  item.path = path;
  item.at = token.at;
  if (path.size() == 1) check_spelling(path.back(), token);
  index_chosen_ = false;
  check_table(token, item);
  item.by_time = system_time();
  const bool sampled = table_sample(), hinted = at_old_hints();
  if (hinted) table_hints();
  if (!accept_alias(item)) declare(path.back());
  if (!sampled) table_sample();
  if (is_word("with") && peek(1).is("(")) {
    take();
    table_hints();
  } else if (!hinted && at_old_hints()) {
    table_hints();
  }
  if (index_chosen_ && path.size() == 1 && common_tables_.contains(path.back()))
    refuse(token, "an index is chosen for a common table expression", "Put the hint on the table itself.");
}

void Parser::check_count(const Token& token) {
  if (block_->items.size() == kJoinedTablesMax)
    refuse(token, fmt::format("more than {} tables are joined here", kJoinedTablesMax), "Split it with WITH.");
}

bool Parser::system_time() {
  if (!accept_words({"for", "system_time"})) return false;
  if (accept_word("all")) return true;
  if (accept_words({"as", "of"})) {
    expect_constant();
  } else if (accept_words({"contained", "in"})) {
    expect("(");
    expect_constant();
    expect(",");
    expect_constant();
    expect(")");
  } else {
    const bool from = accept_word("from");
    if (!from) expect_word("between");
    expect_constant();
    expect_word(from ? "to" : "and");
    expect_constant();
  }
  return true;
}

bool Parser::table_sample() {
  if (!accept_word("tablesample")) return false;
  accept_word("system");
  expect("(");
  expect_constant();
  accept_any({"percent", "rows"});
  expect(")");
  if (accept_word("repeatable")) {
    expect("(");
    expect_constant();
    expect(")");
  }
  return true;
}

// Turns what was joined so far into one item. It reaches every column: those not named group the rows of PIVOT, and go
// through UNPIVOT.
void Parser::pivot(const JoinStart& start, bool turns_back) {
  const auto at = peek().at;
  auto source = std::make_shared<Query>();
  auto& block = source->blocks.emplace_back(cut(start));
  block.outputs.push_back({Output::Kind::star, {}, {}});
  expect("(");
  {
    const With names_go{uses_, &block.uses};
    if (turns_back) unpivot_columns(block);
    else pivot_columns(block);
  }
  expect(")");
  Item item;
  item.at = at;
  item.query = std::move(source);
  item.soft = true;  // what it counts and turns is gone
  if (!accept_alias(item)) return not_understood();
  add_query_item(std::move(item));
}

// SUM(total) FOR status IN ([open], [paid])
void Parser::pivot_columns(Block& source) {
  const auto first = cursor_.position();
  const auto& token = peek();
  const auto* function = peek(1).is("(") ? find_function(token.name) : nullptr;
  if (token.kind != Token::Kind::word || !function ||
      (function->form != Form::aggregate && function->form != Form::counting))
    return refuse(token, "PIVOT takes one aggregate of a column", "Write it like SUM(total).");
  call();
  if (cursor_.position() == first) return;
  expect_word("for");
  const auto& column_token = peek();
  column(path(), column_token);
  expect_word("in");
  for (auto& name : column_list()) source.outputs.push_back({Output::Kind::named, std::move(name), {}});
}

// amount FOR kind IN (net, gross)
void Parser::unpivot_columns(Block& source) {
  source.outputs.push_back({Output::Kind::named, name(), {}});
  expect_word("for");
  source.outputs.push_back({Output::Kind::named, name(), {}});
  expect_word("in");
  expect("(");
  do {
    const auto& token = peek();
    column(path(), token);
  } while (accept(","));
  expect(")");
}

// Takes the items that were joined since `start`, and what their conditions name, into a block of their own.
Block Parser::cut(const JoinStart& start) {
  const auto offset = [](auto& from, std::size_t count) {
    return from.begin() + static_cast<std::ptrdiff_t>(std::min(count, from.size()));
  };
  Block made;
  const auto first_item = offset(block_->items, start.items);
  made.items.assign(std::move_iterator{first_item}, std::move_iterator{block_->items.end()});
  block_->items.erase(first_item, block_->items.end());
  const auto first_use = offset(*uses_, start.uses);
  made.uses.assign(std::move_iterator{first_use}, std::move_iterator{uses_->end()});
  uses_->erase(first_use, uses_->end());
  for (auto& item : made.items) item.lateral_from -= std::min(item.lateral_from, start.items);
  for (auto& use : made.uses) {
    use.first_item -= std::min(use.first_item, start.items);
    use.last_item -= std::min(use.last_item, start.items);
  }
  return made;
}

void Parser::add_query_item(Item item) {
  check_count(peek());
  item.kind = Item::Kind::query;
  item.lateral = apply_from_.has_value();
  item.lateral_from = apply_from_.value_or(0);
  block_->items.push_back(std::move(item));
}

bool Parser::accept_alias(Item& item) {
  if (accept_word("as")) item.alias = name_here();
  else accept_alias_word(item.alias);
  if (item.alias.empty()) return false;
  declare_new(item.alias);
  return true;
}

std::vector<std::string> Parser::column_list() {
  std::vector<std::string> columns;
  expect("(");
  do {
    columns.push_back(name());
    declare_column(columns.back());
  } while (accept(","));
  expect(")");
  return columns;
}

}  // namespace vmc::sql::mssql
