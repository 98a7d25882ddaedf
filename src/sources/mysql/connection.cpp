#include "sources/mysql/connection.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>

#include "core/log.hpp"
#include "sources/mysql/libmariadb.hpp"

namespace vmc::sources::mysql {
namespace {

using std::chrono::milliseconds;

// The server's own time limit comes first; this is for a server that does not keep it.
constexpr auto kServerFirst = milliseconds{250};
constexpr auto kStopGrace = std::chrono::seconds{5};
constexpr auto kTellAgain = milliseconds{50};  // the first pause; each is twice the one before
constexpr auto kTellAtMost = milliseconds{500};
constexpr auto kResetLimit = std::chrono::seconds{5};
constexpr auto kDrainLimit = milliseconds{50};  // the rest of a small result is taken sooner than its end is asked for
constexpr auto kKillLimit = std::chrono::seconds{3};

// While rows flow, a reader that is woken for every packet the server writes burns most of its time in waking.
constexpr int kLowWater = 256 << 10;
constexpr int kFlowing = 64;    // rows without a wait between
constexpr int kTailWaitMs = 2;  // what is less than the mark is fetched after this

// Neither the clear-text plugin nor one that asks for input: a false server must not get the password.
constexpr const char* kLogins = "mysql_native_password,client_ed25519,caching_sha2_password,sha256_password";
constexpr const char* kAuthorities = "/etc/ssl/certs/ca-certificates.crt";

thread_local Connection* waiting = nullptr;  // whose call of the library this thread is in

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

Result<void> check(const ServerSettings& settings) {
  const auto plain = [](const std::string& text) { return !text.empty() && text.find('\0') == text.npos; };
  // The library takes lists of hosts, and connection strings, for a host.
  constexpr std::string_view kInHosts = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:%";
  if (settings.host.empty() || settings.host.find_first_not_of(kInHosts) != std::string::npos)
    return fail(Code::invalid_request, "the host of the connection is not one host name");
  if (!plain(settings.database) || !plain(settings.user))
    return fail(Code::invalid_request, "the connection has no database or no user");
  if (!is_one_of(settings.sslmode, {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}))
    return fail(Code::invalid_request, "sslmode is none of disable, allow, prefer, require, verify-ca, verify-full");
  return {};
}

// The server asks for a file of this machine: never, except what load_data() offers.
int refuse_init(void** data, const char*, void*) {
  *data = nullptr;
  return 1;
}
int refuse_read(void*, char*, unsigned) { return -1; }
void refuse_end(void*) {}
int refuse_error(void*, char* words, unsigned size) {
  if (size > 0) std::snprintf(words, size, "no file is open");
  return 2000;
}

// Why a call that had no error of the server's own failed.
struct Offered {
  const Connection::Pull* pull;
  std::optional<Error> error;
};

int offer_init(void** data, const char*, void* offered) {
  *data = offered;
  return 0;
}
int offer_read(void* data, char* to, unsigned room) {
  auto& offered = *static_cast<Offered*>(data);
  auto size = (*offered.pull)(to, room);
  if (size) return static_cast<int>(*size);
  offered.error = std::move(size).error();
  return -1;
}

}  // namespace

Connection::Call::Call(Connection& db) : before_{std::exchange(waiting, &db)} {}
Connection::Call::~Call() { waiting = before_; }

int Connection::on_wait(my_socket fd, my_bool reading, int) {
  if (waiting && waiting->wait(fd, reading) && (waiting->connected_ || waiting->reached(fd))) return 1;
  errno = ETIMEDOUT;
  return 0;
}

Result<std::unique_ptr<Connection>> Connection::open(const ServerSettings& settings, Access access,
                                                     Duration timeout) {
  VMC_CHECK(check(settings));
  VMC_CHECK(load_libmariadb());
  std::unique_ptr<Connection> db{new Connection{settings, access}};
  VMC_CHECK(db->connect(timeout));
  return db;
}

Connection::~Connection() {
  if (handle_) {
    deadline_ = Steady::now() + milliseconds{100};  // for the goodbye
    give_up_ = deadline_;
    told_to_stop_ = true;
    const Call call{*this};
    mysql_close(handle_);
  }
  if (wake_ >= 0) close(wake_);
}

Result<void> Connection::connect(Duration timeout) {
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_ < 0) return fail(Code::unavailable, "no file descriptor is left for a connection");
  deadline_ = Steady::now() + timeout;
  std::string password;
  if (settings_.password) {
    VMC_TRY(secret, settings_.password());
    password = secret.text();
  }
  if (password.find('\0') != password.npos) return fail(Code::invalid_request, "the password holds a NUL");
  auto connected = log_in(password);
  crypto::wipe(password);
  if (!connected) return connected;
  connected_ = true;
  // Unless it has to verify the server's name, the library goes on without TLS where the server offers none.
  tls_ = mysql_get_ssl_cipher(handle_) != nullptr;
  if (!tls_ && !is_one_of(settings_.sslmode, {"disable", "allow", "prefer"}))
    return from_connect({.no_tls = true}, settings_);
  return check_version();
}

