#include "sources/part_ends.hpp"

#include <algorithm>

namespace vmc::sources {

void PartEnds::take(const data::Batch& batch) {
  std::vector<bool> keep(batch.rows);
  for (std::size_t row = 0; row < batch.rows; ++row) keep[row] = ++seen_ % every_ == 0;
  last_is_end_ = batch.rows > 0 ? keep.back() : last_is_end_;
  if (std::find(keep.begin(), keep.end(), true) != keep.end())
    ends_.push_back(data::select_rows(batch, keep));
  std::vector<bool> only_last(batch.rows);
  only_last.back() = true;
  last_ = data::select_rows(batch, only_last);
}

std::vector<data::Batch> PartEnds::finish() {
  if (last_ && !last_is_end_) ends_.push_back(std::move(*last_));
  return std::move(ends_);
}

}  // namespace vmc::sources
