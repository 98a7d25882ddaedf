// Replacing a table's rows: what a run's parts have laid aside, beside the table, takes their place in one transaction,
// by DELETE and INSERT … SELECT, which every server knows and which leave the table with all that hangs on it.
#pragma once

#include "sources/odbc/applied.hpp"

namespace vmc::sources::odbc {

// Unless the part is applied or the run has ended: then nobody needs it. Outside the load's transaction, so that parts
// which begin together do not wait for each other. `key`: by which its rows will be read back.
Result<void> ensure_aside(Connection& db, const LoadNames& names, const LoadRequest& request, const LoadPlan& plan,
                          const std::vector<std::string>& key);

}  // namespace vmc::sources::odbc
