// The TDS test server of tests/tds in a process of its own: on loopback at free ports, stopped with the test program
// however that ends. It keeps each database in SQLite and knows the T-SQL that vmc sends.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "core/json.hpp"
#include "sources/source.hpp"

namespace vmc::test {

class MssqlServer {
 public:
  // The program's one server, started at first use.
  static MssqlServer& instance();
  ~MssqlServer();
  MssqlServer(const MssqlServer&) = delete;
  MssqlServer& operator=(const MssqlServer&) = delete;

  std::uint16_t port() const { return port_; }
  const std::filesystem::path& directory() const { return directory_; }
  // See do_… in tests/tds/server.py; throws on an error.
  Json control(const Json& request) const;
  // SQLite's DDL and DML with T-SQL types. The first cell of the first result, or "".
  std::string run(const std::string& sql, const std::string& database) const;
  void create_database(const std::string& name, bool snapshot = true) const;
  // What has come since this was last asked: statements, logins, unknown, attentions.
  Json seen() const { return control({{"do", "seen"}}); }
  sources::ServerSettings settings(std::string database, std::string user = "sa",
                                        std::string password = "secret") const;

 private:
  MssqlServer();
  std::filesystem::path directory_;
  std::uint16_t port_ = 0, control_port_ = 0;
  pid_t pid_ = -1;
  int input_ = -1;  // the server ends with it
};

}  // namespace vmc::test
