// Reads one statement of SQLite into a Query: strict, by recursive descent, in linear time.
//
// SQLite's own parser sees the same text afterwards and has the last word on what is well formed; precedence and the
// pairs of BETWEEN … AND, LIKE … ESCAPE are left to it. What it would accept and what is read here as anything else
// than SQLite would is refused.
#pragma once

#include <set>

#include "sql/guard/query.hpp"
#include "sql/guard/readers.hpp"
#include "sql/guard/sqlite/functions.hpp"
#include "sql/guard/sqlite/words.hpp"
#include "sql/guard/token.hpp"

namespace vmc::sql::sqlite {

// "INDEXED BY name" in FROM: indexes are no part of a schema.
struct IndexHint {
  std::size_t at = 0, length = 0;
  Path table;
};

struct Statement {
  std::optional<Refusal> refusal;
  Query query;
  std::size_t begin = 0, length = 0;  // of its tokens before the semicolon
  bool pragma = false;                // PRAGMA table_info(t): nothing to compile
  std::vector<IndexHint> hints;
};

class Parser {
 public:
  Parser(const std::vector<Token>& tokens, const Library& library, const GuardSettings& settings)
      : tokens_{tokens}, cursor_{tokens}, library_{library}, settings_{settings} {}

  Statement parse();

 private:
  using Uses = std::vector<Use>;
  using Alias = Use::Alias;

  // An expression, as far as what stands around it must know it.
  struct Shape {
    Path column;            // it is this column and nothing else
    Token literal;          // it is this literal and nothing else; otherwise of Kind::end
    bool constant = false;  // it is computed from literals alone
  };

  // statement.cpp
  bool statement();
  bool end_of_statement();
  bool pragma();
  bool pragma_argument(const SystemTable& system, Block& block);
  bool no_statement_begins_here();
  const Verb* verb_at(const Token& token) const;

  // select.cpp
  bool query(Query& query);
  bool subquery(std::shared_ptr<const Query>& made);
  bool at_query(std::size_t ahead = 0) const;
  bool with_clause(Query& query);
  bool common_table(Query& query);
  bool arm(Query& query);
  bool select(Block& block);
  bool values(Block& block);
  bool output(Block& block);
  bool tail(Block& block);
  bool named_windows(Block& block);
  bool order_and_limit(Query& query);
  bool sort_terms(Uses& uses, Alias alias, bool outputs_first);

  // from.cpp
  bool from(Block& block);
  bool from_item(Block& block, bool natural);
  bool join_operator(bool& natural);
  bool join_condition(Block& block, Item& item);
  bool group(Block& block, bool natural);
  bool table(Block& block, Item& item);
  bool table_or_call(Block& block, Item& item);
  bool table_call(Block& block, Item& item);
  bool system_table(Item& item, const SystemTable& system, const std::vector<Shape>* arguments);
  bool index_hint(const Item& item);
  bool take_alias(std::string& alias);

  // expression.cpp
  bool expression(Uses& uses, Alias alias, Shape* shape = nullptr);
  bool expressions(Uses& uses, Alias alias, std::vector<Shape>* shapes = nullptr);
  bool operand(Uses& uses, Alias alias, Shape& shape);
  bool plain_operand(Uses& uses, Alias alias, Shape& shape);
  bool suffixes(Uses& uses, Alias alias, Shape& shape);
  bool infix(Uses& uses, const Shape& left, bool& found);
  bool word(Uses& uses, Alias alias, Shape& shape);
  bool column(Uses& uses, Alias alias, Shape& shape);
  bool parenthesized(Uses& uses, Alias alias, Shape& shape);
  bool in_list(Uses& uses, Alias alias);
  bool case_expression(Uses& uses, Alias alias);
  bool cast(Uses& uses, Alias alias, Shape& shape);
  bool exists(Uses& uses);
  static void full_text(Uses& uses, const Shape& target, std::size_t at);

  // call.cpp
  bool call(Uses& uses, Alias alias);
  bool check_function(const Token& name);
  bool check_arguments(const Token& name, const std::vector<Shape>& arguments);
  bool check_format(const Token& name, const std::vector<Shape>& arguments);
  bool over(Uses& uses, Alias alias);
  bool window(Uses& uses, Alias alias);
  bool frame(Uses& uses, Alias alias);
  bool frame_bound(Uses& uses, Alias alias);

  // Names.
  bool is_name(const Token& token) const;        // where the grammar says so; a string is one too
  bool is_bare_alias(const Token& token) const;  // an alias without AS
  bool take_name(std::string& name);
  bool take_path(Path& path, std::size_t parts);
  bool expect(std::string_view symbol);
  bool expect_word(std::string_view word);
  const Token& peek(std::size_t ahead = 0) const { return cursor_.peek(ahead); }

  bool refuse(Layer layer, const Token& at, std::string what, std::string hint = {},
              Code code = Code::write_operation_rejected);
  bool not_understood();
  bool no_such_database(const Token& name);

  // Counts how deep the recursion is.
  class Deeper {
   public:
    explicit Deeper(Parser& parser) : parser_{parser} { ++parser_.depth_; }
    ~Deeper() { --parser_.depth_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;
    bool too_deep() const;

   private:
    Parser& parser_;
  };

  const std::vector<Token>& tokens_;
  TokenCursor cursor_;
  const Library& library_;
  const GuardSettings& settings_;
  int depth_ = 0;
  int windows_ = 0;
  Statement made_;
};

// The name a token stands for; of a string its text.
std::string name_of(const Token& token);

}  // namespace vmc::sql::sqlite
