// Slots: at most n coroutines of one loop at a time; the others wait in the order they came.
#pragma once

#include <algorithm>
#include <deque>

#include "core/event.hpp"

namespace vmc {

class Slots {
 public:
  Slots(asio::any_io_executor loop, std::size_t slots) : loop_{std::move(loop)}, free_{slots} {}

  // False when the waiter was cancelled; then nothing is held.
  awaitable<bool> acquire() {
    if (free_ > 0) {
      --free_;
      co_return true;
    }
    Event turn{loop_};
    waiting_.push_back(&turn);
    while (!co_await stopping())
      if (co_await turn.wait_for(std::chrono::hours{1}))
        co_return true;  // release() has taken it off the queue
    const auto place = std::find(waiting_.begin(), waiting_.end(), &turn);
    if (place == waiting_.end())
      release();  // handed over at the very moment of the cancellation
    else
      waiting_.erase(place);
    co_return false;
  }
  void release() {
    if (waiting_.empty()) {
      ++free_;
      return;
    }
    auto* next = waiting_.front();
    waiting_.pop_front();
    next->notify();
  }

 private:
  asio::any_io_executor loop_;
  std::size_t free_;
  std::deque<Event*> waiting_;
};

}  // namespace vmc
