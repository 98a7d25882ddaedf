// The owner's own record of what has been committed here: a row a part, and how a run that replaces a table has ended.
#pragma once

#include "sources/load_plan.hpp"
#include "sources/sqlite/parts.hpp"

namespace vmc::sources::sqlite {

// Within a transaction that began IMMEDIATE: nobody else writes.
class Applied {
 public:
  Applied(Database& db, const LoadRequest& request) : db_{db}, request_{request} {}

  Result<std::optional<LoadOutcome>> earlier();
  Result<void> record(std::int64_t rows);
  Result<bool> has(std::int64_t part);
  // Of the runs that have applied a part lately and have not ended.
  Result<std::vector<std::string>> scopes_alive();

 private:
  Database& db_;
  const LoadRequest& request_;
};

}  // namespace vmc::sources::sqlite
