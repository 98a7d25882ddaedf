// One connection's pool: 2 to 10 sessions, a thread each while in use. It grows with the calls that want one at once,
// and shrinks when idle.
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
  Duration ping = std::chrono::minutes{2};  // of what is idle; what fails is replaced
};

// What it has and has had; a session counts as open until it is closed.
struct PoolFigures {
  std::size_t open = 0, in_use = 0, waiting = 0;  // now
  std::size_t most_open = 0;
  std::uint64_t opened = 0;
  std::uint64_t open_failures = 0;
  std::uint64_t waited = 0;     // calls that found all in use
  std::uint64_t exhausted = 0;  // of these the ones that were refused
  Duration longest_wait{};
};

class SourcePool {
 public:
  virtual ~SourcePool() = default;
  // Runs blocking `work` on a thread with a session of its own and resumes the caller on its loop.
  // CONNECTION_POOL_EXHAUSTED after acquire_timeout. Cancelling the caller interrupts the session and still
  // waits for `work`. Afterwards the session is reset; one that cannot be is replaced.
  virtual awaitable<Result<void>> use(Access access, std::function<Result<void>(Session&)> work) = 0;
  virtual PoolFigures figures() const = 0;
  // Closes what is idle and waits for what is in use. Called once, last.
  virtual awaitable<void> close() = 0;
};

std::unique_ptr<SourcePool> make_source_pool(asio::io_context& loop, std::unique_ptr<Source> source,
                                             PoolSettings settings);

}  // namespace vmc::sources
