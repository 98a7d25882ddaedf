// Calls: the built-in functions with an ordinary list of arguments, aggregates and windows, and the customer's own.
#include <cstdlib>

#include <fmt/format.h>

#include "sql/guard/catalogue.hpp"
#include "sql/guard/mssql/lexer.hpp"
#include "sql/guard/mssql/parser.hpp"
#include "sql/guard/mssql/words.hpp"

namespace vmc::sql::mssql {
namespace {

constexpr const char* kList = "Its owner can list it as one that only reads.";

// A table as a text names it: N'dbo.[Sales Report]'.
Path path_in(std::string_view text) {
  Path path;
  for (;;) {
    const auto dot = text.find('.');
    auto part = text.substr(0, dot);
    const bool quoted =
        part.size() > 2 && ((part.front() == '[' && part.back() == ']') || (part.front() == '"' && part.back() == '"'));
    if (quoted) part = part.substr(1, part.size() - 2);
    path.push_back(folded(Dialect::mssql, part));
    if (dot == text.npos) return path;
    text.remove_prefix(dot + 1);
  }
}

// 0 for what is no number.
double number_in(const Token& token) {
  std::string text{token.kind == Token::Kind::string ? value_of(token) : std::string{token.text}};
  if (text.starts_with('$')) text.erase(0, 1);
  return std::strtod(text.c_str(), nullptr);  // knows 0x too
}

}  // namespace

// NAME "(" …
void Parser::call() {
  const auto& token = peek();
  if (const auto* function = find_function(token.name)) {
    take();
    return arguments(*function, token);
  }
  if (is_customers({token.name})) {
    take();
    return customers_function({token.name}, token);
  }
  if (is_reserved(token.name)) return not_understood();
  refuse(token, fmt::format("the function '{}' is not known to be harmless", token.text), kList, Layer::functions);
}

void Parser::arguments(const Function& function, const Token& token) {
  const Nested nested{*this};
  expect("(");
  const auto first = cursor_.position();
  const bool aggregate = function.form == Form::aggregate || function.form == Form::counting;
  const bool all_rows = function.form == Form::counting && accept("*");
  if (aggregate && !all_rows && !accept_word("distinct")) accept_word("all");
  if (function.form == Form::special) special(token);
  else if (!all_rows && !peek().is(")")) ordinary_arguments(function, token);
  if (function.form == Form::generator) check_generated(first);
  expect(")");
  if (aggregate) behind_aggregate();
}

void Parser::ordinary_arguments(const Function& function, const Token& token) {
  switch (function.form) {
    case Form::whole_row:
      if (!accept("*")) return values();
      uses_->push_back({.kind = Use::Kind::star, .path = {}, .at = token.at, .query = {}});
      return;
    case Form::date_part:
      return date_part();
    case Form::property:
      return property();
    case Form::naming:
      return table_names(token);
    case Form::telling:
      uses_->push_back({.kind = Use::Kind::catalogue, .path = {token.name}, .at = token.at, .query = {}});
      return values();
    case Form::one:
      return value();
    case Form::no_more:
      return refuse(peek(), fmt::format("{} with an argument asks for another one than this session's", token.text),
                    "Leave the argument out.", Layer::functions);
    default:
      return values();
  }
}

// DATEADD (day, …): the part is a word, not a column.
void Parser::date_part() {
  if (peek().kind != Token::Kind::word || !is_date_part(peek().name)) return not_understood();
  take();
  expect(",");
  values();
}

// OBJECT_ID (N'orders') or OBJECT_ID (N'orders', N'U') as a whole argument: judged by itself.
bool Parser::is_table_number() const {
  if (!peek().is_word("object_id") || !peek(1).is("(") || peek(2).kind != Token::Kind::string) return false;
  const std::size_t end = peek(3).is(",") && peek(4).kind == Token::Kind::string ? 5 : 3;
  return peek(end).is(")") && (peek(end + 1).is(",") || peek(end + 1).is(")"));
}

// OBJECT_ID (N'orders', …), OBJECTPROPERTY (OBJECT_ID (…), …). What names or numbers one otherwise may name any.
void Parser::table_names(const Token& function) {
  const auto& first = peek();
  Use use{.kind = Use::Kind::catalogue, .path = {function.name}, .at = function.at, .query = {}};
  if (first.kind == Token::Kind::string && (peek(1).is(",") || peek(1).is(")"))) {
    use.kind = Use::Kind::relation;
    use.path = path_in(value_of(first));
  }
  if (!is_table_number()) uses_->push_back(std::move(use));
  value();
  // A second argument of these would ask for another database.
  if (function.name != "object_name" && function.name != "object_schema_name" && accept(",")) values();
}

void Parser::property() {
  const auto& token = peek();
  expect_string();
  if (refused() || is_server_property(folded(Dialect::mssql, value_of(token)))) return;
  refuse(token, "this property of the server is not shown", "Version, edition and collation may be asked for.",
         Layer::functions);
}

void Parser::behind_aggregate() {
  if (accept_words({"within", "group"})) {
    expect("(");
    expect_word("order");
    expect_word("by");
    do order_item(false);
    while (accept(","));
    expect(")");
  }
  if (!accept_words({"ignore", "nulls"})) accept_words({"respect", "nulls"});
  if (accept_word("over")) over();
}

void Parser::over() {
  if (!accept("(")) {
    name();
    return;
  }
  const Nested nested{*this};
  window_definition();
  expect(")");
}

// [name] [PARTITION BY …] [ORDER BY …] [frame]
void Parser::window_definition() {
  const bool partitioned = is_word("partition") && is_word("by", 1);
  if (peek().is_name() && !partitioned && !is_any({"order", "rows", "range"})) name();
  if (accept_words({"partition", "by"})) values();
  if (accept_words({"order", "by"})) {
    do order_item(false);
    while (accept(","));
  }
  if (accept_any({"rows", "range"})) frame();
}

void Parser::frame() {
  const bool between = accept_word("between");
  frame_bound();
  if (!between) return;
  expect_word("and");
  frame_bound();
}

void Parser::frame_bound() {
  if (accept_words({"current", "row"})) return;
  if (!accept_word("unbounded")) expect_number();
  expect_any({"preceding", "following"});
}

// The cursor stands behind its name.
void Parser::customers_function(const Path& path, const Token& token) {
  if (refused()) return;
  if (!is_customers(path))
    return refuse(token, fmt::format("the function '{}' is not known to be harmless", fmt::join(path, ".")), kList,
                  Layer::functions);
  const Nested nested{*this};
  expect("(");
  if (accept(")")) return;
  do
    if (!accept_word("default")) value();
  while (accept(","));
  expect(")");
}

// "vat_of" lists the function of the default schema.
bool Parser::is_customers(const Path& path) const {
  if (settings_.functions.contains(fmt::format("{}", fmt::join(path, ".")))) return true;
  const std::string schema{default_schema(Dialect::mssql)};
  if (path.size() == 1) return settings_.functions.contains(schema + "." + path.front());
  return path.size() == 2 && path.front() == schema && settings_.functions.contains(path.back());
}

// What is written in the arguments since `from` may not ask for millions of characters or rows.
// The numbers in the arguments, one by one and where they are multiplied; of REPLICATE's only in the second.
void Parser::check_generated(std::size_t from) {
  const auto& name = tokens_[from - 2].name;
  bool counts = name != "replicate" && name != "repeat";
  double product = 1;
  int depth = 0;
  for (auto i = from; i < cursor_.position() && !refused(); ++i) {
    const auto& token = tokens_[i];
    depth += token.is("(") ? 1 : token.is(")") ? -1 : 0;
    counts = counts || (token.is(",") && depth == 0);
    if (token.kind != Token::Kind::number && token.kind != Token::Kind::string) {
      if (!token.is("*") && !token.is("(") && !token.is(")")) product = 1;
      continue;
    }
    product *= number_in(token);
    if (counts && product > kGeneratedMax)
      refuse(token, fmt::format("this makes more than {} characters or rows", static_cast<int>(kGeneratedMax)),
             "Ask for less.", Layer::functions);
  }
}

// The name and arguments of {fn NAME(…)}.
void Parser::odbc_call() {
  const auto& token = take();
  if (token.kind != Token::Kind::word) return not_understood(token);
  const auto* function = find_odbc_function(token.name);
  if (!function)
    return refuse(token, fmt::format("the function '{}' is not known to be harmless", token.text), {},
                  Layer::functions);
  if (!odbc_special(token)) arguments(*function, token);
}

}  // namespace vmc::sql::mssql
