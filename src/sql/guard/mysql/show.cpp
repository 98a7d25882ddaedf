// SHOW and DESCRIBE: those that tell of tables, columns and keys.
#include <fmt/format.h>

#include "core/text.hpp"
#include "sql/guard/mysql/names.hpp"
#include "sql/guard/mysql/parser.hpp"
#include "sql/guard/mysql/system.hpp"
#include "sql/guard/mysql/words.hpp"

namespace vmc::sql::mysql {
namespace {

constexpr const char* kShown =
    "SHOW tells of TABLES, TABLE STATUS, COLUMNS, INDEX, CREATE TABLE, DATABASES, ENGINES, COLLATION and of one setting "
    "by its name: SHOW VARIABLES LIKE 'sql_mode'.";

}  // namespace

// The block's only item is what SHOW makes, whose columns WHERE may name.
void Parser::show(Query& query) {
  auto& block = query.blocks.emplace_back();
  auto& result = block.items.emplace_back();
  result.kind = Item::Kind::function;
  result.at = peek().at;
  const With here{block_, &block};
  const With names{names_, Names{&block.uses, Alias::never}};
  const auto& what = peek();
  if (accept_word("create")) return show_create();
  if (accept_words("table", "status")) return show_tables(what);
  if (accept_any({"databases", "schemas", "collation", "charset"}) || accept_words("character", "set"))
    return show_filter();
  if (accept_word("engines") || accept_words("storage", "engines")) return;
  if (is_any({"global", "session", "local", "variables"})) return show_variable();
  accept_word("extended");
  accept_word("full");
  if (accept_word("tables")) return show_tables(what);
  if (accept_any({"columns", "fields", "index", "indexes", "keys"})) return show_of_table();
  refuse(peek(), fmt::format("SHOW {} is not offered", shortened(peek().text)), kShown);
}

// The list of all tables, private ones among them: as information_schema.tables.
void Parser::show_tables(const Token& token) {
  if (accept_any({"from", "in"})) database();
  Item list;
  list.path = {"information_schema", "tables"};
  list.at = token.at;
  list.catalogue = true;
  block_->uses.push_back(whole_of(list, list.at));
  show_filter();
}

void Parser::show_of_table() {
  expect_any({"from", "in"});
  Item item;
  table(item);
  if (is_any({"from", "in"}) && item.path.size() == 1) {
    take();
    const auto& token = peek();
    item.path.insert(item.path.begin(), database());
    if (!refused()) check_table(item, token);
  }
  if (refused()) return;
  block_->uses.push_back(whole_of(item, item.at));
  show_filter();
}

// One by its name: as @@name. The '_' of a name stands for any character here too; no name differs from another by that.
void Parser::show_variable() {
  const auto& what = peek();
  accept_any({"global", "session", "local"});
  if (!accept_word("variables") || !accept_word("like"))
    return refuse(what, fmt::format("SHOW {} shows more than single settings", shortened(what.text)), kShown);
  const auto& name = peek();
  expect_string();
  if (refused()) return;
  auto setting = lowered(name.text);
  if (setting.size() < 2 || !is_open_variable(std::string_view{setting}.substr(1, setting.size() - 2)))
    refuse(name, fmt::format("the settings {} are not shown", shortened(name.text)),
           "Settings that tell how values are read, and the version, may be shown, one by its whole name.");
}

// SHOW CREATE shows sources; of these, tables and databases have none.
void Parser::show_create() {
  const auto& what = peek();
  if (accept_any({"database", "schema"})) {
    if (accept_words("if", "not")) expect_word("exists");
    database();
    return;
  }
  if (!accept_word("table"))
    return refuse(what, fmt::format("SHOW CREATE {} shows a source text", shortened(what.text)), kShown);
  Item item;
  table(item);
  item.definition = true;
  if (!refused()) block_->uses.push_back(whole_of(item, item.at));
}

std::string Parser::database() {
  const auto& token = peek();
  auto named = name();
  if (is_system_schema(named))
    refuse(token, {Layer::names, Code::schema_access_denied, 0,
                   fmt::format("'{}' is a database of the server's own", named), ""});
  return named;
}

// [LIKE 'pattern' | WHERE expression]: any expression, with subqueries and functions.
void Parser::show_filter() {
  if (accept_word("like")) return expect_string();
  if (accept_word("where")) expression();
}

// DESCRIBE table [column | 'pattern']
void Parser::describe(Query& query) {
  auto& block = query.blocks.emplace_back();
  const auto& token = peek();
  Item item;
  if (!at_explained()) {
    table(item);
    if (peek().kind == Token::Kind::string)
      take();
    else if (!cursor_.at_end() && !peek().is(";") && !at_explained())
      name();
  }
  if (refused()) return;
  if (!cursor_.at_end() && !peek().is(";"))
    return refuse(token, "DESCRIBE before a statement is EXPLAIN, which is not offered", "Ask for rows with SELECT.");
  block.uses.push_back(whole_of(item, item.at));
}

// Where DESCRIBE means EXPLAIN.
bool Parser::at_explained() const {
  const auto& token = peek();
  return token.is("(") || token.is("=") || (token.kind == Token::Kind::word && is_reserved(token.name));
}

}  // namespace vmc::sql::mysql
