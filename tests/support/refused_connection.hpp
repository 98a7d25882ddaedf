// Opening a connection that must fail, and a port where nobody answers.
#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include "show_result.hpp"
#include "sources/source.hpp"

namespace vmc::test {

// Why it fails; in words that hold no password.
inline Error refused_by(sources::Source& source, Duration timeout) {
  auto session = source.open(sources::Access::read, timeout);
  REQUIRE_FALSE(session);
  INFO(session.error().text());
  CHECK(session.error().text().find("secret") == std::string::npos);
  CHECK(session.error().text().find("wrong-pw") == std::string::npos);
  return session.error();
}

// A port of ours that is bound and listens or not, and never answers.
class Mute {
 public:
  explicit Mute(bool listens) : fd_{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(bind(fd_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    if (listens) REQUIRE(listen(fd_, 8) == 0);
    port_ = ntohs(address.sin_port);
  }
  ~Mute() { close(fd_); }
  std::uint16_t port() const { return port_; }

 private:
  int fd_;
  std::uint16_t port_ = 0;
};

}  // namespace vmc::test
