// Replacing a table's rows: what a run's parts have laid aside, beside the table, takes their place in one transaction.
//
// DELETE and INSERT … SELECT under an exclusive lock of the table, so that a reader waits for the commit, or under row
// versions sees the old rows, and the table keeps its permissions, indexes, triggers, views and foreign keys. A SWITCH
// would want a table alike in every index and constraint, and sp_rename leaves all of that at the old table.
#pragma once

#include "sources/mssql/applied.hpp"

namespace vmc::sources::mssql {

// Unless the part is applied or the run has ended: then nobody needs it. Outside the load's transaction, so that parts
// which begin together do not wait for each other.
Result<void> ensure_aside(Connection& db, const LoadNames& names, const LoadRequest& request, const LoadPlan& plan);

}  // namespace vmc::sources::mssql
