// Runs one coroutine, and what it spawns, on a loop of the test's own.
#pragma once

#include <exception>

#include "core/async.hpp"

namespace vmc::test {

inline void run_coroutine(asio::io_context& loop, awaitable<void> body) {
  std::exception_ptr error;
  auto done = [&error](std::exception_ptr e) { error = e; };
  asio::co_spawn(loop, std::move(body), done);
  loop.run();
  if (error) std::rethrow_exception(error);
}

}  // namespace vmc::test
