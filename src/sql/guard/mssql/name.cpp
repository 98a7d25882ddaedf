// Names, and what an expression makes of them.
#include <fmt/format.h>

#include "sql/guard/catalogue.hpp"
#include "sql/guard/mssql/functions.hpp"
#include "sql/guard/mssql/lexer.hpp"
#include "sql/guard/mssql/names.hpp"
#include "sql/guard/mssql/parser.hpp"
#include "sql/guard/mssql/words.hpp"

namespace vmc::sql::mssql {

constexpr std::size_t kPartsMax = 5;  // server, database, schema, table, column

// "shop.dbo.orders", "shop..orders"; stops before ".*".
Path Parser::path() {
  Path parts{name()};
  while (peek().is(".") && !peek(1).is("*") && !refused()) {
    const auto& dot = take();
    if (parts.size() == kPartsMax) {
      refuse(dot, "a name has too many parts");
    } else if (peek().is(".")) {
      parts.emplace_back();
    } else {
      parts.push_back(name_here());
    }
  }
  return parts;
}

// Where a query could also have ended, or gone on: a keyword is not taken for a bad name.
std::string Parser::name() {
  const auto& token = peek();
  const bool keyword = token.kind == Token::Kind::word && (find_verb(token.name) || is_clause_word(token.name));
  if (!keyword) return name_here();
  not_understood();
  return {};
}

// Behind AS or a dot, where nothing but a name may stand.
std::string Parser::name_here() {
  const auto& token = peek();
  if (!token.is_name()) {
    not_understood();
  } else if (token.kind == Token::Kind::word && is_reserved(token.name)) {
    refuse(token, fmt::format("'{}' is a reserved word, not a name", token.text),
           fmt::format("As a name, write it in brackets: [{}].", token.text));
  } else if (!is_plain(token.name)) {
    refuse(token, "a name holds characters that the server may read as others, or not at all",
           "Write the name as the schema does.");
  } else {
    return take().name;
  }
  return {};
}

// Nothing can be looked up by an odd alias, so that any characters may stand in it.
std::string Parser::alias_name() {
  const auto& token = peek();
  if (token.kind == Token::Kind::string) {
    string_names_.push_back(value_of(take()));
    return folded(Dialect::mssql, string_names_.back());
  }
  if (token.kind == Token::Kind::quoted) return take().name;
  return name_here();
}

// An alias without AS is never a word that could begin a clause or another statement.
bool Parser::accept_alias_word(std::string& alias) {
  const auto& token = peek();
  if (!token.is_name() || (token.kind == Token::Kind::word && is_reserved(token.name)) || at_window_clause())
    return false;
  if (token.is_word("go")) return not_understood(), false;
  alias = take().name;
  return true;
}

// Where capitals may count, a table's name is not that of a common table, nor is one alias the other.
void Parser::check_spelling(const std::string& relation, const Token& token) {
  const auto known = spellings_.find(relation);
  if (known == spellings_.end() || is_one_name(known->second, spelling(token))) return;
  refuse(token, fmt::format("'{}' and '{}' are two names where the database tells capitals apart", known->second,
                            spelling(token)),
         "Spell it alike everywhere.");
}

// The name stands before the token `end`.
void Parser::declare_column(const std::string& column, std::size_t end) {
  if (refused()) return;
  const auto& token = tokens_[end - 1];
  column_spellings_[column].insert(token.kind == Token::Kind::string ? value_of(token) : std::string{spelling(token)});
}

// Of columns, aliases and tables; what is called is none.
std::set<std::string> Parser::names_of_two_spellings() const {
  std::set<std::string> out;
  std::map<std::string, std::string> seen;
  const auto add = [&](const std::string& name, std::string_view written) {
    const auto [at, is_new] = seen.try_emplace(name, written);
    if (!is_new && !is_one_name(at->second, written)) out.insert(name);
  };
  for (std::size_t i = 0; i + 1 < tokens_.size(); ++i) {
    const auto& token = tokens_[i];
    const bool keyword = token.kind == Token::Kind::word && is_reserved(token.name);
    if (token.is_name() && !keyword && !tokens_[i + 1].is("(")) add(token.name, spelling(token));
  }
  for (const auto& name : string_names_) add(folded(Dialect::mssql, name), name);
  return out;
}

void Parser::declare_new(const std::string& relation) {
  if (refused()) return;
  const auto& token = tokens_[cursor_.position() - 1];
  check_spelling(relation, token);
  spellings_.try_emplace(relation, spelling(token));
  declare(relation);
}

// The name stands before the cursor. Where the collation ignores accents, "ç.email" finds an inner "c" before the outer
// "ç": two relations of one statement may not be called almost alike.
void Parser::declare(const std::string& relation) {
  if (refused()) return;
  const auto& token = tokens_[cursor_.position() - 1];
  if (!is_plain(relation))
    return refuse(token, "an alias holds characters that the server may read as others, or not at all",
                  "Leave them out.");
  const auto& known = relations_.try_emplace(skeleton(relation), relation).first->second;
  if (known != relation)
    refuse(token, fmt::format("'{}' and '{}' may be one name to the server", known, relation),
           "Give one of them another alias.");
  ++declared_[relation];
}

// A name at the start of an operand: a column, a call, a constant.
void Parser::name_expression() {
  const auto& token = peek();
  if (is_any({"current_date", "current_timestamp", "current_user", "session_user", "system_user", "user"})) {
    take();
    return;
  }
  if (token.kind == Token::Kind::word && peek(1).is("(")) return call();
  if (is_word("next") && is_word("value", 1) && is_word("for", 2))
    return refuse(token, "NEXT VALUE FOR takes a number of a sequence for good", "Read the rows themselves.");
  if (peek(1).is("::")) return static_call();
  auto named = path();
  if (!peek().is("(")) return column(std::move(named), token);
  if (is_method_call(named)) return column_method(std::move(named), token);
  customers_function(named, token);
}

void Parser::column(Path path, const Token& token) {
  column_ = {static_cast<std::size_t>(&token - tokens_.data()), cursor_.position()};
  const bool property = path.size() > 1 && is_value_property(path.back());
  uses_->push_back({.path = std::move(path), .at = token.at, .property = property, .query = {}});
}

}  // namespace vmc::sql::mssql
