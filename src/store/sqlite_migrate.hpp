// Brings a SQLite file to the schema this binary knows, or refuses it.
#pragma once

#include <span>

#include "store/sqlite_connection.hpp"

namespace vmc::store {

// Each step runs in a transaction of its own that looks again at what is applied, so that several processes
// starting at once apply each step once. CONFLICT for a file of somebody else, a newer one, or a changed
// step.
Result<void> migrate(SqliteConnection& connection, std::span<const Migration> migrations);

}  // namespace vmc::store
