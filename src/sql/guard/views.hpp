// What views reach, from their definitions.
#pragma once

#include <map>
#include <string>

#include "data/schema.hpp"
#include "sql/dialect.hpp"

namespace vmc::sql {

// Fills in `reads` of the schema's views. `definitions`: by the name the schema calls them. Anything at all,
// {"*": {"*"}}, where a definition is not known, is not understood, or calls what is not known to be harmless.
Result<void> fill_reads(Dialect dialect, data::Schema& schema, const std::map<std::string, std::string>& definitions);

}  // namespace vmc::sql