void Connection::set_options() {
  const unsigned tcp = MYSQL_PROTOCOL_TCP, off = 0;
  const my_bool yes = 1, no = 0;
  const auto seconds = static_cast<unsigned>(
      std::chrono::ceil<std::chrono::seconds>(std::max(deadline_ - Steady::now(), Steady::duration{1})).count());
  // Everything the library would look up elsewhere is given here; it reads no option file unless told to.
  mysql_options(handle_, MYSQL_OPT_PROTOCOL, &tcp);
  mysql_options(handle_, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
  mysql_options(handle_, MYSQL_OPT_RECONNECT, &no);
  mysql_options(handle_, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  mysql_options(handle_, MARIADB_OPT_RESTRICTED_AUTH, kLogins);
  mysql_options(handle_, MARIADB_OPT_IO_WAIT, reinterpret_cast<const void*>(&Connection::on_wait));
  if (access_ == Access::load)
    mysql_options(handle_, MYSQL_OPT_LOCAL_INFILE, nullptr);
  else
    mysql_options(handle_, MYSQL_OPT_LOCAL_INFILE, &off);
  mysql_set_local_infile_handler(handle_, refuse_init, refuse_read, refuse_end, refuse_error, nullptr);
  if (settings_.sslmode == "disable") return;
  mysql_options(handle_, MYSQL_OPT_SSL_ENFORCE, &yes);
  const bool verify = settings_.sslmode.starts_with("verify-");
  mysql_options(handle_, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, verify ? &yes : &no);
  if (verify) mysql_options(handle_, MYSQL_OPT_SSL_CA, kAuthorities);
}

Result<void> Connection::log_in(const std::string& password) {
  const Call call{*this};
  handle_ = mysql_init(nullptr);
  if (!handle_) return fail(Code::unavailable, "memory ran out");
  set_options();
  if (mysql_real_connect(handle_, settings_.host.c_str(), settings_.user.c_str(), password.c_str(),
                         settings_.database.c_str(), settings_.port, nullptr, 0))
    return {};
  if (interrupted_) return fail(Code::cancelled, "the call was cancelled");
  auto why = failure();
  why.timed_out = Steady::now() >= deadline_;
  why.system = connect_errno_;
  return from_connect(why, settings_);
}

// MySQL 5.7 and MariaDB 10.3 are the oldest that can reset a connection and keep a time limit.
Result<void> Connection::check_version() {
  const std::string version = mysql_get_server_info(handle_);
  mariadb_ = version.find("MariaDB") != version.npos;
  char* rest = nullptr;
  const auto major = std::strtol(version.c_str(), &rest, 10);
  const auto minor = *rest == '.' ? std::strtol(rest + 1, nullptr, 10) : 0;
  const auto known = major * 100 + minor;
  if (known >= (mariadb_ ? 1003 : 507)) return {};
  return fail(Code::unavailable, fmt::format("the server is {} {}.{}; vmc needs MySQL 5.7, MariaDB 10.3 or later",
                                             mariadb_ ? "MariaDB" : "MySQL", major, minor));
}

Failure Connection::failure() const {
  return {.number = mysql_errno(handle_), .state = mysql_sqlstate(handle_), .words = mysql_error(handle_)};
}

Error Connection::failed(const Failure& failure, std::string_view analysed) {
  if (!is_lost(failure.number)) return from_failure(failure, {access_, interrupted_, analysed});
  return lost();
}

Error Connection::lost() {
  broken_ = true;
  if (interrupted_) return fail(Code::cancelled, "the call was cancelled");
  if (told_to_stop_) return fail(Code::query_timeout, "the database did not stop the call at its time limit");
  return fail(Code::unavailable, "the connection to the database was lost",
              "Check the network and the server, and try again.");
}

Result<void> Connection::start(Duration limit) {
  deadline_ = Steady::now() + limit + kServerFirst;
  give_up_ = Steady::time_point::max();
  if (interrupted_) return fail(Code::cancelled, "the call was cancelled");
  // Once the server has been told to stop, the connection serves nobody else.
  if (broken_ || told_to_stop_) return lost();
  return {};
}

Result<void> Connection::go_on() const {
  if (interrupted_) return fail(Code::cancelled, "the call was cancelled");
  if (told_to_stop_ || Steady::now() >= deadline_)
    return fail(Code::query_timeout, "the call's time limit is over");
  return {};
}

Result<void> Connection::stop_or_go_on() {
  const auto now = Steady::now();
  if (told_to_stop_ ? now >= tell_again_ : interrupted_ || now >= deadline_) tell_to_stop();
  if (now < give_up_) return {};
  return lost();
}

// Again and again: the server forgets a KILL that comes before its statement has begun.
void Connection::tell_to_stop() {
  const bool first = !std::exchange(told_to_stop_, true);
  if (first) give_up_ = Steady::now();
  if (!connected_ || kills_) return;
  if (first) {
    give_up_ += kStopGrace;
    tell_every_ = kTellAgain;
  }
  if (!kill_statement()) {
    killer_.reset();
    if (first) log::warn("mysql", "the server could not be told to stop a statement");
  }
  tell_again_ = Steady::now() + tell_every_;
  tell_every_ = std::min<Duration>(tell_every_ * 2, kTellAtMost);
}

bool Connection::kill_statement() {
  if (!killer_) {
    auto opened = open(settings_, Access::read, kKillLimit);
    if (!opened) return false;
    killer_ = std::move(*opened);
    killer_->kills_ = true;
  }
  killer_->deadline_ = Steady::now() + kKillLimit;
  return killer_->run(fmt::format("KILL QUERY {}", mysql_thread_id(handle_))).has_value();
}

int Connection::poll_once(int fd, bool reading, int wait_ms) {
  pollfd fds[] = {{fd, static_cast<short>(reading ? POLLIN : POLLOUT), 0}, {wake_, POLLIN, 0}};
  // Once told, the thread waits for the server's answer only.
  const int ready = poll(fds, interrupted_ ? 1 : 2, wait_ms);
  return ready > 0 && fds[0].revents == 0 ? 0 : ready;
}

// While connecting: the library forgets why an address could not be reached.
bool Connection::reached(int fd) {
  socklen_t size = sizeof connect_errno_;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &connect_errno_, &size) == 0 && connect_errno_ == 0;
}

// True once the socket is ready; false: the call is given up.
bool Connection::wait(int fd, bool reading) {
  const bool flowing = !tls_ && reading && rows_since_wait_ >= kFlowing;
  rows_since_wait_ = 0;
  if (flowing) {
    low_water(fd, kLowWater);
    if (poll_once(fd, reading, kTailWaitMs) > 0) return true;
  }
  low_water(fd, 1);
  for (;;) {
    if (!stop_or_go_on()) return false;
    const auto next = told_to_stop_ ? std::min(give_up_, tell_again_) : deadline_;
    const auto until = std::min(next, Steady::now() + std::chrono::seconds{1});
    const auto wait_ms = std::chrono::ceil<milliseconds>(until - Steady::now()).count();
    if (poll_once(fd, reading, static_cast<int>(std::max<std::int64_t>(wait_ms, 0))) > 0) return true;
  }
}

void Connection::low_water(int fd, int bytes) {
  if (bytes == low_water_) return;
  setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes);
  low_water_ = bytes;
}

