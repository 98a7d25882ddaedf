// The bare floor of a round trip: blocking OpenSSL on both sides, a server process that sends back what it reads.
#pragma once

#include <openssl/ssl.h>
#include <sys/types.h>

#include <cstddef>
#include <string>

namespace vmc::bench {

class TlsEcho {
 public:
  // Starts the server as a child process on a free port of loopback. Throws what failed.
  TlsEcho(const std::string& certificate_file, const std::string& key_file);
  ~TlsEcho();
  TlsEcho(const TlsEcho&) = delete;
  TlsEcho& operator=(const TlsEcho&) = delete;

  // Sends that many bytes and waits until they are back.
  void round(std::size_t bytes);

 private:
  SSL_CTX* context_ = nullptr;
  SSL* stream_ = nullptr;
  int socket_ = -1;
  pid_t server_ = -1;
};

}  // namespace vmc::bench
