// Known ways out of a read-only session, one of each kind, that do no harm where they succeed: what a self-test fires.
#pragma once

#include <span>
#include <string_view>

#include "sql/dialect.hpp"

namespace vmc::sql {

struct Escape {
  std::string_view name;
  std::string_view statement;
};
std::span<const Escape> known_escapes(Dialect dialect);

}  // namespace vmc::sql
