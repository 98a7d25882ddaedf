#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>

#include "core/crash_point.hpp"

using namespace vmc;

namespace {

// The plan is read once a process, so each case has a child of its own: how many visits it survived, or -1
// when it was killed.
template <class Visit>
int child_visits(const char* crash_at, const char* log, Visit visit) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    crash_at ? setenv("VMC_CRASH_AT", crash_at, 1) : unsetenv("VMC_CRASH_AT");
    log ? setenv("VMC_CRASH_LOG", log, 1) : unsetenv("VMC_CRASH_LOG");
    _exit(visit());
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? -1 : WEXITSTATUS(status);
}

int visit_thrice() {
  int visits = 0;
  for (; visits < 3; ++visits) {
    crash_point("other");
    crash_point("a.b");
  }
  return visits;
}

}  // namespace

TEST_CASE("without a plan nothing happens") { CHECK(child_visits(nullptr, nullptr, visit_thrice) == 3); }

TEST_CASE("a named point kills at its first visit, or at the visit asked for") {
  CHECK(child_visits("a.b", nullptr, visit_thrice) == -1);
  CHECK(child_visits("a.b:3", nullptr, visit_thrice) == -1);
  CHECK(child_visits("a.b:4", nullptr, visit_thrice) == 3);
  CHECK(child_visits("a.c", nullptr, visit_thrice) == 3);
  CHECK(child_visits("a.b:2", nullptr, [] {
          crash_point("a.b");
          return 1;
        }) == 1);
}

TEST_CASE("the log has every point once, also when the process is killed") {
  char name[] = "/tmp/vmc-crash-XXXXXX";
  const std::filesystem::path folder = mkdtemp(name);
  const auto log = folder / "points";

  CHECK(child_visits(nullptr, log.c_str(), visit_thrice) == 3);
  CHECK(child_visits("a.b:2", log.c_str(), visit_thrice) == -1);

  std::stringstream text;
  text << std::ifstream{log}.rdbuf();
  CHECK(text.str() == "other\na.b\nother\na.b\n");
  std::filesystem::remove_all(folder);
}
