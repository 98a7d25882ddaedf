// Judges what a query reaches: every name is resolved the way the database would, and where two readings are possible
// the one that reaches more counts.
#pragma once

#include "sql/guard/catalogue.hpp"
#include "sql/guard/query.hpp"
#include "sql/guard/verdict.hpp"

namespace vmc::sql {

// SCHEMA_ACCESS_DENIED for what is private or not in the schema.
Verdict resolve(Dialect dialect, const Query& query, const Catalogue& catalogue);

}  // namespace vmc::sql
