// What a statement may call: the built-in functions, methods and constants that only compute, and how their arguments
// are written.
#pragma once

#include <cstdint>
#include <string_view>

namespace vmc::sql::mssql {

enum class Form : std::uint8_t {
  plain,
  aggregate,  // DISTINCT before its argument, WITHIN GROUP and OVER behind it
  counting,   // an aggregate that also takes "*"
  whole_row,  // "*" stands for every column
  date_part,  // the first argument is the name of a part
  generator,  // makes much out of little: the numbers in its arguments are bounded
  no_more,    // without arguments only: others would ask for another database or account
  one,        // one argument only: a second would ask for another database
  property,   // one string, of kServerProperties
  naming,     // tells of the table that its first argument names, or gives the number of
  telling,    // tells of columns, or of what is not told here
  special,    // a syntax of its own
};

struct Function {
  std::string_view name;
  Form form = Form::plain;
};

inline constexpr double kGeneratedMax = 1'000'000;  // a number written in the arguments of a generator

// All names are folded. nullptr: not known to be harmless.
const Function* find_function(std::string_view name);
const Function* find_odbc_function(std::string_view name);  // {fn NAME(...)}
bool is_server_property(std::string_view name);
bool is_global(std::string_view name);  // "@@version"

bool is_method(std::string_view name);          // of a hierarchyid, geography or geometry
bool is_value_property(std::string_view name);  // the same, without parentheses
bool is_static_method(std::string_view type, std::string_view name);

}  // namespace vmc::sql::mssql
