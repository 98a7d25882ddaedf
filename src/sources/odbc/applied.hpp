// The record of what has been loaded, kept beside the tables in the customer's database, in the words any server knows: a
// row a part. The database's own source keeps the same table.
#pragma once

#include "sources/odbc/target.hpp"

namespace vmc::sources::odbc {

// Once a schema, in a transaction of its own; two loads may try at once. WRITE_NOT_PERMITTED, with what to create, when
// the user may not.
Result<void> ensure_applied(Connection& db, const LoadNames& names, const LoadRequest& request);

// Within a transaction.
class Applied {
 public:
  static Result<Applied> of(Connection& db, const LoadNames& names, const LoadRequest& request);
  // Takes the part's place: a second load of the part waits here, or fails, until this one has ended.
  Result<std::optional<LoadOutcome>> claim();
  Result<void> record(std::int64_t rows);
  Result<bool> has(std::int64_t part);
  // Of the runs that have applied a part lately and have not ended.
  Result<std::vector<std::string>> scopes_alive();

 private:
  Applied(Connection& db, const LoadRequest& request) : db_{db}, request_{request} {}
  Result<Table> run(const std::string& text, const std::vector<data::Value>& values);

  Connection& db_;
  const LoadRequest& request_;
  std::string hold_, look_, take_, write_, alive_;  // statements
};

}  // namespace vmc::sources::odbc
