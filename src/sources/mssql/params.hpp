// Parameters of one statement for sp_executesql: @p1, @p2 … in the order they were added.
#pragma once

#include <deque>
#include <string>

#include "core/result.hpp"
#include "data/value.hpp"
#include "sources/mssql/dblib.hpp"

namespace vmc::sources::mssql {

class Params {
 public:
  // INVALID_REQUEST for what SQL Server cannot hold: years outside 1 to 9999, NaN, infinity.
  Result<void> value(const data::Value& value);
  Params& text(std::string value);
  Params& number(std::int64_t value);

  bool empty() const { return params_.empty(); }
  std::size_t size() const { return params_.size(); }
  // "@p1 bigint, @p2 nvarchar(max)"
  std::string declared() const;
  // What stands before the statement: DB-Library sends what is empty as NULL, so it is declared in the text instead.
  std::string prefix() const;
  bool bind(DBPROCESS* to) const;

 private:
  struct Param {
    const char* declared_as;
    int type;
    std::string bytes;
    bool null = false;
    const char* empty = nullptr;  // the literal of an empty value
  };
  void add(const char* declared_as, int type, std::string bytes);
  std::deque<Param> params_;  // stable addresses
};

// One nvarchar argument of a procedure, of any length.
bool bind_text(DBPROCESS* to, const char* name, const std::string& text);

}  // namespace vmc::sources::mssql
