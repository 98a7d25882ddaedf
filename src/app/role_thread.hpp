// A role in one process: its own loop on its own thread, and the two steps of stopping it.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <thread>

#include "core/async.hpp"
#include "core/task_group.hpp"

namespace vmc::app {

class RoleThread {
 public:
  explicit RoleThread(std::string name);
  void set_role(std::function<awaitable<void>()> role) { role_ = std::move(role); }
  ~RoleThread();  // cancels and joins
  RoleThread(const RoleThread&) = delete;
  RoleThread& operator=(const RoleThread&) = delete;

  asio::io_context& loop() { return loop_; }  // parts of the role are built on it before start()
  // Starts the thread; `on_end` runs on it when the role has ended, for whatever reason.
  void start(std::function<void()> on_end);
  void drain();   // finish what you do, then end
  void cancel();  // end now
  void join();    // waits for the end; the role dies here, the loop with this object
  bool failed() const { return failed_; }  // it ended with an exception, which was logged
  const std::string& name() const { return name_; }

 private:
  awaitable<void> supervise();
  std::string name_;
  asio::io_context loop_{1};
  TaskGroup group_{loop_.get_executor(), TaskGroup::OnError::fail_group};
  std::function<awaitable<void>()> role_;  // keeps the role, which must die before the loop
  std::atomic<bool> failed_ = false;
  std::thread thread_;
};

}  // namespace vmc::app
