// Names of tables, and what they are called by.
#include <fmt/format.h>

#include "sql/guard/mysql/names.hpp"
#include "sql/guard/mysql/parser.hpp"
#include "sql/guard/mysql/system.hpp"
#include "sql/guard/mysql/words.hpp"

namespace vmc::sql::mysql {

void Parser::table(Item& item) {
  const auto& token = peek();
  item.at = token.at;
  item.path.push_back(name());
  const auto* last = &token;
  if (accept(".")) {
    last = &peek();
    item.path.push_back(name());
  }
  if (refused()) return;
  check_common_table(item, token);
  check_table(item, token);
  call_table(*last, item.path.back(), false);
}

void Parser::check_table(Item& item, const Token& token) {
  const auto& name = item.path.back();
  const bool capitals = std::ranges::any_of(token.text, [](char c) { return c >= 'A' && c <= 'Z'; });
  if (const auto rows = item.path.size() == 1 && !capitals ? sequence_rows(name) : std::nullopt) {
    item.kind = Item::Kind::function;  // unless a table of the customer's has that name
    item.alias = name;
    item.columns = {"seq"};
    calls_.emplace(name, -1);
    return multiply_rows(*rows);
  }
  if (item.path.size() == 1) return;
  const auto& schema = item.path.front();
  item.catalogue = schema == "information_schema" && is_open_catalogue_table(name);
  if (item.catalogue || (schema != "information_schema" && !is_system_schema(schema))) return;
  refuse(token, {Layer::names, Code::schema_access_denied, 0,
                 fmt::format("'{}.{}' is a table of the server's own", schema, shortened(name)),
                 "Tables, columns and keys are in information_schema.tables, columns and key_column_usage."});
}

// Where capitals may count, another spelling of a common table's name is that of a table.
void Parser::check_common_table(const Item& item, const Token& token) {
  if (item.path.size() > 1) return;
  const auto known = common_tables_.find(item.path.front());
  if (known == common_tables_.end() || is_one_name(known->second, spelling(token), ignores_case_)) return;
  refuse(token, fmt::format(kTwoSpellings, shortened(known->second), shortened(spelling(token))),
         "Spell it alike everywhere.");
}

void Parser::multiply_rows(std::uint64_t rows) {
  generated_rows_ = rows > kSequenceRowsMax ? rows : generated_rows_ * rows;
  if (generated_rows_ > kSequenceRowsMax)
    refuse(peek(), fmt::format("the sequence tables here make more than {} rows", kSequenceRowsMax),
           "Use a shorter sequence.");
}

// [AS] alias. An alias that only repeats the table's name is none: the table may still be qualified.
bool Parser::take_alias(Item& item) {
  const bool as = accept_word("as");
  const auto& token = peek();
  if (!as && !is_bare_alias(token)) return false;
  const auto alias = name();
  if (!item.path.empty() && alias == item.path.back()) {
    auto& called = called_[alias];
    if (called.tables == 1) called.spelling = spelling(token);  // of this table alone: the name that its alias hides
    else call_table(token, alias, false);
    return true;
  }
  call_table(token, alias, true);
  item.alias = alias;
  return true;
}

bool Parser::is_bare_alias(const Token& token) const {
  if (token.kind == Token::Kind::quoted) return true;
  return token.kind == Token::Kind::word && !is_reserved(token.name) && !is_never_bare_alias(token.name);
}

void Parser::call_table(const Token& token, const std::string& name, bool alias) {
  auto& called = called_[name];
  ++called.tables;
  if (called.spelling.empty()) called.spelling = spelling(token);
  called.two_spellings = called.two_spellings || !is_one_name(called.spelling, spelling(token), ignores_case_);
  called.alias = called.alias || alias;
  check_called(called, token);
}

// `path`: what stands before a column or a star.
void Parser::use_qualifier(const Path& path, const Token& token) {
  auto& called = called_[path.back()];
  called.qualifier = true;
  called.with_database = called.with_database || path.size() > 1;
  check_called(called, token);
}

// Two tables called "c" and "C" are told apart by some servers, and by some systems they run on; and "shop.c" may mean
// a table of the database shop that is called c by an alias.
void Parser::check_called(const Called& called, const Token& token) {
  if (called.qualifier && called.two_spellings)
    return refuse(token,
                  fmt::format("tables are called '{}' here in two spellings, which some servers tell apart",
                              shortened(called.spelling)),
                  "Spell it alike everywhere, or give them aliases that differ.");
  if (called.alias && called.with_database)
    refuse(token, fmt::format("'{}' is an alias, and stands behind a database as well", shortened(called.spelling)),
           "Leave the database out before a column.");
}

std::string Parser::name() {
  const auto& token = peek();
  if (!token.is_name() || (token.kind == Token::Kind::word && is_reserved(token.name))) {
    not_understood();
    return {};
  }
  return take().name;
}

// (a, b, c)
std::vector<std::string> Parser::name_list() {
  std::vector<std::string> names;
  expect("(");
  do names.push_back(name());
  while (accept(","));
  expect(")");
  return names;
}

}  // namespace vmc::sql::mysql
