#include "sql/guard/mysql/lexer.hpp"
#include "sql/guard/mysql/names.hpp"
#include "sql/guard/mysql/parser.hpp"

namespace vmc::sql::mysql {

// Behind SELECT.
void Parser::select(Block& block) {
  aliases_.clear();
  columns_.clear();
  selects_all_ = false;
  select_options();
  do select_item(block);
  while (accept(","));
  if (accept_word("from")) from();
  if (accept_word("where")) expression();
  if (is_word("group")) group_by();
  if (accept_word("having")) {
    const With names{names_, Names{&block.uses, Alias::first}};
    expression();
  }
  if (accept_word("window")) named_windows();
}

void Parser::select_options() {
  while (accept_any({"all", "distinct", "distinctrow", "high_priority", "straight_join", "sql_big_result",
                     "sql_buffer_result", "sql_cache", "sql_calc_found_rows", "sql_no_cache", "sql_small_result"})) {
  }
}

void Parser::select_item(Block& block) {
  if (star(block)) return;
  const auto first = cursor_.position();
  expression();
  if (refused()) return;
  remember_column(first);
  const bool literal = tokens_[cursor_.position() - 1].kind == Token::Kind::string;
  const bool as = accept_word("as");
  const auto& alias = peek();
  // A literal directly behind a name would be a prefix of the literal to other servers: E'\x41'.
  const bool text = alias.kind == Token::Kind::string && (as || (!literal && alias.blank_before));
  if (!text && !as && !is_bare_alias(alias)) {
    block.outputs.push_back(output(first));
    return;
  }
  const auto named = text ? fold(string_value(take().text)) : name();
  aliases_.insert(named);
  block.outputs.push_back({Output::Kind::named, named, {}});
}

// "*", "t.*", "shop.t.*"
bool Parser::star(Block& block) {
  std::size_t ahead = 0;
  while (ahead < 4 && peek(ahead).is_name() && peek(ahead + 1).is(".")) ahead += 2;
  if (!peek(ahead).is("*")) return false;
  const auto& token = peek();
  Output output{Output::Kind::star, {}, {}};
  for (; ahead > 0; ahead -= 2) {
    output.path.push_back(name());
    take();
  }
  take();
  if (output.path.empty()) selects_all_ = true;
  else use_qualifier(output.path, token);
  block.uses.push_back({.kind = Use::Kind::star, .path = output.path, .at = token.at, .query = {}});
  block.outputs.push_back(std::move(output));
  return true;
}

// What the servers call an output without an alias, the tokens from `first` on: a column by its name, whatever
// parentheses are around it, a string by what it says, anything else by its text.
Output Parser::output(std::size_t first) {
  const auto last = cursor_.position() - 1;
  if (refused() || last < first) return {};
  if (first == last && tokens_[first].kind == Token::Kind::string)
    return {Output::Kind::named, fold(string_value(tokens_[first].text)), {}};
  if (const auto column = column_alone(first, last)) return {Output::Kind::named, *column, {}};
  const auto begin = tokens_[first].at, end = tokens_[last].at + tokens_[last].text.size();
  return {Output::Kind::named, fold(text_.substr(begin, end - begin)), {}};
}

// The name of the column that the tokens [first, last] are and nothing else.
std::optional<std::string> Parser::column_alone(std::size_t first, std::size_t last) const {
  for (; first < last && tokens_[first].is("(") && tokens_[last].is(")"); ++first) --last;
  for (auto i = first; i <= last; ++i)
    if ((i - first) % 2 == 0 ? !tokens_[i].is_name() : !tokens_[i].is(".")) return std::nullopt;
  return tokens_[last].is_name() ? std::optional{tokens_[last].name} : std::nullopt;
}

// Of SELECT and GROUP BY: what HAVING may name without meaning a query around.
void Parser::remember_column(std::size_t first) {
  if (refused() || !column_alone(first, cursor_.position() - 1) || names_.uses->empty()) return;
  const auto& path = names_.uses->back().path;
  if (path.empty()) return;
  columns_.insert(path);
  columns_.insert({path.back()});
}

// A name means the column before the output, even where it stands alone.
void Parser::group_by() {
  take();
  expect_word("by");
  const With names{names_, Names{&block_->uses, Alias::second}};
  do {
    const auto first = cursor_.position();
    expression();
    remember_column(first);
    accept_any({"asc", "desc"});
  } while (accept(","));
  if (accept_word("with")) expect_word("rollup");
}

void Parser::named_windows() {
  do {
    name();
    expect_word("as");
    window();
  } while (accept(","));
}

// Behind a function.
void Parser::over() {
  if (!accept_word("over")) return;
  if (peek().is("(")) return window();
  name();
}

// ([name] [PARTITION BY …] [ORDER BY …] [frame]). MySQL takes a name in it for a column, MariaDB also for an output.
void Parser::window() {
  const Nested nested{*this};
  const With names{names_, Names{names_.uses, Alias::second}};
  expect("(");
  if (peek().is_name() && !is_any({"partition", "order", "rows", "range", "groups"})) name();
  if (accept_words("partition", "by")) expressions();
  if (accept_words("order", "by")) order_list(false);
  if (is_any({"rows", "range", "groups"})) frame();
  expect(")");
}

void Parser::frame() {
  take();
  if (accept_word("between")) {
    frame_bound();
    expect_word("and");
  }
  frame_bound();
  if (!accept_word("exclude")) return;
  if (accept_words("current", "row") || accept_words("no", "others")) return;
  expect_any({"group", "ties"});
}

void Parser::frame_bound() {
  if (accept_words("current", "row")) return;
  if (!accept_word("unbounded")) bits();
  expect_any({"preceding", "following"});
}

}  // namespace vmc::sql::mysql
