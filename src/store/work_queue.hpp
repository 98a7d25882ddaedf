// Closures on their way from a coroutine to a database thread and back.
//
// submit() suspends its caller until a thread has taken the request, run it and released it. A cancelled
// caller still waits, because the closure refers to its locals; the request only learns that nobody wants
// its answer any more. The queue belongs to the Database, which closes it and joins its threads.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/async.hpp"
#include "core/result.hpp"
#include "store/database.hpp"

namespace vmc::store {

using Work = std::function<Result<void>(Tx&)>;

// The caller's side waits while the thread's side writes `outcome` or `bug`; release() is its last touch.
class Request {
 public:
  Request(const std::string& t, const Work& w) : tenant{t}, work{w} {}
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;
  virtual ~Request() = default;
  virtual void release() = 0;

  const std::string& tenant;
  const Work& work;
  std::atomic<bool> cancelled{false};
  Result<void> outcome;
  std::exception_ptr bug;  // what the closure threw that is no StoreFailure
};

class WorkQueue {
 public:
  // False when the queue is full.
  bool push(Request& request);
  // Waits for work and takes at most `max` into `out`. False when closed and drained.
  bool take(std::vector<Request*>& out, std::size_t max);
  void close();

 private:
  std::mutex mutex_;
  std::condition_variable filled_;
  std::deque<Request*> waiting_;
  bool closed_ = false;
};

awaitable<Result<void>> submit(WorkQueue& queue, std::string tenant, Work work);

}  // namespace vmc::store
