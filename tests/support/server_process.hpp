// A server program of a test's own: started with its output in a file, ended with the test however that ends.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace vmc::test {

inline std::uint16_t free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error{"no free port"};
  close(fd);
  return ntohs(address.sin_port);
}

// `user`: whom it runs as, where this program is root. `with_parent`: the signal it gets when this program ends.
inline pid_t start_program(const std::vector<std::string>& words, const std::filesystem::path& log, int with_parent,
                           const passwd* user = nullptr) {
  std::vector<char*> argv;
  for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const auto parent = getpid();
  const pid_t pid = fork();
  if (pid != 0) return pid;
  if (user && (setgroups(0, nullptr) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0)) _exit(126);
  prctl(PR_SET_PDEATHSIG, with_parent);
  if (getppid() != parent) _exit(125);
  const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (out >= 0) {
    dup2(out, 1);
    dup2(out, 2);
  }
  setsid();
  execv(argv[0], argv.data());
  _exit(127);
}

// Waits for a child's end: true when it has come, and then it is no child any more.
inline bool ends_within(pid_t pid, std::chrono::milliseconds limit) {
  const int handle = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (handle < 0) return true;
  pollfd end{handle, POLLIN, 0};
  const bool ended = poll(&end, 1, static_cast<int>(limit.count())) > 0;
  close(handle);
  return ended && waitpid(pid, nullptr, 0) == pid;
}

// Asks until the server is ready; false: it has ended, or was never ready. Nothing tells when to ask.
template <class Ready>
bool ready_within(pid_t pid, std::chrono::seconds limit, Ready ready) {
  const auto until = std::chrono::steady_clock::now() + limit;
  do {
    if (ready()) return true;
  } while (std::chrono::steady_clock::now() < until && !ends_within(pid, std::chrono::milliseconds{20}));
  return false;
}

// With a signal it takes as a wish, then with `harder`, then at once. 0 afterwards.
inline void end_program(pid_t& pid, int wish, int harder) noexcept {
  if (pid <= 0) return;
  kill(pid, wish);
  if (!ends_within(pid, std::chrono::seconds{10})) {
    kill(pid, harder);
    if (!ends_within(pid, std::chrono::seconds{2})) {
      kill(pid, SIGKILL);
      waitpid(pid, nullptr, 0);
    }
  }
  pid = 0;
}

}  // namespace vmc::test
