// Where parts end, for a source that streams every key in order because its server cannot pick them.
#pragma once

#include <optional>
#include <vector>

#include "data/batch.hpp"

namespace vmc::sources {

// Every n-th of a stream of keys, and the last of all.
class PartEnds {
 public:
  explicit PartEnds(std::int64_t rows_per_part) : every_{rows_per_part} {}
  void take(const data::Batch& batch);
  std::vector<data::Batch> finish();

 private:
  std::int64_t every_;
  std::int64_t seen_ = 0;
  bool last_is_end_ = false;
  std::optional<data::Batch> last_;
  std::vector<data::Batch> ends_;
};

}  // namespace vmc::sources
