// Reads PostgreSQL's parse tree into a Query. Every node and every field of it is one that is known here; any other is
// refused.
#pragma once

#include <set>
#include <string>

#include "sql/guard/postgres/tree.hpp"
#include "sql/guard/query.hpp"
#include "sql/guard/readers.hpp"

namespace vmc::sql::postgres {

class TreeReader {
 public:
  explicit TreeReader(const GuardSettings& settings) : settings_{settings} {}
  Reading read(const Object& root);

 private:
  // statement.cpp
  void statement(const Node& node, Query& query);
  bool refuse_verb(const Node& node, std::size_t at);  // false: it is not known as one
  void show(const Object& fields);
  void select(const Object& fields, Query& query);
  void arms(const Object& fields, Query& query);
  void arm(const Object& fields, Query& query);
  void block(const Object& fields, Block& block);
  void with_clause(const Object& fields, Query& query);
  void common_table(const Object& fields, Query& query);
  std::shared_ptr<const Query> subquery(const std::optional<Value>& value, std::size_t at);
  void targets(const Object& fields, Block& block);
  void values(const Object& fields, Block& block);
  void sort_clause(const Object& fields, std::string_view field, std::vector<Use>& uses, Use::Alias alias);

  // from.cpp
  void from_item(const Value& value, Block& block);
  void range_var(const Object& fields, Block& block);
  void range_subselect(const Object& fields, Block& block);
  void range_function(const Object& fields, Block& block);
  void range_sample(const Object& fields, Block& block);
  void range_table_func(const Object& fields, Block& block);
  void join(const Object& fields, Block& block);
  void alias_of(const Object& fields, Item& item);

  // expression.cpp
  void expression(const Value& value, std::vector<Use>& uses, Use::Alias alias = Use::Alias::never);
  void expressions(const Object& fields, std::string_view field, std::vector<Use>& uses,
                   Use::Alias alias = Use::Alias::never);
  bool plain(const Node& node, std::vector<Use>& uses);
  void check_rights_column(std::string_view name, std::size_t at);
  void column_ref(const Object& fields, std::vector<Use>& uses, Use::Alias alias);
  void indirection(const Object& fields, std::vector<Use>& uses);
  void call(const Object& fields, std::vector<Use>& uses, bool settled);
  void check_function(const std::vector<std::string>& name, const Object& fields, std::vector<Use>& uses);
  void names_table(std::string_view what, bool settled, std::size_t at, std::vector<Use>& uses);
  void telling(std::string_view what, const std::vector<Value>& arguments, std::size_t at, std::vector<Use>& uses);
  void check_arguments(std::string_view name, const Object& fields);
  void window(const Object& fields, std::vector<Use>& uses);
  void sub_link(const Object& fields, std::vector<Use>& uses);
  void type_name(const Object& fields, std::vector<Use>& uses, const std::optional<Value>& cast = std::nullopt);
  void column_types(const Object& fields, std::string_view field, std::vector<Use>& uses);
  void check_operator(const Object& fields, std::string_view field);

  // Every field of a node is in `known` ("a b c").
  void check_fields(std::string_view kind, const Object& fields, std::string_view known);
  void refuse(Layer layer, std::size_t at, std::string what, std::string hint = {},
              Code code = Code::write_operation_rejected);
  void not_understood(std::string_view what, std::size_t at);

  const GuardSettings& settings_;
  data::Calls calls_;  // without a schema
  bool outermost_ = true;  // no SELECT was read yet
  bool shown_ = false;     // the select list is that of the statement itself, without a set operation
  bool settled_ = false;   // the type of the next expression decides that of no other
  bool has_extract_ = false;  // an output is called "extract", or "date_part" by servers before 14
  std::optional<Refusal> refusal_;
};

constexpr std::string_view kExtract = "extract";

// What some forms compare by, without writing it.
inline const std::pair<std::string, int> kEquals{"=", 2};

// What PostgreSQL calls an output that has no alias.
Output output_of(const Object& target);

}  // namespace vmc::sql::postgres
