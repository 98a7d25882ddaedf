// The test program's own fsync and fdatasync: they reach the disk, are counted, and fail when told to.
// Every call of the program comes here, SQLite's too.
#pragma once

#include <string>
#include <vector>

namespace vmc::test {

struct SyncPlan {
  std::size_t fail_from = 0;  // the n-th call from now fails with EIO (1-based); 0: none
  std::size_t fail_count = 1;
};

void plan_syncs(SyncPlan plan);           // counting starts anew
std::size_t syncs();                      // calls since
std::vector<std::string> synced_paths();  // as the kernel names them, in order

}  // namespace vmc::test
