// Replacing a table's rows: what a run's parts have laid aside, beside the table, takes their place in one transaction.
//
// DELETE and INSERT … SELECT, so that the table keeps its indexes, triggers, views and foreign keys.
#pragma once

#include "sources/sqlite/applied.hpp"

namespace vmc::sources::sqlite {

// In the load's transaction.
Result<void> ensure_aside(Database& db, const LoadRequest& request, const LoadPlan& plan);

}  // namespace vmc::sources::sqlite
