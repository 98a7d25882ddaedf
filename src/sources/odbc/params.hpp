// Parameters of one statement, in their order.
#pragma once

#include <deque>
#include <string>

#include "data/value.hpp"
#include "sources/odbc/driver_manager.hpp"
#include "sources/odbc/wide.hpp"

namespace vmc::sources::odbc {

class Params {
 public:
  // How a server takes them.
  struct Ways {
    bool converted = false;  // the statement makes of a text what the column holds (sql::odbc::converts)
    bool integers_as_text = false;  // its driver knows no 64-bit integers
  };
  Params() = default;
  explicit Params(Ways ways) : ways_{ways} {}
  void value(const data::Value& value);
  std::size_t size() const { return params_.size(); }
  SQLRETURN bind(const DriverManager& odbc, SQLHSTMT to, std::size_t index) const;

 private:
  struct Param {
    SQLSMALLINT as = SQL_C_CHAR;     // what it is here
    SQLSMALLINT type = SQL_VARCHAR;  // and in the statement
    SQLULEN size = 1;                // characters, digits or bytes
    SQLSMALLINT digits = 0;
    std::string bytes = {};
    SQLLEN length = 0;
  };
  void add(Param param);
  void plain(std::string text, SQLSMALLINT type, SQLSMALLINT digits = 0);
  Ways ways_;
  std::deque<Param> params_;  // stable addresses
};

}  // namespace vmc::sources::odbc
