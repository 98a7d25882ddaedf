#include "script/child_process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <ctime>

#include "script/frames.hpp"

namespace vmc::script {
namespace {

constexpr rlim_t kCpuSlackSeconds = 2;

struct Descriptor {
  int fd = -1;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
  int release() { return std::exchange(fd, -1); }
};

// posix_spawn does in the child only what is safe beside other threads.
class Spawn {
 public:
  Spawn() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
  }
  ~Spawn() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  Spawn(const Spawn&) = delete;
  Spawn& operator=(const Spawn&) = delete;

  int run(const std::string& binary, int socket, pid_t& pid) {
    int error = 0;
    const auto also = [&error](int result) {
      if (error == 0) error = result;
    };
    also(posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0));
    also(posix_spawn_file_actions_addopen(&actions_, 1, "/dev/null", O_WRONLY, 0));
    also(posix_spawn_file_actions_addopen(&actions_, 2, "/dev/null", O_WRONLY, 0));
    also(posix_spawn_file_actions_adddup2(&actions_, socket, kChildSocket));
    also(posix_spawn_file_actions_addclosefrom_np(&actions_, kChildSocket + 1));
    also(posix_spawn_file_actions_addchdir_np(&actions_, "/"));
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    also(posix_spawnattr_setsigmask(&attributes_, &none));
    also(posix_spawnattr_setsigdefault(&attributes_, &all));
    // A session of its own: Ctrl-C at the terminal is for us to handle, not for the script.
    also(posix_spawnattr_setflags(&attributes_,
                                  POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID));
    if (error != 0) return error;
    std::string name{"vmc"};
    std::string argument{kChildArgument};
    char* const arguments[] = {name.data(), argument.data(), nullptr};
    char* const environment[] = {nullptr};
    return posix_spawn(&pid, binary.c_str(), &actions_, &attributes_, arguments, environment);
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

}  // namespace

Result<std::unique_ptr<ChildProcess>> ChildProcess::start(asio::any_io_executor loop,
                                                          const std::string& binary) {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
    return fail(Code::unavailable, std::string{"no socket for a script process: "} + std::strerror(errno));
  Descriptor ours{pair[0]};
  Descriptor theirs{pair[1]};
  // Above the numbers the child's file actions touch, whatever this process has closed.
  Descriptor high{::fcntl(theirs.fd, F_DUPFD_CLOEXEC, kChildSocket + 1)};
  if (high.fd < 0)
    return fail(Code::unavailable,
                std::string{"no descriptor for a script process: "} + std::strerror(errno));
  pid_t pid = -1;
  const int error = Spawn{}.run(binary, high.fd, pid);
  if (error != 0)
    return fail(Code::unavailable,
                "the script process cannot be started from " + binary + ": " + std::strerror(error));
  return std::unique_ptr<ChildProcess>{new ChildProcess{std::move(loop), pid, ours.release()}};
}

ChildProcess::ChildProcess(asio::any_io_executor loop, pid_t pid, int socket)
    : pid_{pid}, socket_{loop, asio::local::stream_protocol{}, socket}, end_{loop} {
  const auto end = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (end >= 0) end_.assign(end);
}

ChildProcess::~ChildProcess() {
  kill();
  reap();
}

void ChildProcess::kill() {
  if (!dead_) ::kill(pid_, SIGKILL);
}

void ChildProcess::reap() {
  while (!dead_) {
    if (::waitpid(pid_, &status_, 0) == pid_ || errno != EINTR) dead_ = true;
  }
}

awaitable<int> ChildProcess::bury() {
  kill();
  // Without pidfds (an old kernel, a container's own filter) the wait below blocks for the moment a SIGKILL
  // takes.
  if (end_.is_open()) co_await end_.async_wait(asio::posix::descriptor_base::wait_read, as_tuple_awaitable);
  reap();
  co_return status_;
}

void ChildProcess::allow_cpu(Duration cpu) {
  clockid_t clock{};
  timespec used{};
  if (::clock_getcpuclockid(pid_, &clock) != 0 || ::clock_gettime(clock, &used) != 0) return;
  rlimit now{};
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(cpu).count();
  if (::prlimit(pid_, RLIMIT_CPU, nullptr, &now) != 0) return;
  now.rlim_cur =
      std::min<rlim_t>(static_cast<rlim_t>(used.tv_sec + seconds) + kCpuSlackSeconds, now.rlim_max);
  ::prlimit(pid_, RLIMIT_CPU, &now, nullptr);
}

}  // namespace vmc::script
