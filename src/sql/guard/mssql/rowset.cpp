// Functions that return rows, and full-text search.
//
// Each becomes a query without tables whose outputs are its columns: beside other items it sees what is around the
// block only, behind APPLY also what stands before it.
#include <fmt/format.h>

#include "sql/guard/catalogue.hpp"
#include "sql/guard/mssql/parser.hpp"

namespace vmc::sql::mssql {
namespace {

Block rows_of(std::initializer_list<std::string_view> columns) {
  Block rows;
  for (const auto column : columns) rows.outputs.push_back({Output::Kind::named, std::string{column}, {}});
  return rows;
}

}  // namespace

// True when one stood here.
bool Parser::rowset_function() {
  const auto& token = peek();
  if (token.kind != Token::Kind::word || !peek(1).is("(")) return false;
  if (is_any({"openrowset", "openquery", "opendatasource"}))
    return refuse(token, fmt::format("{} reads files and other servers", token.text),
                  "Read the tables of this database.", Layer::functions),
           true;
  if (is_any({"openxml", "changetable", "predict"}))
    return refuse(token, fmt::format("{} is not known to be harmless", token.text), "Read the tables themselves.",
                  Layer::functions),
           true;
  Block rows;
  if (token.name == "openjson") rows = rows_of({"key", "value", "type"});
  else if (token.name == "string_split") rows = rows_of({"value", "ordinal"});
  else if (token.name == "generate_series") rows = rows_of({"value"});
  else if (token.name == "containstable" || token.name == "freetexttable") rows = rows_of({"key", "rank"});
  else return false;
  const Nested nested{*this};
  take();
  take();
  {
    const With names_go{uses_, &rows.uses};
    const auto first = cursor_.position();
    if (token.name == "openjson") open_json();
    else if (token.name == "containstable" || token.name == "freetexttable") full_text_table(rows);
    else values();
    if (token.name == "generate_series") check_generated(first);
  }
  expect(")");
  if (token.name == "openjson" && accept_word("with")) json_columns(rows);
  add_rows(std::move(rows), token.name, token.at);
  return true;
}

void Parser::open_json() {
  value();
  if (accept(",")) value();
}

// WITH (id int, city nvarchar(50) '$.address.city', tags nvarchar(max) '$.tags' AS JSON)
void Parser::json_columns(Block& rows) {
  rows.outputs.clear();
  expect("(");
  do {
    rows.outputs.push_back({Output::Kind::named, name(), {}});
    type();
    if (accept_word("collate")) name();
    if (peek().kind == Token::Kind::string) take();
    accept_words({"as", "json"});
  } while (accept(","));
  expect(")");
}

// CONTAINSTABLE (products, (name, attributes), 'hammer', LANGUAGE 1033, 10)
void Parser::full_text_table(Block& rows) {
  const auto& token = peek();
  Item item;
  item.path = path();
  item.at = token.at;
  if (item.path.size() == 1) item.path.insert(item.path.begin(), std::string{default_schema(Dialect::mssql)});  // no CTE
  check_table(token, item);
  rows.items.push_back(std::move(item));
  expect(",");
  full_text_columns();
  expect(",");
  expect_constant();
  while (accept(",")) {
    if (is_word("language")) language();
    else expect_constant();
  }
}

// A column, a list of them, or "*": every column with a full-text index.
void Parser::full_text_columns() {
  const auto one = [this](bool star_too) {
    const auto& token = peek();
    Path named;
    if (token.is_name()) {
      named = path();
      if (!peek().is(".")) return column(std::move(named), token);
      take();
    }
    if (!star_too || !accept("*")) return not_understood();
    uses_->push_back({.kind = Use::Kind::star, .path = std::move(named), .at = token.at, .query = {}});
  };
  if (!accept("(")) return one(true);
  if (peek().is("*")) one(true);
  else do
      one(false);
    while (accept(","));
  expect(")");
}

// CONTAINS (name, 'hammer'), FREETEXT ((name, attributes), @p1, LANGUAGE 1033)
void Parser::full_text_predicate() {
  take();
  expect("(");
  full_text_columns();
  expect(",");
  expect_constant();
  if (accept(",")) language();
  expect(")");
}

void Parser::language() {
  expect_word("language");
  expect_constant();
}

// "t.doc.nodes('/a')", or a function of the customer.
void Parser::table_function(const Path& path, const Token& token) {
  if (is_customers(path)) return customers_rows(path, token);
  const auto called = fmt::format("{}", fmt::join(path, "."));
  if (path.size() < 2 || path.back() != "nodes")
    return refuse(token, fmt::format("the function '{}' is not known to be harmless", called),
                  "Its owner can list it as one that only reads.", Layer::functions);
  const Nested nested{*this};
  Block rows;
  {
    const With names_go{uses_, &rows.uses};
    const auto first_method = bare_methods_.size();
    if (path.size() == 2) bare_methods_.push_back({path.front(), &token});
    settle_methods(first_method, block_->items);
    column_of_method({path.begin(), path.end() - 1}, token, tokens_[cursor_.position() - 1]);
    expect("(");
    xquery();
    expect(")");
  }
  add_rows(std::move(rows), path.back(), token.at);
}

void Parser::customers_rows(const Path& path, const Token& token) {
  Block rows;
  rows.outputs.push_back({.kind = Output::Kind::fields, .name = {}, .path = {}});
  {
    const With names_go{uses_, &rows.uses};
    customers_function(path, token);
  }
  add_rows(std::move(rows), path.back(), token.at);
}

// Without an alias it goes by its own name.
void Parser::add_rows(Block rows, const std::string& function, std::size_t at) {
  auto query = std::make_shared<Query>();
  query->blocks.push_back(std::move(rows));
  Item item;
  item.at = at;
  item.query = std::move(query);
  item.soft = true;  // which of its columns there are depends on versions and arguments
  if (!accept_alias(item)) item.alias = function;
  if (peek().is("(")) item.columns = column_list();
  add_query_item(std::move(item));
}

}  // namespace vmc::sql::mssql
