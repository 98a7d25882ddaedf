// Words and signs of other databases, and how this one has them: what a refusal says to do instead.
#pragma once

#include <cstddef>
#include <string_view>

#include "sql/dialect.hpp"

namespace vmc::sql {

// For a statement that is refused at this byte. Empty: nothing known of another database stands there or just before.
std::string_view as_written_here(Dialect dialect, std::string_view statement, std::size_t at);

}  // namespace vmc::sql
