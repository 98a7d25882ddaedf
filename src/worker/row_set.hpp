// A set of row hashes, flat: a part's keys are put into it one by one, a million times a run.
#pragma once

#include <algorithm>
#include <vector>

#include "worker/window.hpp"

namespace vmc::worker {

class RowSet {
 public:
  // False when it was there already.
  bool insert(RowHash hash) {
    if (hash == kEmpty) hash = {0, 1};  // 128 bits: to confuse the two is as likely as any collision
    if ((used_ + 1) * 2 > slots_.size()) grow();
    auto& slot = find(hash);
    if (slot == hash) return false;
    slot = hash;
    ++used_;
    return true;
  }

 private:
  static constexpr RowHash kEmpty{0, 0};
  static constexpr std::size_t kSlotsMin = 1024;

  RowHash& find(const RowHash& hash) {
    const auto mask = slots_.size() - 1;
    auto at = hash.first & mask;
    while (slots_[at] != kEmpty && slots_[at] != hash) at = (at + 1) & mask;
    return slots_[at];
  }
  void grow() {
    std::vector<RowHash> old(std::max(kSlotsMin, slots_.size() * 2), kEmpty);
    old.swap(slots_);
    for (const auto& hash : old)
      if (hash != kEmpty) find(hash) = hash;
  }

  std::vector<RowHash> slots_;  // a power of two
  std::size_t used_ = 0;
};

}  // namespace vmc::worker
