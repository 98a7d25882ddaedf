#include "mariadb_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <mysql.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "sources/mysql/libmariadb.hpp"

namespace vmc::test {
namespace {

constexpr auto kStartLimit = std::chrono::seconds{30};

std::string binary(const char* name) {
  for (const char* folder : {"/usr/sbin/", "/usr/bin/"})
    if (const auto path = std::string{folder} + name; access(path.c_str(), X_OK) == 0) return path;
  throw std::runtime_error{std::string{"no MariaDB server is installed: "} + name + " is missing"};
}

std::uint16_t free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error{"no free port"};
  close(fd);
  return ntohs(address.sin_port);
}

// It ends by itself when this program does.
pid_t start_program(std::vector<std::string> words, const std::filesystem::path& log) {
  if (geteuid() == 0) words.push_back("--user=root");
  std::vector<char*> argv;
  for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const auto parent = getpid();
  const pid_t pid = fork();
  if (pid != 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(125);
  const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (out >= 0) {
    dup2(out, 1);
    dup2(out, 2);
  }
  setsid();
  execv(argv[0], argv.data());
  _exit(127);
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
  const pid_t made =
      start_program({binary("mariadb-install-db"), "--no-defaults", "--datadir=" + (directory_ / "data").string(),
                     "--skip-test-db", "--auth-root-authentication-method=normal"},
                    directory_ / "log");
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
                                   "--bind-address=127.0.0.1",
                                   "--port=" + std::to_string(port_),
                                   "--socket=" + (directory_ / "s").string(),
                                   "--pid-file=" + (directory_ / "pid").string(),
                                   "--init-file=" + (directory_ / "init.sql").string(),
                                   "--skip-log-bin",
                                   "--innodb-buffer-pool-size=64M",
                                   "--innodb-flush-log-at-trx-commit=0",
                                   "--performance-schema=OFF",
                                   "--max-connections=60"};
    if (tls_)
      for (const char* part : {"cert", "key"})
        words.push_back(std::string{"--ssl-"} + part + "=" + (directory_ / part).string() + ".pem");
    pid_ = start_program(std::move(words), directory_ / "log");
    const auto until = std::chrono::steady_clock::now() + kStartLimit;
    while (std::chrono::steady_clock::now() < until && waitpid(pid_, nullptr, WNOHANG) == 0) {
      if (connect(port_, "mysql")) return;
      std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
    stop();
  }
  throw std::runtime_error{"MariaDB does not start, see " + directory_.string() + "/log"};
}

void MariadbServer::stop() noexcept {
  if (pid_ <= 0) return;
  kill(pid_, SIGTERM);
  for (int i = 0; i < 500; ++i) {
    if (waitpid(pid_, nullptr, WNOHANG) != 0) {
      pid_ = -1;
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

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

sources::MysqlSourceSettings MariadbServer::settings(std::string database, std::string user,
                                                     std::string password) const {
  sources::MysqlSourceSettings out;
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
