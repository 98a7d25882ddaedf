// TaskGroup: owns child coroutines on one loop. Whoever spawns, joins: a group is local to the spawning
// coroutine and must be joined before it dies. Two steps of stopping: drain() asks children that opted in
// to finish (Asio's total cancellation), cancel() tells all of them to stop now (terminal).
//
// A coroutine that owns a group first says co_await asio::this_coro::throw_if_cancelled(false): otherwise a
// stop makes its next co_await throw, and it would leave without having joined.
#pragma once

#include <exception>
#include <list>
#include <string>

#include "core/async.hpp"

namespace vmc {

class TaskGroup {
 public:
  enum class OnError { fail_group, keep_going };

  TaskGroup(asio::any_io_executor loop, OnError policy);
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;
  ~TaskGroup();

  std::size_t size() const { return children_.size(); }

  // `name` appears in the log when the child ends with an exception.
  void spawn(std::string name, awaitable<void> task);
  void drain() { emit(asio::cancellation_type::total); }
  void cancel() { emit(asio::cancellation_type::terminal); }

  // Waits for every child, passing on a stop that reaches (or has reached) the waiter. Rethrows the first
  // child's error under fail_group.
  awaitable<void> join();
  // Waits at most `limit`; true when every child has returned.
  awaitable<bool> join_for(Duration limit);
  // Waits until fewer than `limit` children are left: the bound of an accept loop.
  awaitable<void> wait_below(std::size_t limit);

 private:
  struct Child {
    std::string name;
    asio::cancellation_signal stop;
  };
  using Iter = std::list<Child>::iterator;

  void emit(asio::cancellation_type type);
  void finish(Iter child, std::exception_ptr error);

  std::list<Child> children_;
  asio::steady_timer idle_;
  OnError policy_;
  std::exception_ptr error_;
};

// Was this exception the echo of a cancellation?
bool is_cancellation(std::exception_ptr error);
// "what()" of an exception, for a log line.
std::string describe(std::exception_ptr error);

}  // namespace vmc
