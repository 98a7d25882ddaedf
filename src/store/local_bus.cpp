// The bus between processes of one host: each binds a Unix datagram socket in one folder and sends its
// wake-ups to all the others there. Nothing ever blocks: a full socket loses the wake-up. Sockets of
// processes that are gone are removed by whoever finds nobody behind them.
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>

#include "core/clock.hpp"
#include "core/ids.hpp"
#include "core/log.hpp"
#include "store/bus.hpp"
#include "store/fd.hpp"
#include "store/subscriptions.hpp"

namespace vmc::store {
namespace {

constexpr std::size_t kTopicBytesMax = 256;
constexpr std::string_view kSuffix = ".sock";
constexpr std::int64_t kListingSettles =
    100'000'000;  // ns; a folder changed so recently may change unseen again

Error bus_error(std::string_view what, const std::string& folder) {
  return fail(Code::unavailable, fmt::format("{} {}: {}", what, folder, std::strerror(errno)));
}

std::int64_t nanoseconds(const timespec& t) { return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec; }

// A socket's path holds 107 bytes only; by way of /proc the folder's own length does not matter.
struct Address {
  sockaddr_un value{};
  Address(int folder, std::string_view name) {
    value.sun_family = AF_UNIX;
    const auto path = fmt::format("/proc/self/fd/{}/{}", folder, name);
    if (path.size() >= sizeof value.sun_path) throw std::logic_error{"a socket's name is too long"};
    std::memcpy(value.sun_path, path.c_str(), path.size() + 1);
  }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&value); }
};

// The other processes' sockets, read again when the folder has changed.
class Peers {
 public:
  Peers(int folder, std::string own) : folder_{folder}, own_{std::move(own)} {}

  const std::vector<std::string>& names() {
    struct stat info {};
    if (::fstat(folder_, &info) != 0) return names_;
    const auto changed = nanoseconds(info.st_mtim);
    if (changed == listed_) return names_;
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    list();
    listed_ = nanoseconds(now) - changed > kListingSettles ? changed : 0;
    return names_;
  }

 private:
  void list() {
    names_.clear();
    const int fd = ::openat(folder_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR* dir = fd < 0 ? nullptr : ::fdopendir(fd);
    if (!dir) {
      if (fd >= 0) ::close(fd);
      return;
    }
    while (const dirent* entry = ::readdir(dir)) {
      const std::string_view name{entry->d_name};
      if (name.ends_with(kSuffix) && name.front() != '.' && name.size() <= 64 && name != own_)
        names_.emplace_back(name);
    }
    ::closedir(dir);
  }

  int folder_;
  std::string own_;
  std::int64_t listed_ = 0;
  std::vector<std::string> names_;
};

class LocalBus final : public Bus {
 public:
  LocalBus(Fd folder, Fd socket, Fd stop, std::string name)
      : folder_{std::move(folder)},
        socket_{std::move(socket)},
        stop_{std::move(stop)},
        name_{std::move(name)},
        peers_{folder_.get(), name_},
        receiver_{[this] { receive(); }} {}

  ~LocalBus() override {
    ::eventfd_write(stop_.get(), 1);
    receiver_.join();
    ::unlinkat(folder_.get(), name_.c_str(), 0);
  }

  void publish(std::string_view topic) override {
    if (topic.empty() || topic.size() > kTopicBytesMax)
      throw std::invalid_argument{"a topic has 1 to 256 bytes"};
    subscriptions_->wake(topic);
    std::lock_guard lock{mutex_};
    for (const auto& peer : peers_.names()) send(peer, topic);
  }

  std::unique_ptr<Subscription> subscribe(std::string topic, asio::any_io_executor loop,
                                          std::function<void()> wake) override {
    return subscriptions_->add(std::move(topic), std::move(loop), std::move(wake));
  }

 private:
  void send(const std::string& peer, std::string_view topic) {
    const Address address{folder_.get(), peer};
    const auto sent = ::sendto(socket_.get(), topic.data(), topic.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                               address.get(), sizeof address.value);
    if (sent >= 0 || errno != ECONNREFUSED) return;  // a full socket loses the wake-up; that is allowed
    struct stat info {};
    if (::fstatat(folder_.get(), peer.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISSOCK(info.st_mode))
      ::unlinkat(folder_.get(), peer.c_str(), 0);
  }

  void receive() {
    pthread_setname_np(pthread_self(), "vmc-bus");
    std::array<char, kTopicBytesMax> buffer{};
    std::array<pollfd, 2> wait{pollfd{socket_.get(), POLLIN, 0}, pollfd{stop_.get(), POLLIN, 0}};
    for (;;) {
      if (::poll(wait.data(), wait.size(), -1) < 0 && errno != EINTR) {
        log::error("store", "the bus hears nothing more", {{"error", std::strerror(errno)}});
        return;
      }
      if (wait[1].revents != 0) return;
      // MSG_TRUNC tells the true size: what is longer than a topic is none of ours.
      const auto size = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT | MSG_TRUNC);
      if (size > 0 && static_cast<std::size_t>(size) <= buffer.size())
        subscriptions_->wake({buffer.data(), static_cast<std::size_t>(size)});
    }
  }

  Fd folder_;
  Fd socket_;
  Fd stop_;
  std::string name_;
  std::shared_ptr<Subscriptions> subscriptions_ =
      std::make_shared<Subscriptions>();  // subscriptions may outlive us
  std::mutex mutex_;
  Peers peers_;
  std::thread receiver_;
};

Result<Fd> open_bus_folder(const std::string& folder) {
  std::error_code ec;
  const bool existed = std::filesystem::exists(folder, ec);
  std::filesystem::create_directories(folder, ec);
  Fd fd{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!fd) return bus_error("cannot open", folder);
  if (!existed && ::fchmod(fd.get(), 0700) != 0) return bus_error("cannot set the mode of", folder);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return bus_error("cannot read", folder);
  if (info.st_uid != ::geteuid() || (info.st_mode & 022) != 0)
    return fail(Code::forbidden, fmt::format("{} can be written by others", folder),
                "Make it a folder of the user that runs vmc, mode 0700.");
  return fd;
}

}  // namespace

Result<std::unique_ptr<Bus>> make_local_bus(std::string folder) {
  VMC_TRY(directory, open_bus_folder(folder));
  Fd stop{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  Fd socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!stop || !socket || ::fchmod(socket.get(), 0600) != 0)
    return bus_error("cannot make a socket in", folder);
  // Bound under a name nobody looks at: between the file's birth and the end of bind() a peer would take it
  // for a dead one and remove it.
  const auto name = new_id("bus", system_clock().now()) + std::string{kSuffix};
  const auto unborn = "." + name;
  const Address address{directory.get(), unborn};
  if (::bind(socket.get(), address.get(), sizeof address.value) != 0 ||
      ::fchmodat(directory.get(), unborn.c_str(), 0600, 0) != 0 ||
      ::renameat(directory.get(), unborn.c_str(), directory.get(), name.c_str()) != 0)
    return bus_error("cannot make a socket in", folder);
  return std::make_unique<LocalBus>(std::move(directory), std::move(socket), std::move(stop), name);
}

}  // namespace vmc::store
