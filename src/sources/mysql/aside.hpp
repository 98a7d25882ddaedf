// Replacing a table's rows: what a run's parts have laid aside, beside the table, takes their place in one transaction.
//
// DELETE and INSERT … SELECT: InnoDB's readers see the old rows until the commit, and the table keeps its triggers and
// the foreign keys that point to it. TRUNCATE would commit by itself, and so would RENAME TABLE, which can stand in no
// transaction with its record and takes the triggers away with the old table.
#pragma once

#include "sources/mysql/applied.hpp"

namespace vmc::sources::mysql {

// Unless the part is applied or the run has ended: then nobody needs it. Outside any transaction: it would commit it.
Result<void> ensure_aside(Connection& db, const LoadNames& names, const LoadRequest& request);

}  // namespace vmc::sources::mysql
