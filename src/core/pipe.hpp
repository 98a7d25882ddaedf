// Pipe<T>: a bounded queue between one blocking thread and one coroutine, in either direction.
//
// The thread blocks while the pipe is full (or empty); the coroutine suspends. close() from either side
// ends it: what is queued is still delivered, a blocked push returns false. abort() also drops the queue.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>

#include "core/event.hpp"

namespace vmc {

template <class T>
class Pipe {
 public:
  Pipe(asio::any_io_executor loop, std::size_t capacity)
      : loop_{loop}, event_{std::make_shared<Event>(loop)}, capacity_{capacity} {}
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  // Thread side. False when the other side has closed the pipe.
  bool push(T item) {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return closed_ || items_.size() < capacity_; });
    if (closed_) return false;
    items_.push_back(std::move(item));
    wake();
    return true;
  }
  // Thread side. Empty when the pipe is closed and drained.
  std::optional<T> pop() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return closed_ || !items_.empty(); });
    return take();
  }

  // Loop side of push(). False when closed, or when the caller was cancelled.
  awaitable<bool> async_push(T item) {
    for (;;) {
      {
        std::unique_lock lock{mutex_};
        if (closed_) co_return false;
        if (items_.size() < capacity_) {
          items_.push_back(std::move(item));
          changed_.notify_all();
          co_return true;
        }
      }
      co_await event_->wait_for(std::chrono::hours{1});
      if (is_stop(co_await asio::this_coro::cancellation_state)) co_return false;
    }
  }
  // Loop side of pop(). Empty when closed and drained, or when the caller was cancelled.
  awaitable<std::optional<T>> async_pop() {
    for (;;) {
      {
        std::unique_lock lock{mutex_};
        if (closed_ || !items_.empty()) co_return take();
      }
      co_await event_->wait_for(std::chrono::hours{1});
      if (is_stop(co_await asio::this_coro::cancellation_state)) co_return std::nullopt;
    }
  }

  void close() {
    std::unique_lock lock{mutex_};
    closed_ = true;
    wake();
    changed_.notify_all();
  }
  void abort() {
    std::unique_lock lock{mutex_};
    closed_ = true;
    items_.clear();
    wake();
    changed_.notify_all();
  }

 private:
  std::optional<T> take() {
    if (items_.empty()) return std::nullopt;
    std::optional<T> item{std::move(items_.front())};
    items_.pop_front();
    changed_.notify_all();
    wake();
    return item;
  }
  void wake() {
    asio::post(loop_, [event = event_] { event->notify(); });
  }

  asio::any_io_executor loop_;
  std::shared_ptr<Event> event_;  // shared with wake-ups that are still posted when the pipe dies
  std::size_t capacity_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<T> items_;
  bool closed_ = false;
};

}  // namespace vmc
