// The shape of a statement: what is left of it without its values. An owner who approves statements approves shapes.
//
// Literals and parameters become "?", lists of them one; comments and white space go; words fold as the dialect folds
// them. A literal stays where it says what is read and not which rows: the place of a column (ORDER BY 2), a number of
// rows (LIMIT 10), a path into JSON or XML. A shape belongs to a connection and to what it reaches there: a view or a
// table that has become wider since makes another shape of the same text.
#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"
#include "data/schema.hpp"
#include "sql/dialect.hpp"

namespace vmc::sql {

struct Shape {
  std::string fingerprint;  // SHA-256 in hex
  std::string text;         // to be read by the owner; holds no values
  data::Reads reads;        // with what is behind views, and the columns behind a star
};

// Of a statement the guard has accepted, with the reads of its verdict over that schema.
Result<Shape> shape_of(Dialect dialect, std::string_view connection, std::string_view statement,
                       const data::Reads& reads, const data::Schema& schema);

}  // namespace vmc::sql
