// How one column stands in a statement of its dialect: projected, compared, ordered, and as a parameter.
#pragma once

#include <string>

#include "sql/dialect.hpp"

namespace vmc::sql {

// The column in a form the session decodes.
std::string projected(Target dialect, const data::ColumnInfo& column, const std::string& quoted);
// The column as it is compared and ordered: under its collation where text alone would order wrongly.
std::string compared(Target dialect, const data::ColumnInfo& column, const std::string& quoted);
// Parameter number `n`, which will hold `value`, as it stands beside this column in a comparison.
std::string placeholder(Target dialect, const data::ColumnInfo& column, std::size_t n, const data::Value& value);
// A PostgreSQL parameter, however it is marked, with the cast that makes it of the column's type.
std::string postgres_parameter(const data::ColumnInfo& column, const std::string& parameter);
// `text LIKE pattern` with backslash as the escape, and upper and lower case apart. SQLite's LIKE has them alike unless
// the whole session is told otherwise, which would change what the owner's views mean: there it is a GLOB.
std::string like(Target dialect, const data::ColumnInfo& column, const std::string& quoted, std::size_t n);
std::string like_pattern(Target dialect, std::string_view pattern);

// The value as one of the column's kind, exactly; COMMAND_MALFORMED names the column, never the value.
Result<data::Value> fit(Target dialect, const data::Value& value, const data::ColumnInfo& column);

}  // namespace vmc::sql
