// The test program is its own script child: that is how vmc itself does it.
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

#include "script/sandbox.hpp"

int main(int argc, char** argv) {
  if (argc > 1 && argv[1] == vmc::script::kChildArgument) return vmc::script::child_main();
  return Catch::Session().run(argc, argv);
}
