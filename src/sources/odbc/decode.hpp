// Values as a driver hands them out, into columns.
#pragma once

#include <string_view>

#include "data/batch.hpp"
#include "sources/odbc/driver_manager.hpp"

namespace vmc::sources::odbc {

// How a column of a kind is fetched.
struct Fetch {
  SQLSMALLINT as = SQL_C_CHAR;
  std::size_t bytes = 0;  // of the buffer, with a terminator; 0: as long as the values are
};
Fetch fetch_of(data::Kind kind, bool integers_as_text);

// What was fetched as text (SQL_C_CHAR) or in pieces, into the column; or why it cannot be carried.
const char* decode_text(std::string_view text, data::ColumnBuilder& out);

}  // namespace vmc::sources::odbc
