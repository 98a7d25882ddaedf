// The record of what has been loaded, kept beside the tables in the customer's database: a row a part, and how a run
// that replaces a table has ended.
#pragma once

#include "sources/load_plan.hpp"
#include "sources/postgres/parts.hpp"

namespace vmc::sources::postgres {

// Once a schema; two loads may try at once.
Result<void> ensure_applied(Connection& db, const LoadNames& names, Duration limit);

// Did a CREATE TABLE fail because another session was first?
bool is_created_meanwhile(std::string_view sqlstate);

class Applied {
 public:
  Applied(Connection& db, const LoadNames& names, const LoadRequest& request) : db_{db}, names_{names}, request_{request} {}

  // Takes the part's row, so that a second load of the part waits here until this one has ended.
  Result<std::optional<LoadOutcome>> claim();
  Result<void> record(std::int64_t rows);
  Result<bool> has(std::int64_t part);
  // Of the runs that have applied a part lately and have not ended.
  Result<std::vector<std::string>> scopes_alive();

 private:
  Connection& db_;
  const LoadNames& names_;
  const LoadRequest& request_;
};

}  // namespace vmc::sources::postgres
