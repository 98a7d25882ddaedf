// One script process as its parent holds it: started by exec with nothing but a socket, killed with its
// owner. Belongs to a loop; the destructor kills and reaps.
#pragma once

#include <sys/types.h>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <memory>
#include <string>

#include "core/async.hpp"
#include "core/result.hpp"

namespace vmc::script {

class ChildProcess {
 public:
  using Socket = asio::local::stream_protocol::socket;

  // Blocks until the exec has happened (about a millisecond). Empty environment, no descriptors but the
  // socket, working directory "/". UNAVAILABLE when the program cannot be started.
  static Result<std::unique_ptr<ChildProcess>> start(asio::any_io_executor loop, const std::string& binary);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  Socket& socket() { return socket_; }
  pid_t pid() const { return pid_; }
  void kill();
  // The kernel's own CPU limit for what comes next, a little above the one the child keeps itself.
  void allow_cpu(Duration cpu);
  // Kills, waits without blocking the loop, and says how it ended (a wait status).
  awaitable<int> bury();

 private:
  ChildProcess(asio::any_io_executor loop, pid_t pid, int socket);
  void reap();

  pid_t pid_;
  bool dead_ = false;
  int status_ = 0;
  Socket socket_;
  asio::posix::stream_descriptor end_;  // a pidfd: readable when the process has ended
};

}  // namespace vmc::script
