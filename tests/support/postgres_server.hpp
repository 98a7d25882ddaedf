// A real PostgreSQL of the test's own: on loopback at a free port, in a directory of its own, stopped with
// the test program however that ends.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "sources/source.hpp"

namespace vmc::test {

class PostgresServer {
 public:
  // The program's one server, started at first use. In a child made by run_self() it is the parent's.
  static PostgresServer& instance();
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  std::uint16_t port() const { return port_; }
  const std::filesystem::path& directory() const { return directory_; }
  // As superuser "postgres"; its password is "secret". Throws on an error. The first cell of the result, or
  // "".
  std::string run(const std::string& sql, const std::string& database = "postgres") const;
  void create_database(const std::string& name) const;
  sources::ServerSettings settings(std::string database, std::string user = "postgres",
                                   std::string password = "secret") const;

 private:
  PostgresServer();
  void start();
  void stop() noexcept;

  std::filesystem::path directory_;
  std::uint16_t port_ = 0;
  pid_t pid_ = -1;
};

// Runs this test program again, with only `test` and with one environment variable more; its wait status.
int run_self(const std::string& test, const std::string& name, const std::string& value);

}  // namespace vmc::test
