// A statement of SQLite's without parameters: each marker replaced by its value as a literal.
#pragma once

#include <string>

#include "sql/dialect.hpp"

namespace vmc::sql {

// Every literal is the value exactly, and without an affinity, like a parameter; NaN is NULL, as SQLite keeps it.
std::string with_sqlite_literals(const Statement& statement);

}  // namespace vmc::sql
