#include <cstdio>
#include <exception>
#include <string_view>

#include "cli/cli.hpp"
#include "core/allocator.hpp"
#include "script/sandbox.hpp"

int main(int argc, char** argv) {
  vmc::tune_allocator();
  // The script child holds nothing: it is dispatched before anything else exists.
  if (argc > 1 && argv[1] == vmc::script::kChildArgument) return vmc::script::child_main();
  try {
    return vmc::cli::run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "vmc: an internal error: %s\n", e.what());
    return 1;
  }
}
