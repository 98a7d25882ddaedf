// Reads the tokens of one statement of MySQL or MariaDB into a Query: strictly, by recursive descent, in linear time.
// What the grammar does not consume and understand is refused.
//
// There is one refusal, the first. It moves the cursor to the end, where nothing is accepted any more, so that the rest
// of the grammar falls through without looking.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sql/guard/mysql/functions.hpp"
#include "sql/guard/mysql/lexer.hpp"
#include "sql/guard/query.hpp"
#include "sql/guard/readers.hpp"
#include "sql/guard/token.hpp"

namespace vmc::sql::mysql {

class Parser {
 public:
  Parser(std::string_view text, const Lexed& lexed, const GuardSettings& settings)
      : text_{text}, tokens_{lexed.tokens}, chooses_index_{lexed.chooses_index}, cursor_{lexed.tokens},
        settings_{settings}, ignores_case_{settings.catalogue.ignores_case()} {}
  Reading read();

 private:
  using Alias = Use::Alias;
  // Where the names of an expression go, and whether an output may be meant. Alias::first holds for outputs that are
  // named by AS, and falls back to Alias::second for the others.
  struct Names {
    std::vector<Use>* uses = nullptr;
    Alias alias = Alias::never;
  };
  // A name by which a table is called anywhere in the statement, and how it is used.
  struct Called {
    std::string_view spelling;
    int tables = 0;
    bool two_spellings = false, alias = false, qualifier = false, with_database = false;
  };
  // A join whose ON is still to come, if it has one.
  struct OpenJoin {
    std::size_t left = 0, right = 0;  // the first items of its sides
    std::size_t uses = 0;
    bool needs_condition = false;
  };
  // What stood in parentheses: a query, or values.
  struct Group {
    std::optional<Query> query;
    std::size_t values = 1;
    std::size_t at = 0;
  };
  enum class Join { none, inner, outer, natural };

  // statement.cpp
  void statement(Reading& reading);
  void end_of_statement(Reading& reading);
  Query query();
  Query whole_query();
  Query query_in_parentheses();
  void with_clause(Query& query);
  void common_table(Query& query, bool recursive);
  Query rest_of_query(Query first, std::size_t at);
  void arms(Query& query);
  void arm(Query& query);
  void simple_arm(Block& block);
  void values(Block& block);
  void table_statement(Block& block);
  void tail(Query& query);
  void order_list(bool outputs_first);
  void limit();
  void fetch();
  bool at_query(std::size_t ahead = 0) const;
  bool at_set_operator() const;
  bool at_rest_of_query() const;

  // select.cpp
  void select(Block& block);
  void select_options();
  void select_item(Block& block);
  bool star(Block& block);
  Output output(std::size_t first);
  std::optional<std::string> column_alone(std::size_t first, std::size_t last) const;
  void remember_column(std::size_t first);
  void group_by();
  void named_windows();
  void over();
  void window();
  void frame();
  void frame_bound();

  // from.cpp
  void from();
  void table_references();
  void joined_tables(std::size_t left, bool begun);
  Join join_operator();
  void join_condition(const OpenJoin& join);
  void close_joins(const std::vector<OpenJoin>& open);
  void table_factor();
  std::optional<Query> table_parentheses();
  void outer_join_escape();
  void derived_table(Query query, std::size_t at, bool lateral);
  void json_table();
  void json_columns(Item& item);
  void json_column(Item& item);
  void json_on();
  void named_table();
  void system_time(Item& item);
  void index_hints(Item& item);
  void add_item(Item item);

  // table.cpp
  void table(Item& item);
  void check_table(Item& item, const Token& token);
  void check_common_table(const Item& item, const Token& token);
  void multiply_rows(std::uint64_t rows);
  bool take_alias(Item& item);
  void call_table(const Token& token, const std::string& name, bool alias);
  void use_qualifier(const Path& path, const Token& token);
  void check_called(const Called& called, const Token& token);
  bool is_bare_alias(const Token& token) const;
  std::string name();
  std::vector<std::string> name_list();

