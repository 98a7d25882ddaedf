// Debian's ODBC drivers by the paths of their libraries, so that no machine-wide configuration has a say.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>

#include "mariadb_server.hpp"
#include "mssql_server.hpp"
#include "postgres_server.hpp"

namespace vmc::test {

inline std::string odbc_driver(const std::string& library) {
  for (const auto& folder : std::filesystem::directory_iterator{"/usr/lib"})
    if (const auto file = folder.path() / "odbc" / library; std::filesystem::exists(file)) return file;
  throw std::runtime_error{"the ODBC driver " + library + " is not installed, see tests/packages.txt"};
}

inline sources::OdbcSettings over_odbc(const std::string& library, sources::ServerSettings server) {
  sources::OdbcSettings out;
  out.driver = odbc_driver(library);
  out.host = server.host;
  out.port = server.port;
  out.database = server.database;
  out.user = server.user;
  out.password = server.password;
  return out;
}

inline sources::OdbcSettings postgres_over_odbc(const std::string& database,
                                                const std::string& user = "postgres",
                                                const std::string& password = "secret") {
  return over_odbc("psqlodbcw.so", PostgresServer::instance().settings(database, user, password));
}

inline sources::OdbcSettings mariadb_over_odbc(const std::string& database, const std::string& user = "root",
                                               const std::string& password = "secret") {
  return over_odbc("libmaodbc.so", MariadbServer::instance().settings(database, user, password));
}

// FreeTDS; behind it the TDS server of tests/tds.
inline sources::OdbcSettings mssql_over_odbc(const std::string& database, const std::string& user = "sa",
                                             const std::string& password = "secret") {
  return over_odbc("libtdsodbc.so", MssqlServer::instance().settings(database, user, password));
}

inline sources::OdbcSettings sqlite_over_odbc(const std::string& file) {
  sources::OdbcSettings out;
  out.driver = odbc_driver("libsqlite3odbc.so");
  out.database = file;
  return out;
}

}  // namespace vmc::test
