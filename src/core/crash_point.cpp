#include "core/crash_point.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <mutex>
#include <set>
#include <string>

namespace vmc {
namespace {

struct Plan {
  std::string name;
  long visits_left = 0;
  std::string log;
  std::set<std::string, std::less<>> seen;
  std::mutex mutex;

  Plan() {
    if (const char* at = std::getenv("VMC_CRASH_AT")) {
      name = at;
      visits_left = 1;
      if (const auto colon = name.rfind(':'); colon != std::string::npos) {
        visits_left = std::strtol(name.c_str() + colon + 1, nullptr, 10);
        name.resize(colon);
      }
    }
    if (const char* file = std::getenv("VMC_CRASH_LOG")) log = file;
  }
  bool active() const { return !name.empty() || !log.empty(); }
};

Plan& plan() {
  static Plan instance;
  return instance;
}

void append_line(const std::string& file, std::string_view name) {
  const int fd = open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return;
  const std::string line = std::string{name} + "\n";
  if (write(fd, line.data(), line.size()) < 0) std::abort();
  close(fd);
}

}  // namespace

void crash_point(std::string_view name) {
  static const bool active = plan().active();
  if (!active) return;
  std::lock_guard lock{plan().mutex};
  if (!plan().log.empty() && plan().seen.emplace(name).second) append_line(plan().log, name);
  if (plan().name == name && --plan().visits_left == 0) kill(getpid(), SIGKILL);
}

}  // namespace vmc