Result<void> Connection::run(const std::string& text) {
  VMC_CHECK(go_on());
  const Call call{*this};
  if (mysql_real_query(handle_, text.data(), text.size()) != 0) return failed(failure());
  return {};
}

Result<void> Connection::load_data(const std::string& text, Pull pull) {
  VMC_CHECK(go_on());
  Offered offered{&pull, {}};
  int rc = 0;
  {
    const Call call{*this};
    mysql_set_local_infile_handler(handle_, offer_init, offer_read, refuse_end, refuse_error, &offered);
    rc = mysql_real_query(handle_, text.data(), text.size());
    mysql_set_local_infile_handler(handle_, refuse_init, refuse_read, refuse_end, refuse_error, nullptr);
  }
  if (offered.error) return *offered.error;
  if (rc != 0) return failed(failure());
  return {};
}

void Connection::end_soon() noexcept { deadline_ = std::min(deadline_, Steady::now() + kDrainLimit); }

void Connection::rollback() noexcept {
  if (broken_ || !std::exchange(in_transaction_, false)) return;
  if (!told_to_stop_) deadline_ = Steady::now() + kResetLimit;
  give_up_ = told_to_stop_ ? Steady::now() + kStopGrace : Steady::time_point::max();
  tell_again_ = Steady::time_point::max();
  const Call call{*this};
  if (mysql_real_query(handle_, "ROLLBACK", 8) != 0) broken_ = true;
}

bool Connection::reset() noexcept {
  rollback();
  if (broken_ || told_to_stop_ || interrupted_) return false;
  deadline_ = Steady::now() + kResetLimit;
  give_up_ = Steady::time_point::max();
  const Call call{*this};
  if (mysql_reset_connection(handle_) != 0) return false;
  return !told_to_stop_ && !interrupted_;
}

// A server that goes closes: there is something to read, and between calls there is nothing else to come.
bool Connection::alive() noexcept {
  pollfd socket{mysql_get_socket(handle_), POLLIN, 0};
  return !broken_ && poll(&socket, 1, 0) == 0;
}

void Connection::interrupt() noexcept {
  interrupted_ = true;
  const std::uint64_t one = 1;
  if (write(wake_, &one, sizeof one) < 0) return;  // already signalled: the counter is full
}

}  // namespace vmc::sources::mysql
