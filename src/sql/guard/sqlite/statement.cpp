#include <array>
#include <utility>

#include <fmt/format.h>

#include "sql/guard/catalogue.hpp"
#include "sql/guard/sqlite/parser.hpp"
#include "sql/guard/sqlite/words.hpp"

namespace vmc::sql::sqlite {
namespace {

constexpr auto kAskWithSelect = "Ask for rows with SELECT.";

// What is left over after a query, where people come from other dialects: the word and the one before it.
struct Habit {
  std::string_view before, word, what, hint;
};
constexpr std::array kHabits{
    Habit{"", "into", "SELECT … INTO writes its result into a table, a file or a variable",
          "Take the rows as the result."},
    Habit{"", "returning", "RETURNING belongs to statements that write", kAskWithSelect},
    Habit{"for", "", "FOR UPDATE and FOR SHARE lock rows", "Leave the locking clause out."},
    Habit{"lock", "in", "LOCK IN SHARE MODE locks rows", "Leave the locking clause out."},
    Habit{"fetch", "", "FETCH FIRST is not known to SQLite", "Write LIMIT at the end."},
    Habit{"top", "", "TOP is not known to SQLite", "Write LIMIT at the end."},
};

}  // namespace

std::string name_of(const Token& token) {
  return token.kind == Token::Kind::string ? folded(Dialect::sqlite, token.name) : token.name;
}

Statement Parser::parse() {
  if (statement()) end_of_statement();
  return std::move(made_);
}

bool Parser::statement() {
  const auto& first = peek();
  if (at_query()) return query(made_.query);
  if (first.is_word("pragma")) return pragma();
  if (first.is(";")) return refuse(Layer::syntax, first, "the statement begins with a semicolon", "Remove it.");
  if (first.is("("))
    return refuse(Layer::syntax, first, "SQLite knows no query in brackets of its own", "Remove the outer brackets.");
  return no_statement_begins_here();
}

// At a word where a query should begin.
bool Parser::no_statement_begins_here() {
  const auto& first = peek();
  const auto* verb = verb_at(first);
  if (!verb) return not_understood();
  if (verb->writes)
    return refuse(Layer::tokens, first, std::string{verb->what}, kAskWithSelect, Code::write_keyword_detected);
  return refuse(Layer::syntax, first, std::string{verb->what}, kAskWithSelect);
}

const Verb* Parser::verb_at(const Token& token) const {
  return settings_.keywords && token.kind == Token::Kind::word ? find_verb(token.name) : nullptr;
}

bool Parser::end_of_statement() {
  const auto& last = tokens_[cursor_.position() - 1];
  made_.begin = tokens_.front().at;
  made_.length = last.at + last.text.size() - made_.begin;
  if (cursor_.accept(";")) {
    if (cursor_.at_end()) return true;
    const auto& next = peek();
    if (next.is(";")) return refuse(Layer::syntax, next, "a second semicolon stands here", "One is enough.");
    const auto* verb = verb_at(next);
    if (verb && verb->writes)
      return refuse(Layer::tokens, next, fmt::format("a second statement begins here, and {}", verb->what),
                    "Send one SELECT at a time.", Code::write_keyword_detected);
    return refuse(Layer::syntax, next, "a second statement begins here", "Send one SELECT at a time.");
  }
  if (cursor_.at_end()) return true;
  for (const auto& habit : kHabits)
    if ((habit.before.empty() || last.is_word(habit.before)) && (habit.word.empty() || peek().is_word(habit.word)))
      return refuse(Layer::syntax, peek(), std::string{habit.what}, std::string{habit.hint});
  return no_statement_begins_here();
}

// PRAGMA [main.]name [(table)] or … = table. It reads as its table function does: SELECT * FROM pragma_name('table').
bool Parser::pragma() {
  cursor_.take();
  Path path;
  const auto& begin = peek();
  if (!take_path(path, 2)) return false;
  if (path.size() == 2 && path[0] != "main") return no_such_database(begin);
  const auto* system = find_system_table("pragma_" + path.back());
  if (!system)
    return refuse(Layer::syntax, begin,
                  fmt::format("PRAGMA {} reads or changes a setting, not the schema", path.back()),
                  "Of the pragmas table_info, table_xinfo, table_list and foreign_key_list may be asked.");
  made_.pragma = true;
  return pragma_argument(*system, made_.query.blocks.emplace_back());
}

bool Parser::pragma_argument(const SystemTable& system, Block& block) {
  const bool bracket = cursor_.accept("(");
  std::vector<Shape> arguments;
  if (bracket || cursor_.accept("=")) {
    if (!is_name(peek())) return not_understood();
    auto& argument = arguments.emplace_back();
    argument.literal = cursor_.take();
    if (bracket && !expect(")")) return false;
  }
  if (arguments.empty() && system.kind != SystemTable::Kind::schema)
    return refuse(Layer::syntax, peek(), "this PRAGMA asks for a table and none is named",
                  "Write PRAGMA table_info(orders).");
  block.outputs.push_back({.kind = Output::Kind::star, .name = {}, .path = {}});
  return system_table(block.items.emplace_back(), system, &arguments);
}

bool Parser::is_name(const Token& token) const {
  return token.kind == Token::Kind::quoted || token.kind == Token::Kind::string ||
         (token.kind == Token::Kind::word && !is_reserved(token.name));
}

bool Parser::is_bare_alias(const Token& token) const {
  return is_name(token) &&
         !(token.kind == Token::Kind::word && (is_join_word(token.name) || token.name == "indexed"));
}

bool Parser::take_name(std::string& name) {
  if (!is_name(peek())) return not_understood();
  name = name_of(cursor_.take());
  return true;
}

// "a.b.c", at most `parts` of them.
bool Parser::take_path(Path& path, std::size_t parts) {
  do {
    if (!take_name(path.emplace_back())) return false;
  } while (path.size() < parts && cursor_.accept("."));
  return true;
}

bool Parser::expect(std::string_view symbol) { return cursor_.accept(symbol) || not_understood(); }
bool Parser::expect_word(std::string_view word) { return cursor_.accept_word(word) || not_understood(); }

bool Parser::refuse(Layer layer, const Token& at, std::string what, std::string hint, Code code) {
  if (!made_.refusal) made_.refusal = Refusal{layer, code, at.at, std::move(what), std::move(hint)};
  return false;
}

bool Parser::not_understood() {
  const auto& token = peek();
  switch (token.kind) {
    case Token::Kind::end:
      return refuse(Layer::syntax, token, "the statement ends too early");
    case Token::Kind::string:
      return refuse(Layer::syntax, token, "a text is not understood here");
    case Token::Kind::number:
      return refuse(Layer::syntax, token, "a number is not understood here");
    default:
      return refuse(Layer::syntax, token, fmt::format("'{}' is not understood here", token.text));
  }
}

bool Parser::no_such_database(const Token& name) {
  return refuse(Layer::names, name, fmt::format("there is no database '{}' in this connection", name_of(name)),
                "Tables stand in 'main'.", Code::schema_access_denied);
}

bool Parser::Deeper::too_deep() const {
  if (parser_.depth_ <= kNestingMax) return false;
  parser_.refuse(Layer::syntax, parser_.peek(), fmt::format("this is nested more than {} deep", kNestingMax),
                 "Write it flatter, with WITH.");
  return true;
}

}  // namespace vmc::sql::sqlite
