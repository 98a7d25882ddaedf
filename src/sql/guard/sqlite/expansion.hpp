// How large a statement becomes when SQLite compiles it. Nothing interrupts its compiler, and it copies: a common table
// expression wherever it is used, a column's expression wherever the column of a subquery or an alias is mentioned
// (x + x of x + x of …), a query once for every arm of a UNION that it reads. Chains of these double at every step.
#pragma once

#include "sql/guard/query.hpp"

namespace vmc::sql::sqlite {

inline constexpr int kWeightMax = 400'000;     // in tokens, each copy counted: up to a second, and 200 MB
inline constexpr int kExpandedDepthMax = 128;  // of SELECTs within each other, common table expressions in their places

// Is it within both limits? The estimate is one from above: SQLite does not always copy.
bool is_compilable(const Query& query);

}  // namespace vmc::sql::sqlite
