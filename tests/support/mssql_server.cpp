#include "mssql_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>

namespace vmc::test {
namespace {

constexpr int kCeilingMs = 30'000;

// One line, or what came until the end or the ceiling.
std::string read_line(int fd) {
  std::string line;
  pollfd ready{fd, POLLIN, 0};
  while (poll(&ready, 1, kCeilingMs) > 0) {
    char piece[4096];
    const auto size = read(fd, piece, sizeof piece);
    if (size <= 0) break;
    line.append(piece, static_cast<std::size_t>(size));
    if (line.ends_with('\n')) break;
  }
  return line;
}

void make_certificate(const std::filesystem::path& folder) {
  const auto command =
      "cd " + folder.string() +
      " && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout server.key -out "
      "server.crt 2>/dev/null";
  if (std::system(command.c_str()) != 0) throw std::runtime_error{"openssl makes no certificate"};
}

}  // namespace

MssqlServer& MssqlServer::instance() {
  static MssqlServer server;
  return server;
}

MssqlServer::MssqlServer() {
  std::string name = "/tmp/vmc-mssql-XXXXXX";
  if (!mkdtemp(name.data())) throw std::runtime_error{"no temporary directory"};
  directory_ = name;
  make_certificate(directory_);
  int in[2], out[2];
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error{"no pipe"};
  const auto program = std::string{VMC_SOURCE_DIR} + "/tests/tds/server.py";
  const auto certificate = name + "/server.crt", key = name + "/server.key", log = name + "/log";
  const auto parent = getpid();
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(125);
    dup2(in[0], 0);
    dup2(out[1], 1);
    const int errors = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (errors >= 0) dup2(errors, 2);
    execlp("python3", "python3", "-B", program.c_str(), name.c_str(), certificate.c_str(), key.c_str(),
           static_cast<char*>(nullptr));
    _exit(127);
  }
  close(in[0]);
  close(out[1]);
  input_ = in[1];
  const auto ports = read_line(out[0]);
  close(out[0]);
  unsigned port = 0, control = 0;
  if (std::sscanf(ports.c_str(), "%u %u", &port, &control) != 2)
    throw std::runtime_error{"the TDS server does not start, see " + log};
  port_ = static_cast<std::uint16_t>(port);
  control_port_ = static_cast<std::uint16_t>(control);
}

MssqlServer::~MssqlServer() {
  if (input_ >= 0) close(input_);
  if (pid_ > 0) waitpid(pid_, nullptr, 0);
  std::error_code ignored;
  if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
}

Json MssqlServer::control(const Json& request) const {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(control_port_);
  const auto line = request.dump() + "\n";
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      write(fd, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    close(fd);
    throw std::runtime_error{"the TDS server does not answer"};
  }
  const auto answer = Json::parse(read_line(fd));
  close(fd);
  if (answer.contains("error")) throw std::runtime_error{answer.at("error").get<std::string>() + " in: " + line};
  return answer.at("ok");
}

std::string MssqlServer::run(const std::string& sql, const std::string& database) const {
  const auto first = control({{"do", "run"}, {"database", database}, {"sql", sql}});
  return first.is_string() ? first.get<std::string>() : "";
}

void MssqlServer::create_database(const std::string& name, bool snapshot) const {
  control({{"do", "create"}, {"database", name}, {"snapshot", snapshot}});
}

sources::ServerSettings MssqlServer::settings(std::string database, std::string user, std::string password) const {
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
