#include "mariadb_server.hpp"

#include <mysql.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <vector>

#include "server_process.hpp"
#include "sources/mysql/libmariadb.hpp"

namespace vmc::test {
namespace {

constexpr auto kStartLimit = std::chrono::seconds{30};

std::string binary(const char* name) {
  for (const char* folder : {"/usr/sbin/", "/usr/bin/"})
    if (const auto path = std::string{folder} + name; access(path.c_str(), X_OK) == 0) return path;
  throw std::runtime_error{std::string{"no MariaDB server is installed: "} + name + " is missing"};
}

std::vector<std::string> as_this_user(std::vector<std::string> words) {
  if (geteuid() == 0) words.push_back("--user=root");
  return words;
}

struct Close {
  void operator()(MYSQL* connection) const { mysql_close(connection); }
};
using Conn = std::unique_ptr<MYSQL, Close>;

Conn connect(std::uint16_t port, const std::string& database, const char* password = "secret") {
  // vmc's own entry points stand before those of the library these tests are linked with, and lead to it once loaded.
  if (!sources::mysql::load_libmariadb()) throw std::runtime_error{"libmariadb cannot be loaded"};
  Conn conn{mysql_init(nullptr)};
  const unsigned tcp = MYSQL_PROTOCOL_TCP;
  mysql_options(conn.get(), MYSQL_OPT_PROTOCOL, &tcp);
  mysql_options(conn.get(), MYSQL_SET_CHARSET_NAME, "utf8mb4");
  mysql_options(conn.get(), MYSQL_INIT_COMMAND, "SET sql_mode = 'ANSI_QUOTES', time_zone = '+00:00'");
  if (!mysql_real_connect(conn.get(), "127.0.0.1", "root", password, database.c_str(), port, nullptr,
                          CLIENT_MULTI_STATEMENTS))
    return {};
  return conn;
}

}  // namespace

MariadbServer& MariadbServer::instance() {
  static MariadbServer server{false};
  return server;
}

MariadbServer& MariadbServer::with_tls() {
  static MariadbServer server{true};
  return server;
}

void MariadbServer::make_certificate() const {
  const auto make = "cd " + directory_.string() +
                    " && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
                    "-subj /CN=localhost -keyout key.pem -out cert.pem 2>/dev/null";
  if (std::system(make.c_str()) != 0) throw std::runtime_error{"no certificate can be made"};
}

MariadbServer::MariadbServer(bool tls) : tls_{tls} {
  std::string name = "/tmp/vmc-mariadb-XXXXXX";
  if (!mkdtemp(name.data())) throw std::runtime_error{"no temporary directory"};
  directory_ = name;
  // A server that starts clears the temporary tables in its folder, those of others among them.
  const auto make = as_this_user({binary("mariadb-install-db"), "--no-defaults", "--datadir=" + (directory_ / "data").string(),
                                  "--tmpdir=" + directory_.string(), "--skip-test-db", "--auth-root-authentication-method=normal"});
  const pid_t made = start_program(make, directory_ / "log", SIGKILL);
  int status = 0;
  if (waitpid(made, &status, 0) != made || status != 0)
    throw std::runtime_error{"mariadb-install-db failed, see " + name + "/log"};
  std::ofstream{directory_ / "init.sql"} << "SET PASSWORD FOR root@localhost = PASSWORD('secret');\n"
                                         << "DELETE FROM mysql.global_priv WHERE User = '';\nFLUSH PRIVILEGES;\n";
  if (tls_) make_certificate();
  start();
}

void MariadbServer::start() {
  for (int attempt = 0; attempt < 5; ++attempt) {
    port_ = free_port();
    std::vector<std::string> words{binary("mariadbd"),
                                   "--no-defaults",
                                   "--datadir=" + (directory_ / "data").string(),
                                   "--tmpdir=" + directory_.string(),
                                   "--bind-address=127.0.0.1",
                                   "--port=" + std::to_string(port_),
                                   "--socket=" + (directory_ / "s").string(),
                                   "--pid-file=" + (directory_ / "pid").string(),
                                   "--init-file=" + (directory_ / "init.sql").string(),
                                   "--skip-log-bin",
                                   "--innodb-buffer-pool-size=64M",
                                   "--innodb-flush-log-at-trx-commit=0",
                                   "--innodb-flush-method=nosync",
                                   "--sync-frm=OFF",
                                   "--performance-schema=OFF",
                                   "--max-connections=60"};
    if (tls_) {
      words.push_back("--lower-case-table-names=1");
      for (const char* part : {"cert", "key"})
        words.push_back(std::string{"--ssl-"} + part + "=" + (directory_ / part).string() + ".pem");
    }
    pid_ = start_program(as_this_user(std::move(words)), directory_ / "log", SIGKILL);
    if (ready_within(pid_, kStartLimit, [&] { return connect(port_, "mysql") != nullptr; })) return;
    stop();
  }
  throw std::runtime_error{"MariaDB does not start, see " + directory_.string() + "/log"};
}

void MariadbServer::stop() noexcept { end_program(pid_, SIGTERM, SIGKILL); }

MariadbServer::~MariadbServer() {
  stop();
  std::error_code ignored;
  if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
}

std::string MariadbServer::run(const std::string& sql, const std::string& database) const {
  const auto conn = connect(port_, database);
  if (!conn) throw std::runtime_error{"the test server takes no connection to " + database};
  std::string first;
  int rc = mysql_real_query(conn.get(), sql.data(), sql.size());
  while (rc == 0) {
    first.clear();
    if (MYSQL_RES* result = mysql_store_result(conn.get())) {
      const auto row = mysql_fetch_row(result);
      if (row && row[0]) first = row[0];
      mysql_free_result(result);
    }
    rc = mysql_next_result(conn.get());
  }
  if (rc > 0) throw std::runtime_error{std::string{mysql_error(conn.get())} + " in: " + sql};
  return first;
}

void MariadbServer::create_database(const std::string& name) const {
  run("DROP DATABASE IF EXISTS \"" + name + "\"; CREATE DATABASE \"" + name +
      "\" CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
}

sources::ServerSettings MariadbServer::settings(std::string database, std::string user,
                                                     std::string password) const {
  sources::ServerSettings out;
  out.host = "127.0.0.1";
  out.port = port_;
  out.database = std::move(database);
  out.user = std::move(user);
  out.password = [password = std::move(password)]() -> Result<crypto::Secret> {
    return crypto::Secret::from_text(password);
  };
  return out;
}

}  // namespace vmc::test
