// Words and signs of other databases, and how this one has them: what a refusal says to do instead.
#pragma once

#include <string_view>

#include "sql/dialect.hpp"
#include "sql/guard/verdict.hpp"

namespace vmc::sql {

// Takes the place of a hint that knows nothing better.
void advise(Dialect dialect, std::string_view statement, Refusal& refusal);

}  // namespace vmc::sql
