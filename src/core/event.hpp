// Event: wakes coroutines of one loop. A notify that nobody waits for is remembered, once.
#pragma once

#include "core/async.hpp"

namespace vmc {

class Event {
 public:
  explicit Event(asio::any_io_executor loop) : timer_{std::move(loop)} {}

  // On the loop only; from elsewhere post() it there.
  void notify() {
    signalled_ = true;
    timer_.cancel();
  }

  // Waits for a notify, at most `limit`; true when notified. Ends early, with false, when cancelled.
  // One waiter at a time.
  awaitable<bool> wait_for(Duration limit) {
    if (!signalled_) {
      timer_.expires_after(limit);
      co_await timer_.async_wait(as_tuple_awaitable);
    }
    co_return std::exchange(signalled_, false);
  }

 private:
  asio::steady_timer timer_;
  bool signalled_ = false;
};

inline bool is_stop(const asio::cancellation_state& state) {
  return state.cancelled() != asio::cancellation_type::none;
}

// Pauses the coroutine. False when it was cancelled meanwhile.
inline awaitable<bool> pause_for(Duration limit) {
  asio::steady_timer timer{co_await asio::this_coro::executor, limit};
  const auto [ec] = co_await timer.async_wait(as_tuple_awaitable);
  co_return !ec;
}

// Has this coroutine been told to stop (in either way)? To be asked only after
// co_await asio::this_coro::throw_if_cancelled(false): otherwise Asio throws operation_aborted from the
// first co_await of a function or operation that follows the stop, this one included.
inline awaitable<bool> stopping() {
  const auto state = co_await asio::this_coro::cancellation_state;
  co_return is_stop(state);
}

}  // namespace vmc
