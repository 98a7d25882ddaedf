// A real MariaDB of the test's own: on loopback at a free port, in a directory of its own, stopped with the test
// program however that ends.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "sources/source.hpp"

namespace vmc::test {

class MariadbServer {
 public:
  // The program's one server, started at first use.
  static MariadbServer& instance();
  static MariadbServer& with_tls();  // another one, whose certificate nobody has signed, and whose names ignore capitals
  ~MariadbServer();
  MariadbServer(const MariadbServer&) = delete;
  MariadbServer& operator=(const MariadbServer&) = delete;

  std::uint16_t port() const { return port_; }
  const std::filesystem::path& directory() const { return directory_; }
  // As "root", password "secret", names in double quotes; several statements may be divided by semicolons. Throws on an
  // error. The first cell of the last result, or "".
  std::string run(const std::string& sql, const std::string& database = "mysql") const;
  void create_database(const std::string& name) const;  // all text in it compares by its bytes
  sources::ServerSettings settings(std::string database, std::string user = "root",
                                        std::string password = "secret") const;

 private:
  explicit MariadbServer(bool tls);
  void make_certificate() const;
  void start();
  void stop() noexcept;

  bool tls_;
  std::filesystem::path directory_;
  std::uint16_t port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace vmc::test
