// What `vmc agent`, `vmc gateway`, `vmc worker` and `vmc all-in-one` run. Each builds its parts in dependency
// order, runs them until a signal, and stops them in the reverse order. Returns the exit code.
#pragma once

#include <filesystem>

#include "app/config.hpp"

namespace vmc::app {

struct RoleOptions {
  Config config;
  std::filesystem::path state;  // --state
};

Result<int> run_agent(const RoleOptions& options);
Result<int> run_gateway(const RoleOptions& options);
Result<int> run_worker(const RoleOptions& options);

struct DemoOptions {
  std::filesystem::path state;
  bool once = false;
  bool json = false;  // the summary as one JSON document on standard output
  std::uint64_t order_lines = 120'000;
  std::string listen = "127.0.0.1:0";
};
Result<int> run_all_in_one(const RoleOptions& options);
Result<int> run_demo(const DemoOptions& options);

}  // namespace vmc::app
