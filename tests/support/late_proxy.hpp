// Between a client and its database, on loopback: the first message that holds a word is kept back until the server has
// answered, on another connection, to what was to stop it. That has come too early, and the server has forgotten it.
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <list>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace vmc::test {

class LateProxy {
 public:
  // `kept` is called once, when the message is here.
  LateProxy(std::uint16_t server, std::string word, std::function<void()> kept)
      : server_{server}, word_{std::move(word)}, kept_{std::move(kept)} {
    auto address = loopback(0);
    socklen_t size = sizeof address;
    if (bind(listener_.fd, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener_.fd, 8) != 0 ||
        getsockname(listener_.fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw std::runtime_error{"no port for the proxy"};
    port_ = ntohs(address.sin_port);
    thread_ = std::thread{[this] { run(); }};
  }
  ~LateProxy() {
    eventfd_write(end_.fd, 1);
    thread_.join();
  }
  std::uint16_t port() const { return port_; }

 private:
  struct Descriptor {
    explicit Descriptor(int opened) : fd{opened} {
      if (fd < 0) throw std::runtime_error{"no descriptor for the proxy"};
    }
    ~Descriptor() { close(fd); }
    Descriptor(const Descriptor&) = delete;
    int fd;
  };
  static int tcp() { return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); }
  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }

  struct Pair {
    explicit Pair(int accepted) : client{accepted}, server{tcp()} {}
    Descriptor client, server;
    std::string waits;   // for the server
    bool stops = false;  // what its client has sent last
  };

  static std::string receive(const Descriptor& from) {
    std::string bytes(64 << 10, '\0');
    const auto size = recv(from.fd, bytes.data(), bytes.size(), 0);
    bytes.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return bytes;
  }
  static bool pass(const Descriptor& to, const std::string& bytes) {
    return !bytes.empty() && send(to.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
  }
  static bool is_stop(const std::string& bytes) {
    static const std::string kPostgresCancels{"\x00\x00\x00\x10\x04\xd2\x16\x2e", 8};
    return bytes.find("KILL QUERY") != bytes.npos || bytes.rfind(kPostgresCancels, 0) == 0;
  }

  void run() {
    for (;;) {
      std::vector<pollfd> fds{{end_.fd, POLLIN, 0}, {listener_.fd, POLLIN, 0}};
      for (const auto& pair : pairs_) {
        fds.push_back({pair.client.fd, POLLIN, 0});
        fds.push_back({pair.server.fd, POLLIN, 0});
      }
      if (poll(fds.data(), fds.size(), -1) < 0) continue;
      if (fds[0].revents) return;
      auto of_pair = fds.begin() + 2;
      for (auto pair = pairs_.begin(); pair != pairs_.end(); of_pair += 2) {
        const bool open = (!of_pair[0].revents || from_client(*pair)) && (!of_pair[1].revents || from_server(*pair));
        pair = open ? std::next(pair) : pairs_.erase(pair);
      }
      if (fds[1].revents) accept_one();
    }
  }

  void accept_one() {
    pairs_.emplace_back(accept(listener_.fd, nullptr, nullptr));
    const auto address = loopback(server_);
    if (connect(pairs_.back().server.fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) pairs_.pop_back();
  }

  bool from_client(Pair& pair) {
    const auto bytes = receive(pair.client);
    pair.stops = is_stop(bytes);
    if (!kept_ || bytes.find(word_) == bytes.npos) return pass(pair.server, bytes);
    pair.waits = bytes;
    std::exchange(kept_, nullptr)();
    return true;
  }

  bool from_server(Pair& pair) {
    const auto bytes = receive(pair.server);
    if (std::exchange(pair.stops, false))
      for (auto& late : pairs_)
        if (!late.waits.empty()) pass(late.server, std::exchange(late.waits, {}));
    return pass(pair.client, bytes);
  }

  std::uint16_t server_, port_ = 0;
  std::string word_;
  std::function<void()> kept_;
  Descriptor listener_{tcp()}, end_{eventfd(0, EFD_CLOEXEC)};
  std::list<Pair> pairs_;
  std::thread thread_;
};

}  // namespace vmc::test
