#include "postgres_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <pwd.h>
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

#include "sources/postgres/libpq.hpp"

namespace vmc::test {
namespace {

constexpr const char* kPortVariable = "VMC_TEST_POSTGRES_PORT";

std::string binary(const char* name) {
  for (int version = 17; version >= 11; --version) {
    const auto path = "/usr/lib/postgresql/" + std::to_string(version) + "/bin/" + name;
    if (access(path.c_str(), X_OK) == 0) return path;
  }
  throw std::runtime_error{std::string{"no PostgreSQL server is installed: "} + name + " is missing"};
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

// The server refuses to run as root; it also ends by itself when this program does.
pid_t start_as_postgres(const std::vector<std::string>& words, const std::filesystem::path& log) {
  std::vector<char*> argv;
  for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const passwd* user = geteuid() == 0 ? getpwnam("postgres") : nullptr;
  const auto parent = getpid();
  const pid_t pid = fork();
  if (pid != 0) return pid;
  if (user && (setgroups(0, nullptr) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0))
    _exit(126);
  prctl(PR_SET_PDEATHSIG, SIGQUIT);
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

using Conn = std::unique_ptr<PGconn, decltype(&PQfinish)>;

Conn connect(std::uint16_t port, const std::string& database) {
  // vmc's own entry points stand before those of the library these tests are linked with, and lead to it once loaded.
  if (!sources::postgres::load_libpq()) throw std::runtime_error{"libpq cannot be loaded"};
  const auto number = std::to_string(port);
  const char* names[] = {"host", "port", "dbname", "user", "password", "sslmode", "connect_timeout", nullptr};
  const char* values[] = {"127.0.0.1", number.c_str(), database.c_str(), "postgres", "secret", "disable",
                          "5",         nullptr};
  return {PQconnectdbParams(names, values, 0), PQfinish};
}

}  // namespace

PostgresServer& PostgresServer::instance() {
  static PostgresServer server;
  return server;
}

PostgresServer::PostgresServer() {
  if (const char* port = std::getenv(kPortVariable)) {
    port_ = static_cast<std::uint16_t>(std::atoi(port));
    return;
  }
  std::string name = "/tmp/vmc-postgres-XXXXXX";
  if (!mkdtemp(name.data())) throw std::runtime_error{"no temporary directory"};
  directory_ = name;
  const passwd* user = geteuid() == 0 ? getpwnam("postgres") : nullptr;
  std::ofstream{directory_ / "password"} << "secret\n";
  if (user && (chown(name.c_str(), user->pw_uid, user->pw_gid) != 0 ||
               chown((directory_ / "password").c_str(), user->pw_uid, user->pw_gid) != 0))
    throw std::runtime_error{"the directory cannot be given to the user postgres"};
  const pid_t made =
      start_as_postgres({binary("initdb"), "-D", (directory_ / "data").string(), "-A", "scram-sha-256", "-U",
                         "postgres", "--pwfile=" + (directory_ / "password").string(), "-N",
                         "--no-instructions", "-E", "UTF8", "--locale=C.UTF-8"},
                        directory_ / "log");
  int status = 0;
  if (waitpid(made, &status, 0) != made || status != 0)
    throw std::runtime_error{"initdb failed, see " + name + "/log"};
  start();
}

void PostgresServer::start() {
  for (int attempt = 0; attempt < 5; ++attempt) {
    port_ = free_port();
    pid_ = start_as_postgres(
        {binary("postgres"), "-D", (directory_ / "data").string(), "-p", std::to_string(port_), "-c",
         "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=" + directory_.string(), "-c",
         "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=60", "-c", "autovacuum=off", "-c",
         "max_prepared_transactions=2"},
        directory_ / "log");
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    while (std::chrono::steady_clock::now() < until && waitpid(pid_, nullptr, WNOHANG) == 0) {
      if (PQstatus(connect(port_, "postgres").get()) == CONNECTION_OK) return;
      std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
    stop();
  }
  throw std::runtime_error{"PostgreSQL does not start, see " + directory_.string() + "/log"};
}

void PostgresServer::stop() noexcept {
  if (pid_ <= 0) return;
  kill(pid_, SIGINT);  // fast shutdown
  for (int i = 0; i < 250; ++i) {
    if (waitpid(pid_, nullptr, WNOHANG) != 0) {
      pid_ = -1;
      return;
    }
    if (i == 200) kill(pid_, SIGQUIT);
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

PostgresServer::~PostgresServer() {
  stop();
  std::error_code ignored;
  if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
}

std::string PostgresServer::run(const std::string& sql, const std::string& database) const {
  const auto conn = connect(port_, database);
  PQsetNoticeProcessor(conn.get(), [](void*, const char*) {}, nullptr);
  const std::unique_ptr<PGresult, decltype(&PQclear)> result{PQexec(conn.get(), sql.c_str()), PQclear};
  const auto status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
    throw std::runtime_error{std::string{PQerrorMessage(conn.get())} + " in: " + sql};
  return PQntuples(result.get()) > 0 && PQnfields(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : "";
}

void PostgresServer::create_database(const std::string& name) const {
  run("DROP DATABASE IF EXISTS \"" + name + "\" WITH (FORCE)");
  run("CREATE DATABASE \"" + name + "\"");
}

sources::PostgresSourceSettings PostgresServer::settings(std::string database, std::string user,
                                                         std::string password) const {
  sources::PostgresSourceSettings out;
  out.host = "127.0.0.1";
  out.port = port_;
  out.database = std::move(database);
  out.user = std::move(user);
  out.password = [password = std::move(password)]() -> Result<crypto::Secret> {
    return crypto::Secret::from_text(password);
  };
  return out;
}

int run_self(const std::string& test, const std::string& name, const std::string& value) {
  const auto port = std::to_string(PostgresServer::instance().port());
  const pid_t pid = fork();
  if (pid == 0) {
    setenv(kPortVariable, port.c_str(), 1);
    setenv(name.c_str(), value.c_str(), 1);
    const int nowhere = open("/dev/null", O_WRONLY);
    if (nowhere >= 0) dup2(nowhere, 1);
    execl("/proc/self/exe", "child", test.c_str(), static_cast<char*>(nullptr));
    _exit(127);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return status;
}

}  // namespace vmc::test
