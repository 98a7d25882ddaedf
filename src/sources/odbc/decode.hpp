// Values as a driver hands them out, into columns.
#pragma once

#include <string_view>

#include "data/batch.hpp"
#include "sources/odbc/driver_manager.hpp"
#include "sources/odbc/server.hpp"

namespace vmc::sources::odbc {

// How a column of a kind is fetched.
struct Fetch {
  SQLSMALLINT as = SQL_C_CHAR;
  std::size_t bytes = 0;  // of the buffer, with a terminator; 0: as long as the values are
  enum class Form {
    plain,
    hex,   // two digits a byte, of a text in UTF-8 or of bytes
    utf8,  // a text as its bytes
  } form = Form::plain;
};
Fetch fetch_of(data::Kind kind, const Customs& customs);

// What was fetched, not as a number of the machine's, into the column; or why it cannot be carried.
const char* decode(Fetch::Form form, std::string_view text, data::ColumnBuilder& out);

}  // namespace vmc::sources::odbc