  // expression.cpp; `begun`: its first operand has been read
  void expression(bool begun = false);
  void conjunction(bool begun);
  void negation(bool begun);
  void comparison(bool begun);
  void predicate(bool begun);
  bool negatable_predicate();
  void bits(bool begun = false);
  void operand();
  void check_chain(int length);
  void postfix();
  void primary();
  void word_expression();
  bool literal_word();
  void strings();
  void expressions();
  Group parentheses();
  void use_group(Group group);
  void value_in_parentheses();
  void subquery();
  void case_expression();
  void interval();
  void match();
  void odbc_escape();
  void system_variable();
  void name_expression();
  void column_name();
  void column(Path path, const Token& token);
  void use_around(Use use);

  // call.cpp
  void call(const Token& token);
  void stored_function(const Path& path, const Token& token);
  void arguments(const Function& function);
  void fraction();
  void expressions_or_none();
  void aggregate(const Function& function);
  void window_modifiers();
  void within_group();
  void special(Shape shape);
  void unit();
  void substring();
  void trim();
  void dynamic_columns();
  void cast_type();
  void type_size();
  void character_set();

  // show.cpp
  void show(Query& query);
  void show_tables(const Token& token);
  void show_of_table();
  void show_variable();
  void show_create();
  std::string database();
  void show_filter();
  void describe(Query& query);
  bool at_explained() const;

  // parser.cpp
  const Token& peek(std::size_t ahead = 0) const { return cursor_.peek(ahead); }
  const Token& take() { return cursor_.take(); }
  bool accept(std::string_view symbol) { return cursor_.accept(symbol); }
  bool accept_word(std::string_view word) { return cursor_.accept_word(word); }
  bool is_word(std::string_view word, std::size_t ahead = 0) const { return peek(ahead).is_word(word); }
  bool is_any(std::initializer_list<std::string_view> words, std::size_t ahead = 0) const;
  bool accept_any(std::initializer_list<std::string_view> words);
  bool accept_words(std::string_view first, std::string_view second);
  void expect(std::string_view symbol);
  void expect_word(std::string_view word);
  void expect_any(std::initializer_list<std::string_view> words);
  void expect_string();
  void expect_count();  // a number or a parameter
  void refuse(const Token& token, Refusal refusal);
  void refuse(const Token& token, std::string what, std::string hint = {});
  std::string_view meaning_of_verb(const Token& token) const;  // empty: it is not known as one
  void not_understood(const Token& token);
  void too_deep();
  void not_understood() { not_understood(peek()); }
  bool refused() const { return refusal_.has_value(); }

  // Counts what recursion follows, as long as it lives.
  class Nested {
   public:
    explicit Nested(Parser& parser);
    ~Nested() { --parser_.depth_; }
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;

   private:
    Parser& parser_;
  };
  // Another value for a member, as long as it lives.
  template <class T>
  class With {
   public:
    With(T& member, T value) : member_{member}, before_{std::exchange(member, std::move(value))} {}
    ~With() { member_ = std::move(before_); }
    With(const With&) = delete;
    With& operator=(const With&) = delete;

   private:
    T& member_;
    T before_;
  };

  std::string_view text_;
  const std::vector<Token>& tokens_;
  const bool chooses_index_;
  TokenCursor cursor_;
  const GuardSettings& settings_;
  bool ignores_case_;
  std::optional<Refusal> refusal_;
  data::Calls calls_;
  int depth_ = 0, queries_ = 0;  // how deep the recursion is; how many queries it is in
  Block* block_ = nullptr;
  Names names_;
  std::set<std::string> aliases_;                      // outputs of the block that AS names
  std::set<Path> columns_;                             // that the block selects and groups by, also without qualifiers
  bool selects_all_ = false;                           // of every table of the block: *
  std::map<std::string, Called, std::less<>> called_;  // by folded name
  std::map<std::string, std::string_view> common_tables_;
  std::size_t common_table_count_ = 0;
  std::uint64_t generated_rows_ = 1;  // of the block that is read: sequence tables multiply
};

// Of two names that differ in capitals.
inline constexpr const char* kTwoSpellings = "'{}' and '{}' are one name to some servers and two to others";

}  // namespace vmc::sql::mysql
