// What a column's declared type means in SQLite, to us (the type its values travel as) and to SQLite itself
// (the affinity by which it rewrites what is stored).
#pragma once

#include <string_view>

#include "data/type.hpp"

namespace vmc::sources::sqlite {

enum class Affinity { integer, text, blob, real, numeric };

// SQLite's own five rules, in their order (sqlite.org/datatype3.html).
Affinity affinity_of(std::string_view declared);
data::Type type_of(std::string_view declared);
// Can a column of this declared type store every value of its kind without SQLite changing it?
bool keeps_exactly(std::string_view declared, data::Type type);

}  // namespace vmc::sources::sqlite
