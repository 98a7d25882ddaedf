#include <fmt/format.h>

#include "sql/guard/catalogue.hpp"
#include "sql/guard/sqlite/parser.hpp"
#include "sql/guard/sqlite/words.hpp"

namespace vmc::sql::sqlite {
namespace {

bool at_join(const Token& token) {
  return token.is(",") || token.is_word("join") || (token.kind == Token::Kind::word && is_join_word(token.name));
}

}  // namespace

// All joins of one FROM, those in brackets too, make one list: every name in it is in sight everywhere.
bool Parser::from(Block& block) {
  const Deeper deeper{*this};
  if (deeper.too_deep() || !from_item(block, false)) return false;
  while (at_join(peek())) {
    bool natural = false;
    if (!join_operator(natural) || !from_item(block, natural)) return false;
  }
  return true;
}

// "," or JOIN with up to three words before it, in any order.
bool Parser::join_operator(bool& natural) {
  if (cursor_.accept(",")) return true;
  for (int words = 0; words < 3 && peek().kind == Token::Kind::word && is_join_word(peek().name); ++words)
    natural = cursor_.take().name == "natural" || natural;
  return expect_word("join");
}

bool Parser::from_item(Block& block, bool natural) {
  if (peek().is("(") && !at_query(1)) return group(block, natural);
  Item item;
  item.at = peek().at;
  item.natural = natural;
  if (cursor_.accept("(")) {
    item.kind = Item::Kind::query;
    if (!subquery(item.query) || !expect(")") || !take_alias(item.alias)) return false;
  } else if (!table(block, item)) {
    return false;
  }
  if (!join_condition(block, item)) return false;
  block.items.push_back(std::move(item));
  return true;
}

bool Parser::join_condition(Block& block, Item& item) {
  if (cursor_.accept_word("on")) return expression(block.uses, Alias::second);
  if (!cursor_.accept_word("using")) return true;
  if (!expect("(")) return false;
  do {
    if (!take_name(item.using_columns.emplace_back())) return false;
  } while (cursor_.accept(","));
  return expect(")");
}

// (a JOIN b ON …): the names in it stay in sight, unless it has an alias.
bool Parser::group(Block& block, bool natural) {
  Block inner;
  Item item;
  const auto begin = cursor_.position();
  item.at = cursor_.take().at;
  if (!from(inner) || !expect(")") || !take_alias(item.alias)) return false;
  if (item.alias.empty()) {
    auto& first = inner.items.front();
    first.natural = first.natural || natural;
    std::move(inner.uses.begin(), inner.uses.end(), std::back_inserter(block.uses));
    if (!join_condition(block, item)) return false;
    first.using_columns.insert(first.using_columns.end(), item.using_columns.begin(), item.using_columns.end());
    std::move(inner.items.begin(), inner.items.end(), std::back_inserter(block.items));
    return true;
  }
  inner.outputs.push_back({.kind = Output::Kind::star, .name = {}, .path = {}});
  Query query;
  query.tokens = inner.tokens = cursor_.position() - begin;
  query.blocks.push_back(std::move(inner));
  item.kind = Item::Kind::query;
  item.query = std::make_shared<const Query>(std::move(query));
  item.natural = natural;
  if (!join_condition(block, item)) return false;
  block.items.push_back(std::move(item));
  return true;
}

bool Parser::table(Block& block, Item& item) {
  if (!table_or_call(block, item) || !take_alias(item.alias)) return false;
  return item.kind != Item::Kind::table || index_hint(item);
}

bool Parser::table_or_call(Block& block, Item& item) {
  const auto& begin = peek();
  if (!take_path(item.path, 2)) return false;
  if (item.path.size() == 2 && item.path[0] != default_schema(Dialect::sqlite)) return no_such_database(begin);
  const auto* system = find_system_table(item.path.back());
  if (!system && is_system_name(item.path.back()))
    return refuse(Layer::names, begin,
                  fmt::format("'{}' is a table of SQLite's own that is not shared", item.path.back()),
                  "Ask sqlite_schema or pragma_table_info for names.", Code::schema_access_denied);
  if (peek().is("(") && is_foreign_module(item.path.back()))
    return refuse(Layer::functions, begin, fmt::format("the table function '{}' is not known to be harmless", item.path.back()),
                  "Read a table of the schema.");
  if (peek().is("(")) return table_call(block, item);
  return !system || system_table(item, *system, nullptr);
}

// A table function, or a full-text table with its search text.
bool Parser::table_call(Block& block, Item& item) {
  cursor_.take();
  item.kind = Item::Kind::function;
  std::vector<Shape> arguments;
  // They see the whole FROM, what follows included.
  if (!peek().is(")") && !expressions(block.uses, Alias::second, &arguments)) return false;
  if (!expect(")")) return false;
  const auto* system = find_system_table(item.path.back());
  return !system || system_table(item, *system, &arguments);
}

// A table of SQLite's own; without `arguments` they may still be given as columns, where they are not seen.
bool Parser::system_table(Item& item, const SystemTable& system, const std::vector<Shape>* arguments) {
  using Kind = SystemTable::Kind;
  item.kind = Item::Kind::function;
  item.path = {std::string{system.name}};
  if (system.kind == Kind::rows) return true;
  const bool named = arguments && !arguments->empty() && is_name((*arguments)[0].literal);
  item.catalogue = system.kind != Kind::description || !named;
  if (system.kind == Kind::schema || !named) return true;
  const auto& about = (*arguments)[0].literal;
  if (arguments->size() > 1 && name_of((*arguments)[1].literal) != default_schema(Dialect::sqlite))
    return refuse(Layer::names, about, "a description of another database than 'main' is asked for", "",
                  Code::schema_access_denied);
  // As if all columns of the table were read.
  Query described;
  auto& block = described.blocks.emplace_back();
  auto& table = block.items.emplace_back();
  table.path = {name_of(about)};
  table.at = about.at;
  block.uses.push_back({.kind = Use::Kind::star, .path = {}, .at = about.at, .alias = Alias::never, .query = nullptr});
  item.uses.push_back({.kind = Use::Kind::query,
                       .path = {},
                       .at = about.at,
                       .alias = Alias::never,
                       .query = std::make_shared<const Query>(std::move(described))});
  return true;
}

// Indexes are no part of a schema: the hint is noted, and left out of what is compiled.
bool Parser::index_hint(const Item& item) {
  const auto& begin = peek();
  if (cursor_.accept_word("not")) return expect_word("indexed");
  if (!cursor_.accept_word("indexed")) return true;
  std::string ignored;
  const auto& index = peek(1);
  if (!expect_word("by") || !take_name(ignored)) return false;
  made_.hints.push_back({begin.at, index.at + index.text.size() - begin.at, item.path});
  return true;
}

// [AS] alias; AS takes any name.
bool Parser::take_alias(std::string& alias) {
  if (cursor_.accept_word("as")) return take_name(alias);
  if (is_bare_alias(peek()) && !(peek().is_word("window") && is_name(peek(1)) && peek(2).is_word("as")))
    alias = name_of(cursor_.take());
  return true;
}

}  // namespace vmc::sql::sqlite
