#include "tls_echo.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>
#include <vector>

namespace vmc::bench {
namespace {

void check(bool ok, const char* what) {
  if (!ok) throw std::runtime_error(std::string{"TLS echo: "} + what);
}

void no_delay(int socket) {
  const int on = 1;
  check(setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0, "TCP_NODELAY");
}

// Serves one connection and ends.
int serve(int listener, const std::string& certificate, const std::string& key) {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  if (SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1)
    return 1;
  const int socket = accept(listener, nullptr, nullptr);
  no_delay(socket);
  SSL* stream = SSL_new(context);
  SSL_set_fd(stream, socket);
  if (SSL_accept(stream) != 1) return 1;
  std::vector<char> buffer(16 * 1024);
  for (;;) {
    const int got = SSL_read(stream, buffer.data(), static_cast<int>(buffer.size()));
    if (got <= 0) return 0;
    if (SSL_write(stream, buffer.data(), got) != got) return 1;
  }
}

}  // namespace

TlsEcho::TlsEcho(const std::string& certificate_file, const std::string& key_file) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  check(bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0 && listen(listener, 1) == 0 &&
            getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0,
        "cannot listen");
  server_ = fork();
  check(server_ >= 0, "cannot fork");
  if (server_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    _exit(serve(listener, certificate_file, key_file));
  }
  close(listener);
  socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  check(connect(socket_, reinterpret_cast<sockaddr*>(&address), size) == 0, "cannot connect");
  no_delay(socket_);
  context_ = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(context_, TLS1_3_VERSION);
  stream_ = SSL_new(context_);
  SSL_set_fd(stream_, socket_);
  check(SSL_connect(stream_) == 1, "no handshake");
}

TlsEcho::~TlsEcho() {
  SSL_free(stream_);
  SSL_CTX_free(context_);
  close(socket_);
  kill(server_, SIGKILL);
  waitpid(server_, nullptr, 0);
}

void TlsEcho::round(std::size_t bytes) {
  std::vector<char> buffer(bytes, 'x');
  check(SSL_write(stream_, buffer.data(), static_cast<int>(bytes)) == static_cast<int>(bytes), "cannot send");
  for (std::size_t got = 0; got < bytes;) {
    const int more = SSL_read(stream_, buffer.data(), static_cast<int>(bytes - got));
    check(more > 0, "the server has gone");
    got += static_cast<std::size_t>(more);
  }
}

}  // namespace vmc::bench
