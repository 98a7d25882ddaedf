// The test program is its own script child: that is how vmc itself does it.
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "script/confine.hpp"
#include "script/sandbox.hpp"

namespace {

// Started by a test that wants to see the walls hold: locks itself in, then tries to leave.
int probe(std::string_view what) {
  if (vmc::script::confine(64u << 20)) return 3;
  if (what == "file") return ::open("/etc/passwd", O_RDONLY) >= 0 ? 4 : 5;
  if (what == "socket") return ::socket(AF_INET, SOCK_STREAM, 0) >= 0 ? 4 : 5;
  if (what == "fork") return ::fork() >= 0 ? 4 : 5;
  if (what == "other-descriptor") return ::write(1, "x", 1) == 1 ? 4 : 5;
  return 6;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && argv[1] == vmc::script::kChildArgument) return vmc::script::child_main();
  if (argc > 2 && std::string_view{argv[1]} == "__probe") return probe(argv[2]);
  return Catch::Session().run(argc, argv);
}
