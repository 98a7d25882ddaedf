// Calls of functions, and the syntax of those whose arguments are more than expressions.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <iterator>

#include <fmt/format.h>

#include "sql/guard/mysql/names.hpp"
#include "sql/guard/mysql/parser.hpp"
#include "sql/guard/mysql/words.hpp"

namespace vmc::sql::mysql {
namespace {

constexpr auto kTypes = std::to_array<std::string_view>({
    "bigint", "binary", "bit", "blob", "bool", "boolean", "char", "character", "date", "datetime", "dec", "decimal",
    "double", "fixed", "float", "geometry", "geometrycollection", "inet4", "inet6", "int", "integer", "json",
    "linestring", "longblob", "longtext", "mediumblob", "mediumint", "mediumtext", "multilinestring", "multipoint",
    "multipolygon", "nchar", "numeric", "nvarchar", "point", "polygon", "real", "signed", "smallint", "text", "time",
    "timestamp", "tinyblob", "tinyint", "tinytext", "unsigned", "uuid", "varbinary", "varchar", "vector", "year",
});
static_assert(std::ranges::is_sorted(kTypes));

}  // namespace

// At the parenthesis behind the name.
void Parser::call(const Token& token) {
  const auto* function = find_function(token.name);
  const bool quoted = token.kind == Token::Kind::quoted;
  const bool spaced = peek().blank_before;
  const bool built_in = function && (function->spelling == Spelling::any ||
                                     (!quoted && (function->spelling == Spelling::keyword || !spaced)));
  if (built_in) {
    if (!is_built_in_everywhere(function->name)) calls_.emplace(function->name, -1);
    return arguments(*function);
  }
  if (!quoted && is_reserved(token.name) && harm_of(token.name).empty()) return not_understood(token);
  stored_function({token.name}, token);
}

// A function of the user's own: one behind a database, and one with the name of a built-in function that is not spelt
// as the servers want it.
void Parser::stored_function(const Path& path, const Token& token) {
  const auto whole = fmt::format("{}", fmt::join(path, "."));
  const bool dots_within = std::ranges::count(whole, '.') >= std::ssize(path);  // `shop.f` in backticks is one name
  if (settings_.functions.contains(whole) && !dots_within) {
    const Nested nested{*this};
    expect("(");
    expressions_or_none();
    return expect(")");
  }
  std::string what = fmt::format("the function {} is not known to be harmless", shortened(whole));
  std::string hint = "Its owner can allow one of their own: functions = [...] of the connection, on the agent.";
  if (const auto harm = harm_of(path.back()); !harm.empty()) {
    what = harm;
    hint.clear();
  } else if (find_function(path.back())) {
    what = fmt::format("'{}' calls a function of the user's own here, not the built-in one", shortened(whole));
    hint = "Write the name without a database and backticks, and the parenthesis directly behind it.";
  }
  refuse(token, {Layer::functions, Code::write_operation_rejected, 0, std::move(what), std::move(hint)});
}

void Parser::arguments(const Function& function) {
  const Nested nested{*this};
  expect("(");
  switch (function.shape) {
    case Shape::plain:
      expressions_or_none();
      break;
    case Shape::no_arguments:
      if (!peek().is(")"))
        return refuse(peek(), {Layer::functions, Code::write_operation_rejected, 0,
                               fmt::format("with an argument, {} sets what the session remembers", function.name),
                               "Call it without an argument."});
      break;
    case Shape::aggregate:
    case Shape::ordered_aggregate:
      return aggregate(function);
    case Shape::window:
      expressions_or_none();
      expect(")");
      window_modifiers();
      return over();
    case Shape::percentile:
      fraction();
      expect(")");
      if (accept_words("within", "group")) within_group();
      return over();
    default:
      special(function.shape);
  }
  expect(")");
}

// Of PERCENTILE_DISC and PERCENTILE_CONT. MariaDB 10.11 ends by a signal when it is no part of 1 and texts are ordered.
void Parser::fraction() {
  const auto& token = peek();
  const std::string text{token.text};
  const bool plain = token.kind == Token::Kind::number && text.find_first_not_of("0123456789.") == text.npos;
  if (!plain || std::strtod(text.c_str(), nullptr) > 1)
    return refuse(token, {Layer::functions, Code::write_operation_rejected, 0, "a percentile takes a number from 0 to 1, written out",
                          "Write 0.5 for the median."});
  take();
}

void Parser::expressions_or_none() {
  if (!peek().is(")")) expressions();
}

// HAVING takes a name for an output first, but not in an aggregate.
void Parser::aggregate(const Function& function) {
  {
    const With names{names_, Names{names_.uses, names_.alias == Alias::first ? Alias::second : names_.alias}};
    if (!accept("*")) {
      accept_any({"all", "distinct"});
      expressions_or_none();
    }
    if (function.shape == Shape::ordered_aggregate) {
      if (accept_words("order", "by")) order_list(false);
      if (accept_word("separator")) expect_string();
      if (accept_word("limit")) limit();
    }
    expect(")");
  }
  over();
}

// NTH_VALUE(x, 2) FROM FIRST RESPECT NULLS OVER …
void Parser::window_modifiers() {
  if (is_word("from") && is_any({"first", "last"}, 1) && is_any({"respect", "ignore", "over"}, 2)) {
    take();
    take();
  }
  if (is_any({"respect", "ignore"}) && is_word("nulls", 1)) {
    take();
    take();
  }
}

// PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY x)
void Parser::within_group() {
  expect("(");
  expect_word("order");
  expect_word("by");
  order_list(false);
  expect(")");
}

// Between the parentheses.
void Parser::special(Shape shape) {
  switch (shape) {
    case Shape::cast:
      expression();
      if (accept_words("at", "time")) {
        expect_word("zone");
        accept_word("interval");
        expect_string();
      }
      expect_word("as");
      return cast_type();
    case Shape::convert:
      expression();
      if (accept_word("using")) return character_set();
      expect(",");
      return cast_type();
    case Shape::extract:
      unit();
      expect_word("from");
      return expression();
    case Shape::position:
      bits();
      expect_word("in");
      return expression();
    case Shape::substring:
      return substring();
    case Shape::trim:
      return trim();
    case Shape::characters:
      expressions();
      if (accept_word("using")) character_set();
      return;
    case Shape::weight_string:
      expression();
      if (accept_word("as")) cast_type();
      return;
    case Shape::timestamp_unit:
      unit();
      expect(",");
      return expressions();
    case Shape::get_format:
      expect_any({"date", "time", "datetime", "timestamp"});
      expect(",");
      return expression();
    case Shape::json_value:
      expressions();
      if (accept_word("returning")) cast_type();
      return json_on();
    case Shape::column_pairs:
    case Shape::column_get:
      return dynamic_columns();
    default:
      not_understood();
  }
}

void Parser::unit() {
  if (peek().kind != Token::Kind::word || !is_unit(peek().name)) return not_understood();
  take();
}

// SUBSTRING(x, 1, 2), SUBSTRING(x FROM 1 FOR 2)
void Parser::substring() {
  expression();
  if (accept_word("from")) {
    expression();
    if (accept_word("for")) expression();
    return;
  }
  expect(",");
  expressions();
}

// TRIM(x), TRIM(y FROM x), TRIM(BOTH y FROM x), TRIM(BOTH FROM x)
void Parser::trim() {
  if (!accept_any({"both", "leading", "trailing"}) || !is_word("from")) expression();
  if (accept_word("from")) expression();
}

// COLUMN_CREATE('a', 1 AS INT, …), COLUMN_GET(x, 'a' AS INT)
void Parser::dynamic_columns() {
  do {
    expression();
    if (accept_word("as")) cast_type();
  } while (accept(","));
}

void Parser::cast_type() {
  const auto& type = peek();
  if (type.kind != Token::Kind::word || !std::ranges::binary_search(kTypes, type.name)) return not_understood();
  take();
  accept_any({"precision", "varying"});
  type_size();
  for (bool more = true; more;) {
    more = accept_any({"integer", "int", "signed", "unsigned", "zerofill", "ascii", "unicode", "byte", "binary"});
    if (!accept_words("character", "set") && !accept_word("charset")) continue;
    character_set();
    more = true;
  }
}

// (10), (10, 2)
void Parser::type_size() {
  if (!accept("(")) return;
  expect_count();
  if (accept(",")) expect_count();
  expect(")");
}

void Parser::character_set() {
  if (peek().kind == Token::Kind::string || is_any({"binary", "default"}))
    take();
  else
    name();
}

}  // namespace vmc::sql::mysql
