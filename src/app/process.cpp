#include "app/process.hpp"

#include <signal.h>

#include <boost/asio/signal_set.hpp>

#include "core/log.hpp"

namespace vmc::app {
namespace {

// The calling thread's loop: signals, the ends of roles, the foreground.
struct Control {
  asio::io_context loop{1};
  asio::signal_set signals{loop, SIGINT, SIGTERM};
  asio::steady_timer grace_timer{loop};
  std::vector<std::unique_ptr<RoleThread>>& roles;
  Duration grace;
  std::size_t running;
  int exit_code = 0;
  bool stopping = false;
  std::unique_ptr<TaskGroup> foreground;

  Control(std::vector<std::unique_ptr<RoleThread>>& r, Duration g) : roles{r}, grace{g}, running{r.size()} {}

  void stop() {
    if (stopping) return cancel();
    stopping = true;
    for (auto& role : roles) role->drain();
    if (foreground) foreground->cancel();
    grace_timer.expires_after(grace);
    grace_timer.async_wait([this](boost::system::error_code ec) {
      if (!ec) cancel();
    });
  }
  void cancel() {
    for (auto& role : roles) role->cancel();
  }
  void wait_signal() {
    signals.async_wait([this](boost::system::error_code ec, int) {
      if (ec) return;
      log::info("process", stopping ? "stopping now" : "stopping; once more to stop at once");
      stop();
      wait_signal();
    });
  }
  void role_ended(RoleThread& role) {
    if (role.failed()) exit_code = 1;
    if (--running == 0) {
      signals.cancel();
      grace_timer.cancel();
    } else {
      stop_once();
    }
  }
  void stop_once() {
    if (!stopping) stop();
  }
};

awaitable<void> run_foreground(Control& control, std::function<awaitable<int>(asio::io_context&)> body) {
  control.exit_code = co_await body(control.loop);
  control.stop_once();
}

}  // namespace

int run_process(std::vector<std::unique_ptr<RoleThread>>& roles, Duration grace,
                std::function<awaitable<int>(asio::io_context&)> foreground) {
  signal(SIGPIPE, SIG_IGN);
  Control control{roles, grace};
  control.wait_signal();
  control.foreground =
      std::make_unique<TaskGroup>(control.loop.get_executor(), TaskGroup::OnError::keep_going);
  if (foreground) control.foreground->spawn("foreground", run_foreground(control, std::move(foreground)));
  for (auto& role : roles) {
    auto ended = [&control, &role] { control.role_ended(*role); };
    auto on_end = [&control, ended] { asio::post(control.loop, ended); };
    role->start(on_end);
  }
  control.loop.run();
  for (auto& role : roles) role->join();
  return control.exit_code;
}

}  // namespace vmc::app
