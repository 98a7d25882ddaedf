// How much a call makes out of little: repeat(), rpad(), generate_series() and the like, as far as constants tell.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sql/guard/postgres/tree.hpp"

namespace vmc::sql::postgres {

// What to say where it is too much: a text or an array of over a million pieces, a series of over ten million rows.
// What only the rows decide (repeat('*', stars)) is left to the statement's time limit.
std::optional<std::string> makes_too_much(std::string_view function, const Object& call);

}  // namespace vmc::sql::postgres
