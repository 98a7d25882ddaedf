#include "sources/postgres/connection.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "core/cleanup.hpp"
#include "core/log.hpp"
#include "sources/postgres/libpq.hpp"

namespace vmc::sources::postgres {
namespace {

using std::chrono::milliseconds;

// The server's own statement_timeout comes first; this is for a server that does not keep it.
constexpr auto kServerFirst = milliseconds{250};
constexpr auto kStopGrace = std::chrono::seconds{5};
constexpr auto kTellAgain = milliseconds{50};  // the first pause; each is twice the one before
constexpr auto kTellAtMost = milliseconds{500};
constexpr auto kResetLimit = std::chrono::seconds{5};
constexpr auto kLockLimit = std::chrono::seconds{10};
constexpr auto kIdleGrace = std::chrono::seconds{60};

// While rows flow, a reader that is woken for every 8 KiB the server writes burns most of its time in waking.
constexpr int kLowWater = 256 << 10;
constexpr int kFlowing = 64;     // results without a wait between
constexpr int kCheckEvery = 1024;  // of them: a client slower than the server never waits
constexpr int kTailWaitMs = 2;   // what is less than the mark is fetched after this
constexpr int kTlsWaitMs = 100;  // decrypted bytes may wait inside OpenSSL, where poll sees nothing

constexpr int kOldestVersion = 110'000;

void ignore_notices(void*, const PGresult*) {}  // RAISE NOTICE of a view's function may quote rows

bool in(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

Result<void> check(const ServerSettings& settings) {
  const auto plain = [](const std::string& text) { return !text.empty() && text.find('\0') == text.npos; };
  if (!plain(settings.host) || settings.host.find(',') != settings.host.npos)
    return fail(Code::invalid_request, "the host of the connection is not one host name");
  if (!plain(settings.database) || !plain(settings.user))
    return fail(Code::invalid_request, "the connection has no database or no user");
  if (!in(settings.sslmode, {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}))
    return fail(Code::invalid_request,
                "sslmode is none of disable, allow, prefer, require, verify-ca, verify-full");
  return {};
}

std::string ms(Duration limit) {
  return std::to_string(
      std::clamp<std::int64_t>(std::chrono::duration_cast<milliseconds>(limit).count(), 1, INT32_MAX));
}

}  // namespace

Result<std::unique_ptr<Connection>> Connection::open(const ServerSettings& settings, Access access,
                                                     Duration timeout) {
  VMC_CHECK(check(settings));
  VMC_CHECK(load_libpq());
  std::unique_ptr<Connection> db{new Connection{access}};
  VMC_CHECK(db->connect(settings, timeout));
  return db;
}

Connection::~Connection() {
  if (cancel_) PQfreeCancel(cancel_);
  PQfinish(conn_);
  if (wake_ >= 0) close(wake_);
}

Result<void> Connection::connect(const ServerSettings& settings, Duration timeout) {
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_ < 0) return fail(Code::unavailable, "no file descriptor is left for a connection");
  deadline_ = Steady::now() + timeout;
  std::string password;
  if (settings.password) {
    VMC_TRY(secret, settings.password());
    password = secret.text();
  }
  if (password.find('\0') != password.npos) return fail(Code::invalid_request, "the password holds a NUL");
  const auto port = std::to_string(settings.port);
  const bool verify = settings.sslmode.starts_with("verify-");
  // Every keyword is given here, so that the environment (PGOPTIONS, PGPASSFILE …) has no say.
  const std::array<std::pair<const char*, const char*>, 17> options{{
      {"host", settings.host.c_str()},
      {"port", port.c_str()},
      {"dbname", settings.database.c_str()},
      {"user", settings.user.c_str()},
      {"password", password.c_str()},
      {"sslmode", settings.sslmode.c_str()},
      {"application_name", "vmc"},
      {"client_encoding", "UTF8"},
      {"options", ""},
      {"passfile", "/nonexistent/pgpass"},
      {"gssencmode", "disable"},
      {"keepalives", "1"},
      {"keepalives_idle", "30"},
      {"keepalives_interval", "10"},
      {"keepalives_count", "3"},
      {"tcp_user_timeout", "30000"},
      {verify ? "sslrootcert" : nullptr, "/etc/ssl/certs/ca-certificates.crt"},
  }};
  std::array<const char*, options.size() + 1> keywords{}, values{};
  for (std::size_t i = 0; i < options.size(); ++i) std::tie(keywords[i], values[i]) = options[i];
  conn_ = PQconnectStartParams(keywords.data(), values.data(), 0);
  crypto::wipe(password);
  if (!conn_) return fail(Code::unavailable, "memory ran out");
  PQsetErrorVerbosity(conn_, PQERRORS_VERBOSE);
  PQsetNoticeReceiver(conn_, ignore_notices, nullptr);
  for (auto state = PGRES_POLLING_WRITING; PQstatus(conn_) != CONNECTION_BAD;) {
    if (state == PGRES_POLLING_FAILED || state == PGRES_POLLING_OK) break;
    const auto wait_ms = std::chrono::duration_cast<milliseconds>(left()).count();
    const int ready = poll_once(state == PGRES_POLLING_READING ? POLLIN : POLLOUT, static_cast<int>(wait_ms));
    if (interrupted_) return fail(Code::cancelled, "the call was cancelled");
    if (ready <= 0 && Steady::now() >= deadline_) return from_connect(PQerrorMessage(conn_), settings, true);
    if (ready > 0) state = PQconnectPoll(conn_);
  }
  if (PQstatus(conn_) != CONNECTION_OK) return from_connect(PQerrorMessage(conn_), settings, false);
  if (version() < kOldestVersion)
    return fail(Code::unavailable,
                "the server is PostgreSQL " + std::to_string(version() / 10'000) + "; vmc needs 11 or later");
  PQsetErrorVerbosity(conn_, PQERRORS_DEFAULT);
  cancel_ = PQgetCancel(conn_);
  if (!cancel_ || PQsetnonblocking(conn_, 1) != 0) return lost();
  return {};
}

bool Connection::mixed_encodings() const {
  const char* encoding = PQparameterStatus(conn_, "server_encoding");
  return !encoding || std::string_view{encoding} == "SQL_ASCII";
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

Duration Connection::left() const {
  const auto rest = std::chrono::duration_cast<Duration>(deadline_ - Steady::now());
  return std::clamp(rest, Duration{0}, Duration{std::chrono::hours{24}});
}

Error Connection::lost() {
  broken_ = true;
  if (interrupted_) return fail(Code::cancelled, "the call was cancelled");
  return fail(Code::unavailable, "the connection to the database was lost",
              "Check the network and the server, and try again.");
}

int Connection::poll_once(short events, int wait_ms) {
  std::array<pollfd, 2> fds{pollfd{PQsocket(conn_), events, 0}, pollfd{wake_, POLLIN, 0}};
  // Once told, the thread waits for the server's answer only.
  const int ready = poll(fds.data(), interrupted_ ? 1 : 2, wait_ms);
  return ready > 0 && fds[0].revents == 0 ? 0 : ready;
}

// Tells the server, waits a moment for its answer, then gives the connection up.
Result<void> Connection::stop_or_go_on() {
  const auto now = Steady::now();
  if (told_to_stop_ ? now >= tell_again_ : interrupted_ || now >= deadline_) tell_to_stop();
  if (now < give_up_) return {};
  broken_ = true;
  if (interrupted_) return fail(Code::cancelled, "the call was cancelled");
  return fail(Code::query_timeout, "the database did not stop the call at its time limit");
}

// Again and again: the server forgets what comes before its query has begun.
void Connection::tell_to_stop() {
  const bool first = !std::exchange(told_to_stop_, true);
  if (first) {
    give_up_ = Steady::now() + kStopGrace;
    tell_every_ = kTellAgain;
  }
  char text[256];
  if (!PQcancel(cancel_, text, sizeof text) && first)
    log::warn("postgres", "the server could not be told to stop a query");
  tell_again_ = Steady::now() + tell_every_;
  tell_every_ = std::min<Duration>(tell_every_ * 2, kTellAtMost);
}

Result<void> Connection::wait(short events) {
  const bool tls = PQsslInUse(conn_) != 0;
  const bool flowing = !tls && events == POLLIN && results_since_wait_ >= kFlowing;
  results_since_wait_ = 0;
  if (flowing) {
    low_water(kLowWater);
    if (poll_once(events, kTailWaitMs) > 0) return stop_or_go_on();
  }
  low_water(1);
  VMC_CHECK(stop_or_go_on());
  if (flowing) return {};  // what is there, less than the mark, is taken before the next wait
  const auto next = told_to_stop_ ? std::min(give_up_, tell_again_) : deadline_;
  const auto until = std::min(next, Steady::now() + std::chrono::seconds{1});
  auto wait_ms = std::chrono::ceil<milliseconds>(until - Steady::now()).count();
  if (tls) wait_ms = std::min<std::int64_t>(wait_ms, kTlsWaitMs);
  poll_once(events, static_cast<int>(std::max<std::int64_t>(wait_ms, 0)));
  return stop_or_go_on();
}

void Connection::low_water(int bytes) {
  if (bytes == low_water_) return;
  setsockopt(PQsocket(conn_), SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes);
  low_water_ = bytes;
}

Result<void> Connection::flush() {
  for (;;) {
    const int left_over = PQflush(conn_);
    if (left_over == 0) return {};
    if (left_over < 0) return lost();
    VMC_CHECK(wait(POLLIN | POLLOUT));
    if (!PQconsumeInput(conn_)) return lost();
  }
}

Result<void> Connection::sent(int ok) {
  failed_ = false;
  if (!ok) return lost();
  return flush();
}

Result<void> Connection::count_result() {
  return ++results_since_wait_ % kCheckEvery == 0 ? stop_or_go_on() : Result<void>{};
}

Result<PgResult> Connection::next() {
  while (PQisBusy(conn_)) {
    if (!PQconsumeInput(conn_)) return lost();
    if (!PQisBusy(conn_)) break;
    VMC_CHECK(wait(POLLIN));
  }
  VMC_CHECK(count_result());
  return checked(PQgetResult(conn_));
}

Result<PgResult> Connection::checked(PGresult* raw) {
  PgResult result{raw};
  if (!raw) return result;
  const auto status = PQresultStatus(raw);
  if (status != PGRES_FATAL_ERROR && status != PGRES_BAD_RESPONSE && status != PGRES_PIPELINE_ABORTED)
    return result;
  failed_ = true;
  last_state_ = sqlstate_of(raw);
  if (PQstatus(conn_) == CONNECTION_BAD) broken_ = true;
  if (last_state_.empty()) return lost();
  return from_result(raw, {access_, interrupted_, analysed_});
}

Result<PgResult> Connection::run(const std::string& text, const Params& params) {
  VMC_CHECK(go_on());
  return run_always(text, params);
}

Result<PgResult> Connection::run_always(const std::string& text, const Params& params) {
  VMC_CHECK(sent(PQsendQueryParams(conn_, text.c_str(), params.size(), params.types(), params.pointers(),
                                   params.lengths(), params.formats(), 0)));
  return finish();
}

Result<PgResult> Connection::describe(const std::string& text) {
  analysed_ = text;
  const Cleanup done{[this] { analysed_ = {}; }};
  return outputs(text);
}

Result<PgResult> Connection::outputs(const std::string& text) {
  VMC_CHECK(go_on());
  VMC_CHECK(sent(PQsendPrepare(conn_, "", text.c_str(), 0, nullptr)));
  VMC_CHECK(finish());
  VMC_CHECK(sent(PQsendDescribePrepared(conn_, "")));
  return finish();
}

// The first result of what was sent, once all of it has come.
Result<PgResult> Connection::finish() {
  PgResult first;
  std::optional<Error> error;
  for (;;) {
    auto result = next();
    if (!result) {
      if (broken_) return std::move(result).error();
      if (!error) error = std::move(result).error();
      continue;
    }
    if (!*result) break;
    if (!first) first = std::move(*result);
  }
  if (error) return *error;
  return first;
}

Result<void> Connection::run_all(std::span<const std::string> texts) {
  VMC_CHECK(go_on());
  if (!PQenterPipelineMode(conn_)) return lost();
  for (const auto& text : texts)
    if (!PQsendQueryParams(conn_, text.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0) ||
        !PQpipelineSync(conn_))
      return lost();
  VMC_CHECK(flush());
  std::optional<Error> error;
  std::string state;
  for (std::size_t synced = 0; synced < texts.size();) {
    auto result = next();
    if (!result) {
      if (broken_) return std::move(result).error();
      if (!error) error = std::move(result).error(), state = last_state_;
    } else if (*result && PQresultStatus(result->get()) == PGRES_PIPELINE_SYNC) {
      ++synced;
    }
  }
  if (!PQexitPipelineMode(conn_)) return lost();
  if (!error) return {};
  last_state_ = std::move(state);  // of the failure, not of what the failed transaction refused after it
  return *error;
}

Result<void> Connection::send_streamed(const std::string& text, const Params& params) {
  VMC_CHECK(go_on());
  VMC_CHECK(sent(PQsendQueryParams(conn_, text.c_str(), params.size(), params.types(), params.pointers(),
                                   params.lengths(), params.formats(), 1)));
  if (!PQsetSingleRowMode(conn_)) return lost();
  return {};
}

void Connection::abandon() noexcept {
  if (broken_ || PQtransactionStatus(conn_) != PQTRANS_ACTIVE) return;
  // What has already come is taken: a small result needs no cancelling.
  while (copying_out_ && take_copied() > 0) {
  }
  while (!copying_out_ && !PQisBusy(conn_))
    if (!PgResult{PQgetResult(conn_)}) return;
  if (failed_ && !told_to_stop_) {
    deadline_ = Steady::now() + kResetLimit;  // it has ended on the server: only the end is still to come
  } else {
    deadline_ = Steady::now();
    if (!stop_or_go_on()) return;
  }
  while (copying_out_)
    if (!next_copied()) return;
  for (;;) {
    auto result = next();
    if (broken_ || (result && !*result)) return;
  }
}

Result<void> Connection::begin_copy(const std::string& text, Copy direction) {
  VMC_CHECK(go_on());
  VMC_CHECK(sent(PQsendQueryParams(conn_, text.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0)));
  VMC_TRY(result, next());
  const bool out = direction == Copy::out;
  if (!result || PQresultStatus(result.get()) != (out ? PGRES_COPY_OUT : PGRES_COPY_IN)) return lost();
  copying_out_ = out;
  return {};
}

// The size of the next piece; 0: it has not come yet, or (then copying_out_ has ended) there is none.
int Connection::take_copied() {
  char* piece = nullptr;
  const int size = PQgetCopyData(conn_, &piece, 1);
  copied_.reset(piece);
  copying_out_ = size >= 0;
  return std::max(size, 0);
}

Result<std::string_view> Connection::next_copied() {
  for (bool consumed = false;; consumed = !consumed) {
    const int size = take_copied();
    if (size > 0) {
      VMC_CHECK(count_result());
      return std::string_view{copied_.get(), static_cast<std::size_t>(size)};
    }
    if (!copying_out_) return std::string_view{};
    if (consumed) VMC_CHECK(wait(POLLIN));
    if (!consumed && !PQconsumeInput(conn_)) return lost();
  }
}

Result<void> Connection::end_copied() {
  VMC_CHECK(finish());
  return {};
}

Result<void> Connection::put_copy(std::string_view piece) {
  VMC_CHECK(go_on());
  for (;;) {
    const int taken = PQputCopyData(conn_, piece.data(), static_cast<int>(piece.size()));
    if (taken < 0) return lost();
    if (taken > 0) break;
    VMC_CHECK(wait(POLLIN | POLLOUT));
    if (!PQconsumeInput(conn_)) return lost();
  }
  return flush();
}

Result<std::int64_t> Connection::end_copy() {
  for (;;) {
    const int taken = PQputCopyEnd(conn_, nullptr);
    if (taken < 0) return lost();
    if (taken > 0) break;
    VMC_CHECK(wait(POLLIN | POLLOUT));
  }
  VMC_CHECK(flush());
  std::int64_t rows = 0;
  std::optional<Error> error;
  for (;;) {
    auto result = next();
    if (!result) {
      if (broken_) return std::move(result).error();
      if (!error) error = std::move(result).error();
      continue;
    }
    if (!*result) break;
    rows = std::strtoll(PQcmdTuples(result->get()), nullptr, 10);
  }
  if (error) return *error;
  return rows;
}

void Connection::rollback() noexcept {
  if (broken_) return;
  if (PQtransactionStatus(conn_) == PQTRANS_ACTIVE) {
    // A COPY that was left: the server waits for its end.
    if (PQputCopyEnd(conn_, "abandoned") == 1) {
      failed_ = true;
      if (!flush()) return;
    }
    abandon();
  }
  if (broken_ || PQtransactionStatus(conn_) == PQTRANS_IDLE) return;
  if (!told_to_stop_) deadline_ = Steady::now() + kResetLimit;
  give_up_ = std::max(give_up_, Steady::now() + kStopGrace);
  tell_again_ = Steady::time_point::max();
  if (!run_always("ROLLBACK")) broken_ = true;
}

bool Connection::reset() noexcept {
  rollback();
  // A cancel request may still be on its way and would hit whoever comes next.
  if (broken_ || told_to_stop_ || interrupted_) return false;
  deadline_ = Steady::now() + kResetLimit;
  give_up_ = Steady::time_point::max();
  if (!run("DISCARD ALL")) return false;
  return PQtransactionStatus(conn_) == PQTRANS_IDLE && !interrupted_;
}

// A server that goes says so, or closes: there is something to read. Between calls there is nothing else to come but a
// notice, and then another connection does as well.
bool Connection::alive() noexcept {
  pollfd socket{PQsocket(conn_), POLLIN, 0};
  return !broken_ && PQstatus(conn_) == CONNECTION_OK && poll(&socket, 1, 0) == 0;
}

void Connection::interrupt() noexcept {
  interrupted_ = true;
  const std::uint64_t one = 1;
  if (write(wake_, &one, sizeof one) < 0) return;  // already signalled: the counter is full
}

Result<Transaction> Transaction::begin(Connection& db, Duration limit, Snapshot snapshot, const std::string& locked) {
  VMC_CHECK(db.start(limit));
  const bool reading = db.access() == Access::read;
  std::string pins = "SELECT 1";
  const auto pin = [&](std::string_view name, std::string_view value) {
    pins += ", pg_catalog.set_config('" + std::string{name} + "', '" + std::string{value} + "', false)";
  };
  pin("default_transaction_read_only", reading ? "on" : "off");
  // For a load the owner's own path stands: triggers may count on it, and our statements are fully qualified.
  if (reading) pin("search_path", "pg_catalog, pg_temp");
  pin("standard_conforming_strings", "on");
  pin("transform_null_equals", "off");
  pin("client_encoding", "UTF8");
  pin("DateStyle", "ISO, YMD");
  pin("IntervalStyle", "iso_8601");
  pin("TimeZone", "UTC");
  pin("extra_float_digits", "3");
  pin("bytea_output", "hex");
  pin("statement_timeout", ms(limit));
  pin("lock_timeout", ms(std::min<Duration>(limit, kLockLimit)));
  pin("idle_in_transaction_session_timeout", ms(limit + kIdleGrace));
  const bool one = reading && snapshot == Snapshot::transaction;
  std::vector<std::string> steps{
      pins, fmt::format("BEGIN TRANSACTION ISOLATION LEVEL {}, READ {}", one ? "REPEATABLE READ" : "READ COMMITTED",
                        reading ? "ONLY" : "WRITE")};
  if (!locked.empty()) steps.push_back("LOCK TABLE " + locked + " IN ACCESS SHARE MODE");
  steps.push_back("SELECT 1");  // after the first query the mode can no longer be changed, and the snapshot is taken
  Transaction transaction{db};
  VMC_CHECK(db.run_all(steps));
  return transaction;
}

Result<void> Transaction::commit() {
  VMC_CHECK(db_->go_on());
  VMC_TRY(result, db_->run("COMMIT"));
  db_ = nullptr;
  // COMMIT of a failed transaction answers ROLLBACK.
  if (!result || std::string_view{PQcmdStatus(result.get())} != "COMMIT")
    return fail(Code::database_error, "the database rolled the transaction back instead of committing it");
  return {};
}

}  // namespace vmc::sources::postgres
