// Exact conversion of a batch to other column types: what cannot be converted without loss is a row error,
// never rounded. A float64 never becomes a decimal.
#pragma once

#include <string>
#include <vector>

#include "data/batch.hpp"

namespace vmc::data {

struct RowError {
  std::size_t row = 0;          // in the batch it came from
  std::string column;
  std::string reason;           // never the value
};

struct CastOutcome {
  Batch batch;                  // the good rows, in order, in the target's columns and types
  std::vector<RowError> errors; // one for each refused row (its first problem)
};

// Columns are matched by name. INVALID_REQUEST when a target column that may not be null is missing from the
// batch, or the batch has a column the target lacks; a missing nullable column becomes null.
Result<CastOutcome> cast(const Batch& batch, const RowTypePtr& target);
// The same; columns that need no conversion are moved.
Result<CastOutcome> cast(Batch&& batch, const RowTypePtr& target);

}  // namespace vmc::data
