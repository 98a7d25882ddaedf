// How a statement differs between the servers that are reached over ODBC; render.cpp, column_sql.cpp and
// quote.cpp ask here. What is read travels in the form that loses nothing in the drivers known: as text where
// a driver's own structs have no room (infinity, years before 1, zones, digits of a double).
#pragma once

#include <optional>
#include <string>

#include "sql/dialect.hpp"

namespace vmc::sql::odbc {

bool speaks_tsql(const OdbcServer& server);

// COMMAND_MALFORMED when the server has no quotes and the name needs them.
Result<std::string> quote(const OdbcServer& server, std::string_view identifier);

std::string projected(const OdbcServer& server, const data::ColumnInfo& column, const std::string& quoted);
std::string compared(const OdbcServer& server, const data::ColumnInfo& column, const std::string& quoted);
// A marker, with the conversion that makes of a text parameter what the column holds.
std::string placeholder(const OdbcServer& server, const data::ColumnInfo& column, const data::Value& value);
// Do dates, times and exact numbers travel as text that the statement converts? Otherwise as the column's own
// type.
bool converts(const OdbcServer& server);

// Of an INSERT, behind its columns: the values are meant even where the database counts a column itself.
const char* before_values(const OdbcServer& server);

// Upper and lower case apart where the server is known; elsewhere as its LIKE has it.
std::string like(const OdbcServer& server, const data::ColumnInfo& column, const std::string& quoted);
std::string like_pattern(const OdbcServer& server, std::string_view pattern);

// Both empty where nobody knows how the server limits rows: the session stops reading.
struct Limit {
  std::string before, after;  // the projection; the whole
};
Limit limited(const OdbcServer& server, std::optional<std::int64_t> rows);

}  // namespace vmc::sql::odbc
