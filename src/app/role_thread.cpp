#include "app/role_thread.hpp"

#include <pthread.h>

#include "core/log.hpp"

namespace vmc::app {

RoleThread::RoleThread(std::string name) : name_{std::move(name)} {}

RoleThread::~RoleThread() {
  if (!thread_.joinable()) return;
  cancel();
  join();
}

void RoleThread::start(std::function<void()> on_end) {
  auto done = [this](std::exception_ptr error) {
    if (!error || is_cancellation(error)) return;
    failed_ = true;
    log::error(name_, "the role ended with an error", {{"error", describe(error)}});
  };
  asio::co_spawn(loop_, supervise(), std::move(done));
  thread_ = std::thread{[this, on_end = std::move(on_end)] {
    pthread_setname_np(pthread_self(), name_.substr(0, 15).c_str());
    loop_.run();
    on_end();
  }};
}

awaitable<void> RoleThread::supervise() {
  group_.spawn(name_, role_());
  co_await group_.join();
}

void RoleThread::drain() {
  asio::post(loop_, [this] { group_.drain(); });
}

void RoleThread::cancel() {
  asio::post(loop_, [this] { group_.cancel(); });
}

void RoleThread::join() {
  if (thread_.joinable()) thread_.join();
  role_ = nullptr;
}

}  // namespace vmc::app
