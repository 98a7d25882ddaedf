// A process made of roles: runs them until a signal or the end of one of them.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "app/role_thread.hpp"

namespace vmc::app {

// SIGTERM or SIGINT drains the roles in the order given; what has not ended after `grace`, or at a second
// signal, is cancelled. `foreground`, if any, runs on the calling thread's loop beside them; when it returns,
// the roles are drained too. Returns the exit code: the foreground's, or 1 when a role failed.
int run_process(std::vector<std::unique_ptr<RoleThread>>& roles, Duration grace,
                std::function<awaitable<int>(asio::io_context&)> foreground = nullptr);

}  // namespace vmc::app
