// Replacing a table's rows: what a run's parts have laid aside, beside the table, takes their place in one transaction.
//
// The table itself stays, with its owner, grants, indexes, triggers, foreign keys, views and sequences: DELETE and
// INSERT … SELECT, not TRUNCATE, which locks readers out and empties the table for older snapshots too, and no rename,
// which would leave all of that at the old table.
#pragma once

#include "sources/postgres/applied.hpp"

namespace vmc::sources::postgres {

// Unless the part is applied or the run has ended: then nobody needs it. Outside the load's transaction, so that parts
// which begin together do not wait for each other.
Result<void> ensure_aside(Connection& db, const LoadNames& names, const LoadRequest& request, const LoadPlan& plan);

}  // namespace vmc::sources::postgres
