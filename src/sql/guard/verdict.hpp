// What the guard says of a statement: accepted, or refused by one layer, at one place, with what to do instead.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "data/schema.hpp"

namespace vmc::sql {

// In the order they look: the text as a whole, its tokens, its grammar, the functions it calls, what it reaches.
enum class Layer { text, tokens, syntax, functions, names };
std::string_view to_string(Layer layer);

struct Refusal {
  Layer layer = Layer::syntax;
  Code code = Code::write_operation_rejected;
  std::size_t at = 0;  // byte of the statement
  std::string what;    // a sentence without its full stop; names things of the statement, never values
  std::string hint;    // what to do instead; empty: what the layer usually says
};

struct Verdict {
  std::optional<Refusal> refusal;
  // Of an accepted statement: its text without the semicolon at its end, as a part of what was judged; and whether it is
  // a query, which may stand in parentheses (SHOW and its like may not).
  std::size_t begin = 0, length = 0;
  bool is_query = true;
  // Of an accepted statement: what it reaches. A table with "*" is reached by the places of its columns (a star, a whole
  // row, a list of column aliases): they must still be the approved ones when it runs. The table "*": the server's own.
  data::Reads reads;
  // PostgreSQL: functions and operators that are called without a schema. One of the customer's of that name may fit its
  // arguments better than the server's own, which is what was judged. Casts are not among them: who makes one between
  // types of the server's own is its superuser.
  data::Calls calls;
  std::optional<std::string> definition;  // the table whose definition it shows: SHOW CREATE TABLE

  bool accepted() const { return !refusal.has_value(); }
};

// "syntax, line 2, column 8: DELETE changes data. Ask for rows with SELECT."
std::string describe(const Refusal& refusal, std::string_view statement);

inline constexpr std::size_t kStatementBytesMax = 256 * 1024;
inline constexpr int kNestingMax = 128;  // parentheses, subqueries, CASE: what recursion follows

}  // namespace vmc::sql
