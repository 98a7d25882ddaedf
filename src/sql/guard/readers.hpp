// The dialects' own parts; private to the guard.
#pragma once

#include "sql/guard/guard.hpp"
#include "sql/guard/query.hpp"

namespace vmc::sql {

// What a reader makes of a statement's text: the query, or why it is refused.
struct Reading {
  std::optional<Refusal> refusal;
  Query query;
  std::size_t begin = 0, length = 0;  // of the statement without its semicolon
  bool is_query = true;               // false: SHOW and its like
};

Reading read_postgres(std::string_view statement, const GuardSettings& settings);
Reading read_mysql(std::string_view statement, const GuardSettings& settings);
Reading read_mssql(std::string_view statement, const GuardSettings& settings);

// SQLite's compiler resolves names itself.
Result<std::unique_ptr<Guard>> make_sqlite_guard(GuardSettings settings);

}  // namespace vmc::sql
