#include "postgres_server.hpp"

#include <libpq-fe.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <stdexcept>

#include "server_process.hpp"
#include "sources/postgres/libpq.hpp"

namespace vmc::test {
namespace {

constexpr auto kStartLimit = std::chrono::seconds{30};
constexpr const char* kPortVariable = "VMC_TEST_POSTGRES_PORT";

std::string binary(const char* name) {
  for (int version = 17; version >= 11; --version) {
    const auto path = "/usr/lib/postgresql/" + std::to_string(version) + "/bin/" + name;
    if (access(path.c_str(), X_OK) == 0) return path;
  }
  throw std::runtime_error{std::string{"no PostgreSQL server is installed: "} + name + " is missing"};
}

// The server refuses to run as root.
const passwd* account() { return geteuid() == 0 ? getpwnam("postgres") : nullptr; }

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
  const passwd* user = account();
  std::ofstream{directory_ / "password"} << "secret\n";
  if (user && (chown(name.c_str(), user->pw_uid, user->pw_gid) != 0 ||
               chown((directory_ / "password").c_str(), user->pw_uid, user->pw_gid) != 0))
    throw std::runtime_error{"the directory cannot be given to the user postgres"};
  const pid_t made =
      start_program({binary("initdb"), "-D", (directory_ / "data").string(), "-A", "scram-sha-256", "-U", "postgres",
                     "--pwfile=" + (directory_ / "password").string(), "-N", "--no-instructions", "-E", "UTF8",
                     "--locale=C.UTF-8"},
                    directory_ / "log", SIGQUIT, user);
  int status = 0;
  if (waitpid(made, &status, 0) != made || status != 0)
    throw std::runtime_error{"initdb failed, see " + name + "/log"};
  start();
}

void PostgresServer::start() {
  for (int attempt = 0; attempt < 5; ++attempt) {
    port_ = free_port();
    pid_ = start_program(
        {binary("postgres"), "-D", (directory_ / "data").string(), "-p", std::to_string(port_), "-c",
         "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=" + directory_.string(), "-c",
         "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=60", "-c", "autovacuum=off", "-c",
         "max_prepared_transactions=2"},
        directory_ / "log", SIGQUIT, account());
    if (ready_within(pid_, kStartLimit, [&] { return PQstatus(connect(port_, "postgres").get()) == CONNECTION_OK; })) return;
    stop();
  }
  throw std::runtime_error{"PostgreSQL does not start, see " + directory_.string() + "/log"};
}

void PostgresServer::stop() noexcept { end_program(pid_, SIGINT, SIGQUIT); }  // fast shutdown

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

sources::ServerSettings PostgresServer::settings(std::string database, std::string user,
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
