#include "disk.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <mutex>

namespace vmc::test {
namespace {

std::mutex mutex;
SyncPlan plan;
std::vector<std::string> paths;

int sync_call(long number, int fd) {
  {
    std::lock_guard lock{mutex};
    std::array<char, 4096> path{};
    const auto size = ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), path.data(), path.size());
    paths.emplace_back(path.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    if (plan.fail_from != 0 && paths.size() >= plan.fail_from &&
        paths.size() < plan.fail_from + plan.fail_count) {
      errno = EIO;
      return -1;
    }
  }
  return static_cast<int>(::syscall(number, fd));
}

}  // namespace

void plan_syncs(SyncPlan next) {
  std::lock_guard lock{mutex};
  plan = next;
  paths.clear();
}
std::size_t syncs() {
  std::lock_guard lock{mutex};
  return paths.size();
}
std::vector<std::string> synced_paths() {
  std::lock_guard lock{mutex};
  return paths;
}

}  // namespace vmc::test

extern "C" int fsync(int fd) { return vmc::test::sync_call(SYS_fsync, fd); }
extern "C" int fdatasync(int fd) { return vmc::test::sync_call(SYS_fdatasync, fd); }
