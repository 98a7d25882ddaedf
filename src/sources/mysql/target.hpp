// The table a load writes to, as the server's catalogue has it now, and the table its rows are staged in.
#pragma once

#include "sources/load_plan.hpp"
#include "sources/mysql/parts.hpp"
#include "sources/mysql/row_text.hpp"

namespace vmc::sources::mysql {

struct Target {
  std::vector<TargetColumn> columns;  // as in the request
  bool straight = true;               // LOAD DATA can write to the table itself without a value changing its form
  // How LOAD DATA reads the rows' text: as bytes, or, so that a column of another character set gets it converted, as
  // what it is; rows with binary columns are no text.
  const char* read_as = "binary";
  bool other_keys = false;            // it has unique keys besides the load's: ON DUPLICATE KEY would follow them too
};

// NOT_FOUND for what is gone, CONFLICT for what changed, INVALID_REQUEST for a table that cannot be rolled back.
Result<Target> look_up(Connection& db, const LoadRequest& request, const LoadPlan& plan);
// The type a column of `rows` has in the staging table.
std::string staged_as(const data::Field& field, const TargetColumn& target);

}  // namespace vmc::sources::mysql
