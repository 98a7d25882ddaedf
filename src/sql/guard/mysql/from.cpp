#include <fmt/format.h>

#include "sql/guard/mysql/parser.hpp"

namespace vmc::sql::mysql {
namespace {

constexpr std::size_t kJoinedTablesMax = 61;  // the servers' own limit

}  // namespace

void Parser::from() {
  if (accept_word("dual")) return;
  table_references();
}

void Parser::table_references() {
  do joined_tables(block_->items.size(), false);
  while (accept(","));
}

// One chain of joins whose first table is item `left`; with `begun` it has been read.
//
// "a JOIN b JOIN c ON x ON y" is a JOIN (b JOIN c ON x) ON y, so each ON belongs to the last join that has none yet.
void Parser::joined_tables(std::size_t left, bool begun) {
  std::vector<OpenJoin> open;
  if (!begun) table_factor();
  while (!refused()) {
    const auto right = block_->items.size();
    const auto join = join_operator();
    if (join == Join::none) {
      if (open.empty() || !is_any({"on", "using"})) break;
      left = open.back().left;
      join_condition(open.back());
      open.pop_back();
      continue;
    }
    table_factor();
    if (join == Join::natural && block_->items.size() > right) {
      block_->items.back().natural = true;
    } else {
      open.push_back({left, right, block_->uses.size(), join == Join::outer});
      left = right;
    }
  }
  close_joins(open);
}

Parser::Join Parser::join_operator() {
  const bool natural = accept_word("natural");
  const bool outer = accept_any({"left", "right"});
  if (outer)
    accept_word("outer");
  else if (!natural && accept_word("straight_join"))
    return Join::inner;
  const bool inner = !outer && accept_any(natural ? std::initializer_list<std::string_view>{"inner"}
                                                  : std::initializer_list<std::string_view>{"inner", "cross"});
  if (!accept_word("join")) {
    if (natural || outer || inner) not_understood();
    return Join::none;
  }
  return natural ? Join::natural : outer ? Join::outer : Join::inner;
}

// ON sees the tables of its join and no others of FROM; what they do not have is looked for around the query.
void Parser::join_condition(const OpenJoin& join) {
  if (accept_word("using")) {
    auto columns = name_list();
    if (block_->items.empty()) return;
    auto& known = block_->items.back().using_columns;
    known.insert(known.end(), columns.begin(), columns.end());
    return;
  }
  take();
  auto& uses = *names_.uses;
  const auto begin = uses.size();
  expression();
  see_items(uses, begin, join.left, block_->items.size() - 1);
}

// Joins without a condition bind to the left after all: in "a JOIN b JOIN c ON x", x sees a.
void Parser::close_joins(const std::vector<OpenJoin>& open) {
  for (auto join = open.rbegin(); join != open.rend(); ++join) {
    if (join->needs_condition) return not_understood();
    for (auto i = join->uses; i < block_->uses.size(); ++i)
      if (block_->uses[i].first_item == join->right) block_->uses[i].first_item = join->left;
  }
}

void Parser::table_factor() {
  const auto at = peek().at;
  if (peek().is("(")) {
    if (auto query = table_parentheses()) derived_table(std::move(*query), at, false);
  } else if (peek().is("{")) {
    outer_join_escape();
  } else if (is_word("lateral") && peek(1).is("(")) {
    take();
    derived_table(query_in_parentheses(), at, true);
  } else if (is_word("json_table") && peek(1).is("(")) {
    json_table();
  } else {
    named_table();
  }
}

// (SELECT …), or tables and their joins, which stand in FROM as if there were no parentheses.
std::optional<Query> Parser::table_parentheses() {
  const Nested nested{*this};
  take();
  std::optional<Query> made;
  if (at_query()) {
    made = query();
  } else if (peek().is("(")) {
    const auto at = peek().at;
    const auto left = block_->items.size();
    auto inner = table_parentheses();
    if (inner && at_rest_of_query()) {
      made = rest_of_query(std::move(*inner), at);
    } else if (inner && peek().is(")")) {
      made = std::move(inner);
    } else {
      if (inner) derived_table(std::move(*inner), at, false);
      joined_tables(left, true);
      if (accept(",")) table_references();
    }
  } else {
    table_references();
  }
  expect(")");
  return made;
}

// {oj a LEFT JOIN b ON …}. The servers take any word for OJ.
void Parser::outer_join_escape() {
  const Nested nested{*this};
  take();
  expect_word("oj");
  joined_tables(block_->items.size(), false);
  expect("}");
}

void Parser::derived_table(Query query, std::size_t at, bool lateral) {
  if (refused()) return;
  Item item;
  item.kind = Item::Kind::query;
  item.at = at;
  item.query = std::make_shared<const Query>(std::move(query));
  item.lateral = lateral;
  if (!take_alias(item)) return refuse(peek(), "a query in FROM needs a name", "Write (SELECT …) AS t.");
  if (peek().is("(")) item.columns = name_list();
  add_item(std::move(item));
}

// JSON_TABLE(expression, path COLUMNS (…)) [AS] alias: its expression sees the tables before it.
void Parser::json_table() {
  const Nested nested{*this};
  Item item;
  item.kind = Item::Kind::function;
  item.at = take().at;
  {
    const With names{names_, Names{&item.uses, Alias::never}};
    expect("(");
    expression();
    expect(",");
    expression();
    json_columns(item);
    expect(")");
  }
  if (!take_alias(item)) return refuse(peek(), "JSON_TABLE needs a name", "Write JSON_TABLE(…) AS t.");
  add_item(std::move(item));
}

void Parser::json_columns(Item& item) {
  const Nested nested{*this};
  expect_word("columns");
  expect("(");
  do json_column(item);
  while (accept(","));
  expect(")");
}

// name FOR ORDINALITY | name type [EXISTS] PATH '…' [… ON EMPTY] [… ON ERROR] | NESTED [PATH] '…' COLUMNS (…)
void Parser::json_column(Item& item) {
  if (is_word("nested") && (is_word("path", 1) || peek(1).kind == Token::Kind::string)) {
    take();
    accept_word("path");
    expect_string();
    return json_columns(item);
  }
  item.columns.push_back(name());
  if (accept_words("for", "ordinality")) return;
  cast_type();
  if (accept_word("collate")) name();
  accept_word("exists");
  expect_word("path");
  expect_string();
  json_on();
}

// {NULL | ERROR | DEFAULT '…'} ON {EMPTY | ERROR}, up to twice.
void Parser::json_on() {
  while (is_any({"null", "error", "default"})) {
    if (take().name == "default") operand();
    expect_word("on");
    expect_any({"empty", "error"});
  }
}

// t [PARTITION (p)] [FOR SYSTEM_TIME …] [[AS] alias] [USE INDEX (…)]
void Parser::named_table() {
  Item item;
  table(item);
  const auto& place = peek();
  const bool partitioned = accept_word("partition");
  if (partitioned) name_list();
  if (is_word("for") && is_word("system_time", 1)) system_time(item);
  take_alias(item);
  if (partitioned) item.uses.push_back(whole_of(item, place.at));  // by which columns it was parted nobody says
  index_hints(item);
  add_item(std::move(item));
}

// MariaDB's versioned tables have two columns more, which no schema lists.
void Parser::system_time(Item& item) {
  const auto point = [this] {
    accept_word("transaction");
    bits();
  };
  take();
  take();
  if (item.kind == Item::Kind::table) item.added = {"row_start", "row_end"};
  item.by_time = true;
  if (accept_word("all")) return;
  if (accept_word("as")) {
    expect_word("of");
    return point();
  }
  const bool between = accept_word("between");
  if (!between) expect_word("from");
  point();
  expect_word(between ? "and" : "to");
  point();
}

// USE INDEX [FOR JOIN | FOR ORDER BY | FOR GROUP BY] (a, PRIMARY). An index puts the rows into the order of columns that
// are not named here: those of the whole table are read.
void Parser::index_hints(Item& item) {
  const auto& token = peek();
  bool ordered = chooses_index_;
  while (is_any({"use", "force", "ignore"}) && is_any({"index", "key"}, 1)) {
    const bool without = take().is_word("ignore");  // then another one is chosen
    take();
    if (accept_word("for") && !accept_word("join")) {
      expect_any({"order", "group"});
      expect_word("by");
    }
    expect("(");
    if (accept(")")) continue;
    do
      if (!accept_word("primary")) name(), ordered = true;
      else ordered = ordered || without;
    while (accept(","));
    expect(")");
  }
  if (ordered && item.kind == Item::Kind::table)
    item.uses.push_back(whole_of(item, token.at));
}

void Parser::add_item(Item item) {
  if (refused()) return;
  if (block_->items.size() == kJoinedTablesMax)
    return refuse(peek(), fmt::format("more than {} tables are joined here", kJoinedTablesMax));
  block_->items.push_back(std::move(item));
}

}  // namespace vmc::sql::mysql
