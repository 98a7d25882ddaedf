#include <fmt/format.h>

#include "sql/guard/sqlite/parser.hpp"
#include "sql/guard/sqlite/words.hpp"

namespace vmc::sql::sqlite {

bool Parser::at_query(std::size_t ahead) const {
  const auto& token = peek(ahead);
  return token.is_word("select") || token.is_word("values") || (token.is_word("with") && is_name(peek(ahead + 1)));
}

// [WITH …] arm [UNION … arm …] [ORDER BY …] [LIMIT …]
bool Parser::query(Query& query) {
  const Deeper deeper{*this};
  if (deeper.too_deep()) return false;
  const auto begin = cursor_.position();
  query.recursive = true;  // every WITH: its tables see each other in any order
  if (peek().is_word("with") && !with_clause(query)) return false;
  do {
    if (!arm(query)) return false;
    if (cursor_.accept_word("union")) {
      cursor_.accept_word("all");
      continue;
    }
    if (!cursor_.accept_word("except") && !cursor_.accept_word("intersect")) break;
  } while (true);
  if (!order_and_limit(query)) return false;
  query.tokens = cursor_.position() - begin;
  return true;
}

bool Parser::subquery(std::shared_ptr<const Query>& made) {
  auto query = std::make_shared<Query>();
  if (!this->query(*query)) return false;
  made = std::move(query);
  return true;
}

bool Parser::with_clause(Query& query) {
  cursor_.take();
  cursor_.accept_word("recursive");
  do {
    if (!common_table(query)) return false;
  } while (cursor_.accept(","));
  return true;
}

bool Parser::common_table(Query& query) {
  auto& table = query.with.emplace_back();
  table.recursive = true;
  if (!take_name(table.name)) return false;
  if (cursor_.accept("(")) {
    do {
      if (!take_name(table.columns.emplace_back())) return false;
    } while (cursor_.accept(","));
    if (!expect(")")) return false;
  }
  if (!expect_word("as")) return false;
  if (cursor_.accept_word("not")) {
    if (!expect_word("materialized")) return false;
  } else {
    cursor_.accept_word("materialized");
  }
  if (!expect("(")) return false;
  if (!at_query()) return no_statement_begins_here();
  return subquery(table.query) && expect(")");
}

bool Parser::arm(Query& query) {
  const auto begin = cursor_.position();
  const bool is_select = peek().is_word("select");
  if (is_select || peek().is_word("values")) {
    cursor_.take();
    auto& block = query.blocks.emplace_back();
    if (!(is_select ? select(block) : values(block))) return false;
    block.tokens = cursor_.position() - begin;
    return true;
  }
  if (peek().is("("))
    return refuse(Layer::syntax, peek(), "SQLite knows no brackets around the parts of a UNION",
                  "Write SELECT * FROM (…) for a part in brackets.");
  return no_statement_begins_here();
}

bool Parser::select(Block& block) {
  if (!cursor_.accept_word("distinct")) cursor_.accept_word("all");
  do {
    if (!output(block)) return false;
  } while (cursor_.accept(","));
  if (cursor_.accept_word("from") && !from(block)) return false;
  return tail(block);
}

// VALUES (1, 2), (3, 4): its columns are called column1, column2.
bool Parser::values(Block& block) {
  for (block.rows = 1;; ++block.rows) {
    std::vector<Shape> row;
    if (!expect("(") || !expressions(block.uses, Alias::never, &row) || !expect(")")) return false;
    for (auto i = block.outputs.size(); i < row.size(); ++i)
      block.outputs.push_back({.kind = Output::Kind::named, .name = fmt::format("column{}", i + 1), .path = {}});
    if (!cursor_.accept(",")) return true;
  }
}

bool Parser::output(Block& block) {
  auto& output = block.outputs.emplace_back();
  const auto at = peek().at;
  const auto reads_all = [&] {
    block.uses.push_back({.kind = Use::Kind::star, .path = output.path, .at = at, .alias = Alias::never, .query = nullptr});
    return true;
  };
  if (cursor_.accept("*")) {
    output.kind = Output::Kind::star;
    return reads_all();
  }
  if (is_name(peek()) && peek(1).is(".") && peek(2).is("*")) {
    output.kind = Output::Kind::star;
    output.path.push_back(name_of(cursor_.take()));
    cursor_.take();
    cursor_.take();
    return reads_all();
  }
  Shape shape;
  const auto begin = cursor_.position();
  if (!expression(block.uses, Alias::never, &shape)) return false;
  output.tokens = cursor_.position() - begin;
  output.uses_end = block.uses.size();
  if (!take_alias(output.name)) return false;
  if (output.name.empty() && !shape.column.empty()) {
    output.name = shape.column.back();
    output.path = shape.column;  // named after it: seen from outside, but no alias to ORDER BY
  }
  if (!output.name.empty()) output.kind = Output::Kind::named;
  return true;
}

// WHERE, GROUP BY, HAVING, WINDOW: a name that is no column may be the alias of an output in all of them.
bool Parser::tail(Block& block) {
  if (cursor_.accept_word("where") && !expression(block.uses, Alias::second)) return false;
  if (cursor_.accept_word("group") && !(expect_word("by") && expressions(block.uses, Alias::second))) return false;
  if (cursor_.accept_word("having") && !expression(block.uses, Alias::second)) return false;
  return named_windows(block);
}

// WINDOW is a keyword only before "name AS".
bool Parser::named_windows(Block& block) {
  if (!(peek().is_word("window") && is_name(peek(1)) && peek(2).is_word("as"))) return true;
  cursor_.take();
  do {
    std::string ignored;
    if (!take_name(ignored) || !expect_word("as") || !window(block.uses, Alias::second)) return false;
  } while (cursor_.accept(","));
  return true;
}

bool Parser::order_and_limit(Query& query) {
  if (cursor_.accept_word("order") && !(expect_word("by") && sort_terms(query.order_by, Alias::second, true)))
    return false;
  if (!cursor_.accept_word("limit")) return true;
  if (!expression(query.order_by, Alias::never)) return false;
  if (cursor_.accept_word("offset") || cursor_.accept(",")) return expression(query.order_by, Alias::never);
  return true;
}

// `outputs_first`: a term that is nothing but a name is an output's before it is a column's.
bool Parser::sort_terms(Uses& uses, Alias alias, bool outputs_first) {
  do {
    Shape shape;
    if (!expression(uses, alias, &shape)) return false;
    if (outputs_first && shape.column.size() == 1) uses.back().alias = Alias::first;
    if (!cursor_.accept_word("asc")) cursor_.accept_word("desc");
    if (cursor_.accept_word("nulls") && !cursor_.accept_word("first") && !expect_word("last")) return false;
  } while (cursor_.accept(","));
  return true;
}

}  // namespace vmc::sql::sqlite
