// Reads the tokens of a T-SQL statement into a Query: one SELECT, strictly; what the grammar does not consume and
// understand is refused.
//
// There is one refusal, the first. It moves the cursor to the end, where nothing is accepted any more, so that the rest
// of the grammar falls through without looking.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sql/guard/mssql/functions.hpp"
#include "sql/guard/query.hpp"
#include "sql/guard/readers.hpp"
#include "sql/guard/token.hpp"

namespace vmc::sql::mssql {

class Parser {
 public:
  Parser(const std::vector<Token>& tokens, const GuardSettings& settings)
      : tokens_{tokens}, cursor_{tokens}, settings_{settings}, ignores_case_{settings.catalogue.ignores_case()} {}
  Reading read();

 private:
  // What an expression turned out to be: T-SQL has no boolean values.
  enum class Kind { value, condition };
  // What stood in parentheses.
  struct Group {
    Kind kind = Kind::value;
    std::shared_ptr<Query> query;  // set: nothing but a query
    std::size_t at = 0;
  };
  // "doc.value(…)", a column without a table whose method is called.
  struct BareMethod {
    std::string column;
    const Token* token = nullptr;
  };
  // Where a join began: what it joins, and what its conditions name.
  struct JoinStart {
    std::size_t items = 0, uses = 0;
  };

  // statement.cpp
  void head();
  bool statement(Query& query);
  void end_of_statement();
  void with_clause(Query& query);
  void xml_namespaces();
  void common_table(Query& query);
  void arms(Query& query);
  void more_arms(Query& query);
  void arm(Query& query);
  std::shared_ptr<Query> nested_query(std::shared_ptr<Query> first_arm = {});
  void order_and_page(Query& query);
  void order_item(bool outputs_count);
  void page();
  bool is_set_operator() const { return is_any({"union", "except", "intersect"}); }

  // output.cpp
  bool for_clause();
  void for_xml();
  void for_json();
  bool option_clause(Query& query);
  void query_hint(Query& query);
  void optimize_for();
  void use_hints();

  // select.cpp
  void select(Query& query);
  void top();
  void select_item(Block& block);
  bool star(Block& block);
  bool is_assignment() const;
  Output output_of_value();
  void group_by();
  void grouping_element();
  void grouping_set();
  void windows();
  bool at_window_clause() const;

  // from.cpp
  void table_source();
  bool join_step(const JoinStart& start);
  void qualified_join(const JoinStart& start);
  void apply(const JoinStart& start);
  void table_primary();
  void odbc_outer_join();
  std::shared_ptr<Query> source_in_parentheses();
  void derived_table(std::shared_ptr<Query> query, std::size_t at);
  std::shared_ptr<Query> row_values();
  void named_source();
  void table(const Path& path, const Token& token);
  bool system_time();  // false: none stands there
  bool table_sample();
  void pivot(const JoinStart& start, bool turns_back);
  void pivot_columns(Block& source);
  void unpivot_columns(Block& source);
  Block cut(const JoinStart& start);
  void add_query_item(Item item);
  bool accept_alias(Item& item);
  std::vector<std::string> column_list();
  JoinStart join_start() const { return {block_->items.size(), uses_->size()}; }
  void see_no_items(std::size_t first_use) { see_items(*uses_, first_use, 1, 0); }

  // rowset.cpp
  bool rowset_function();
  void open_json();
  void json_columns(Block& rows);
  void full_text_table(Block& rows);
  void full_text_columns();
  void full_text_predicate();
  void language();
  void table_function(const Path& path, const Token& token);
  void customers_rows(const Path& path, const Token& token);
  void add_rows(Block rows, const std::string& function, std::size_t at);

  // hints.cpp
  bool at_old_hints() const;
  void table_hints();
  void table_hint();
  void index_hint();
  void index_chosen(const Token& token);
  void force_seek();

  // system.cpp
  void check_table(const Token& token, Item& item);

  // expression.cpp
  Kind disjunction(std::optional<Kind> first = {});
  Kind conjunction(std::optional<Kind> first = {});
  Kind negation(std::optional<Kind> first = {});
  void check_chain(std::size_t start);
  Kind predicate(std::optional<Kind> first = {});
  bool exists_or_full_text();
  bool comparison();
  void compared();
  void is_test();
  bool range_test();
  void like();
  void in_list();
  bool at_set_operation() const;
  Kind sum(std::optional<Kind> first = {});
  bool arithmetic_operator();
  Kind operand();
  Kind primary();
  void postfix();
  void operand_of_time_zone();
  void value();
  void values();
  void condition();
  void require(Kind kind, Kind wanted, const Token& token);
  void case_expression();
  void odbc_escape();
  void global_variable();
  Group parentheses();
  Kind as_operand(const Group& group);
  void subquery();
  void use_query(std::shared_ptr<const Query> query, std::size_t at);

