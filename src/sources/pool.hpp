// One connection's pool: 2 to 10 sessions, a thread each while in use; grows with demand, shrinks when idle.
#pragma once

#include <functional>
#include <memory>

#include "core/async.hpp"
#include "sources/source.hpp"

namespace vmc::sources {

struct PoolSettings {
  std::size_t min = 2;
  std::size_t max = 10;
  Duration lifetime = std::chrono::minutes{30};
  Duration idle_timeout = std::chrono::minutes{5};
  Duration acquire_timeout = std::chrono::seconds{10};
  Duration open_timeout = std::chrono::seconds{10};
};

class SourcePool {
 public:
  virtual ~SourcePool() = default;
  // Runs blocking `work` on a thread with a session of its own and resumes the caller on its loop.
  // CONNECTION_POOL_EXHAUSTED after acquire_timeout. Cancelling the caller interrupts the session and still
  // waits for `work`. Afterwards the session is reset; one that cannot be is replaced.
  virtual awaitable<Result<void>> use(Access access, std::function<Result<void>(Session&)> work) = 0;
  // Closes what is idle and waits for what is in use. Called once, last.
  virtual awaitable<void> close() = 0;
};

std::unique_ptr<SourcePool> make_source_pool(asio::io_context& loop, std::unique_ptr<Source> source,
                                             PoolSettings settings);

}  // namespace vmc::sources
