// The functions known to be harmless: they read nothing but their arguments, the clock and facts about the session,
// and leave nothing behind.
#pragma once

#include <cstdint>
#include <string_view>

namespace vmc::sql::mysql {

// What stands between the parentheses, and behind them.
enum class Shape : std::uint8_t {
  plain,              // expressions
  no_arguments,       // LAST_INSERT_ID(): with an argument it would set what the session remembers
  aggregate,          // [DISTINCT | ALL] expressions, or *; OVER
  ordered_aggregate,  // the same with ORDER BY, SEPARATOR, LIMIT
  window,             // expressions; FROM FIRST, RESPECT NULLS, OVER
  percentile,         // a number from 0 to 1; WITHIN GROUP (ORDER BY …), OVER
  cast,               // expression AS type
  convert,            // expression, type; expression USING character set
  extract,            // unit FROM expression
  position,           // expression IN expression
  substring,          // expressions; expression FROM expression [FOR expression]
  trim,               // [BOTH | LEADING | TRAILING] [expression] FROM expression
  characters,         // expressions [USING character set]
  weight_string,      // expression [AS CHAR(n)]
  timestamp_unit,     // unit, expressions
  get_format,         // DATE | TIME | DATETIME | TIMESTAMP, expression
  json_value,         // expressions [RETURNING type] [… ON EMPTY] [… ON ERROR]
  column_pairs,       // expression [AS type], …
  column_get,         // expression, expression AS type
};

// Where the servers take the name for the built-in function and not for one of the user's own.
enum class Spelling : std::uint8_t {
  any,      // everywhere: also in backticks, also with a space before the parenthesis
  keyword,  // not in backticks
  glued,    // not in backticks, and only with the parenthesis directly behind it
};

struct Function {
  std::string_view name;
  Shape shape;
  Spelling spelling;
};

// By folded name; nullptr: not known to be harmless.
const Function* find_function(std::string_view name);
// Every server that vmc knows has it: elsewhere the name may be that of a stored function.
bool is_built_in_everywhere(std::string_view name);
// "SLEEP holds the session up": of a function that is known not to be; empty for all others.
std::string_view harm_of(std::string_view name);

}  // namespace vmc::sql::mysql