  // name.cpp
  Path path();
  std::string name();
  std::string name_here();
  std::string alias_name();
  bool accept_alias_word(std::string& alias);
  void declare(const std::string& relation);
  void declare_new(const std::string& relation);  // an alias or a common table
  void check_spelling(const std::string& relation, const Token& token);
  void declare_column(const std::string& column, std::size_t end);
  void declare_column(const std::string& column) { declare_column(column, cursor_.position()); }
  std::set<std::string> names_of_two_spellings() const;
  bool is_one_name(std::string_view one, std::string_view other) const {
    return sql::is_one_name(one, other, ignores_case_);
  }
  void check_count(const Token& token);
  void name_expression();
  void column(Path path, const Token& token);

  // call.cpp
  void call();
  void arguments(const Function& function, const Token& token);
  void ordinary_arguments(const Function& function, const Token& token);
  void behind_aggregate();
  void over();
  void window_definition();
  void frame();
  void frame_bound();
  void customers_function(const Path& path, const Token& token);
  bool is_customers(const Path& path) const;
  void date_part();
  void table_names(const Token& function);
  bool is_table_number() const;
  void property();
  void odbc_call();
  void check_generated(std::size_t from);

  // special.cpp
  void special(const Token& token);
  void cast();
  void convert();
  void parse();
  void trim();
  void iif();
  void is_json();
  void json_object();
  void json_array();
  void null_on_null();
  bool odbc_special(const Token& token);
  std::string type();
  void type_size();

  // method.cpp
  bool is_method_call(const Path& path) const;
  void column_method(Path path, const Token& token);
  void column_of_method(Path path, const Token& token, const Token& method);  // the cursor stands behind the method's name
  void check_method_columns();
  void settle_methods(std::size_t first, const std::vector<Item>& items);
  bool has_column(const Item& item, const std::string& column) const;
  static bool has_column(const std::vector<std::string>& list, const std::shared_ptr<const Query>& query,
                         const std::string& column);
  void static_call();
  void method_call(const Token& token);
  void xml_method(const Token& token);
  void xquery();
  void type_in_string();

  // parser.cpp
  const Token& peek(std::size_t ahead = 0) const { return cursor_.peek(ahead); }
  const Token& take() { return cursor_.take(); }
  bool accept(std::string_view symbol) { return cursor_.accept(symbol); }
  bool accept_word(std::string_view word) { return cursor_.accept_word(word); }
  bool is_word(std::string_view word, std::size_t ahead = 0) const { return peek(ahead).is_word(word); }
  bool is_any(std::initializer_list<std::string_view> words, std::size_t ahead = 0) const;
  bool accept_any(std::initializer_list<std::string_view> words);
  bool accept_words(std::initializer_list<std::string_view> words);  // all of them, in this order
  void expect(std::string_view symbol);
  void expect_word(std::string_view word);
  void expect_any(std::initializer_list<std::string_view> words);
  void expect_string();
  void expect_number();
  void expect_constant();  // a number, string or parameter
  void refuse(const Token& token, std::string what, std::string hint = {}, Layer layer = Layer::syntax,
              Code code = Code::write_operation_rejected);
  void refuse_verb(const Token& token, std::string_view does);
  void not_understood(const Token& token);
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

  const std::vector<Token>& tokens_;
  TokenCursor cursor_;
  const GuardSettings& settings_;
  bool ignores_case_;
  std::optional<Refusal> refusal_;
  int depth_ = 0;
  Block* block_ = nullptr;            // whose FROM is read
  std::vector<Use>* uses_ = nullptr;  // where names in expressions go
  // On the right side of APPLY: the first of the items it sees.
  std::optional<std::size_t> apply_from_;
  bool index_chosen_ = false;  // by the last hints
  std::map<std::string, std::string> spellings_;  // of aliases and common tables, by their folded names
  std::map<std::string, CommonTable> common_tables_;
  std::map<std::string, std::set<std::string>> column_spellings_;  // of outputs and of lists of names
  std::vector<std::size_t> method_columns_;                       // where a column whose method is called ends
  std::vector<std::string> string_names_;  // of aliases and columns that stand in strings
  std::map<std::string, std::string> relations_;  // skeletons of all that FROM and WITH name, and the name
  std::map<std::string, std::size_t> declared_;   // how often each of them is named there
  std::vector<BareMethod> bare_methods_;          // whose column is not found yet
  // The last column that was read: the tokens [first, last).
  struct {
    std::size_t first = 0, last = 0;
  } column_;
};

}  // namespace vmc::sql::mssql
