#include "sources/mssql/connection.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/format.h>

#include "core/cleanup.hpp"
#include "core/log.hpp"

namespace vmc::sources::mssql {
namespace {

using std::chrono::milliseconds;

constexpr auto kStopGrace = std::chrono::seconds{5};
constexpr auto kResetLimit = std::chrono::seconds{5};
constexpr auto kLockLimit = std::chrono::seconds{10};
constexpr unsigned kRowsBetweenLooks = 64;
constexpr int kOldestVersion = 13;  // SQL Server 2016

constexpr int kNoMoreRows = NO_MORE_ROWS;

// SET LANGUAGE first: it changes DATEFORMAT and DATEFIRST. The rest are what ODBC and SqlClient set too, and what
// the guard's lexer counts on (QUOTED_IDENTIFIER).
constexpr const char* kPins =
    "SET LANGUAGE us_english; SET DATEFORMAT ymd; SET DATEFIRST 7; SET QUOTED_IDENTIFIER ON; SET ANSI_NULLS ON; "
    "SET ANSI_PADDING ON; SET ANSI_WARNINGS ON; SET ANSI_NULL_DFLT_ON ON; SET ARITHABORT ON; "
    "SET CONCAT_NULL_YIELDS_NULL ON; SET NUMERIC_ROUNDABORT OFF; SET IMPLICIT_TRANSACTIONS OFF; "
    "SET CURSOR_CLOSE_ON_COMMIT OFF; SET XACT_ABORT ON; SET NOCOUNT ON; SET ROWCOUNT 0; SET TEXTSIZE 2147483647; "
    "SET LOCK_TIMEOUT {}; SET TRANSACTION ISOLATION LEVEL {}";

constexpr const char* kState = "SELECT @@TRANCOUNT AS open_transactions, @@OPTIONS AS options";

// @@OPTIONS as pinned: ANSI_WARNINGS 8, ANSI_PADDING 16, ANSI_NULLS 32, ARITHABORT 64, QUOTED_IDENTIFIER 256,
// NOCOUNT 512, CONCAT_NULL_YIELDS_NULL 4096, XACT_ABORT 16384; and not IMPLICIT_TRANSACTIONS 2, NUMERIC_ROUNDABORT
// 8192.
constexpr int kPinnedOn = 8 | 16 | 32 | 64 | 256 | 512 | 4096 | 16384, kPinnedOff = 2 | 8192;

bool in(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

Result<void> check(const ServerSettings& settings) {
  const auto plain = [](const std::string& text) {
    return !text.empty() &&
           std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; });
  };
  const auto host_like = [](unsigned char c) {
    return std::isalnum(c) || c == '.' || c == '-' || c == '_' || c == ':';
  };
  if (!plain(settings.host) || !std::all_of(settings.host.begin(), settings.host.end(), host_like))
    return fail(Code::invalid_request, "the host of the connection is not one host name",
                "Name the host and the port; an instance's name is not looked up.");
  if (!plain(settings.database) || !plain(settings.user))
    return fail(Code::invalid_request, "the connection has no database or no user");
  if (!in(settings.sslmode, {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}))
    return fail(Code::invalid_request, "sslmode is none of disable, allow, prefer, require, verify-ca, verify-full");
  return {};
}

template <class T>
T loaded(const BYTE* bytes) {
  T out;
  std::memcpy(&out, bytes, sizeof out);
  return out;
}

// Of the few types our own questions are answered in.
std::string as_text(int type, const BYTE* data, int size) {
  switch (type) {
    case 48:
    case 50:
      return std::to_string(*data);
    case 52:
      return std::to_string(loaded<std::int16_t>(data));
    case 56:
      return std::to_string(loaded<std::int32_t>(data));
    case 127:
      return std::to_string(loaded<std::int64_t>(data));
    default:
      return {reinterpret_cast<const char*>(data), static_cast<std::size_t>(size)};
  }
}

}  // namespace

Result<std::unique_ptr<Connection>> Connection::open(const ServerSettings& settings, Access access,
                                                     Duration timeout) {
  VMC_CHECK(check(settings));
  VMC_CHECK(load_dblib());
  std::unique_ptr<Connection> db{new Connection{access}};
  VMC_CHECK(db->connect(settings, timeout));
  VMC_CHECK(db->start(timeout));
  VMC_CHECK(db->look_around());
  return db;
}

Connection::~Connection() {
  if (db_) {
    const Listening listening{said_};
    dbclose(db_);
  }
  if (wake_ >= 0) close(wake_);
}

Result<void> Connection::connect(const ServerSettings& settings, Duration timeout) {
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_ < 0) return fail(Code::unavailable, "no file descriptor is left for a connection");
  VMC_TRY(section, section_for(settings, timeout));
  std::string password;
  if (settings.password) {
    VMC_TRY(secret, settings.password());
    password = secret.text();
  }
  const Cleanup wipe{[&] { crypto::wipe(password); }};
  if (password.find('\0') != password.npos) return fail(Code::invalid_request, "the password holds a NUL");
  LOGINREC* login = dblogin();
  if (!login) return fail(Code::unavailable, "memory ran out");
  const Cleanup free_login{[&] { dbloginfree(login); }};
  const Listening listening{said_};
  bool taken = true;
  for (const auto& [which, value] : {std::pair{DBSETUSER, settings.user.c_str()},
                                     {DBSETPWD, password.c_str()},
                                     {DBSETDBNAME, settings.database.c_str()},
                                     {DBSETAPP, "vmc"}})
    taken = taken && dbsetlname(login, value, which) == SUCCEED;
  if (!taken) return fail(Code::invalid_request, "user, password or database name is longer than SQL Server takes");
  // ApplicationIntent: an availability group sends readers to a readable secondary.
  dbsetlbool(login, access_ == Access::read, DBSETREADONLY);
  dbsetlbool(login, access_ == Access::load, DBSETBCP);
  db_ = tdsdbopen(login, section.c_str(), 1);
  if (!db_) return from_open(said_, settings);
  said_.waited = waited;
  said_.who = this;
  dbsetuserdata(db_, reinterpret_cast<BYTE*>(this));
  dbsetinterrupt(db_, reinterpret_cast<DB_DBCHKINTR_FUNC>(is_due), [](void*) { return INT_CANCEL; });
  return {};
}

Result<void> Connection::look_around() {
  VMC_TRY(rows,
          run("SELECT CAST(SERVERPROPERTY(N'ProductVersion') AS nvarchar(40)) AS version, d.snapshot_isolation_state "
              "FROM sys.databases AS d WHERE d.name = DB_NAME()"));
  if (rows.size() != 1 || !rows[0][0]) return fail(Code::database_error, "the server does not tell its version");
  const int version = std::atoi(rows[0][0]->c_str());
  if (version < kOldestVersion)
    return fail(Code::unavailable,
                fmt::format("the server is SQL Server version {}; vmc needs 2016 (13.0) or later", *rows[0][0]));
  snapshots_ = rows[0][1] == "1";
  return {};
}

Result<void> Connection::start(Duration limit) {
  deadline_ = Steady::now() + limit;
  give_up_ = Steady::time_point::max();
  if (interrupted_) return fail(Code::cancelled, "the call was cancelled");
  // Once the server has been told to stop, the connection serves nobody else.
  if (broken_ || told_to_stop_) return lost();
  return {};
}

Result<void> Connection::go_on() const {
  if (interrupted_) return fail(Code::cancelled, "the call was cancelled");
  return {};
}

bool Connection::must_stop() const { return interrupted_ || Steady::now() >= deadline_; }

Error Connection::lost() {
  broken_ = true;
  if (interrupted_) return fail(Code::cancelled, "the call was cancelled");
  if (told_to_stop_) return fail(Code::query_timeout, "the database did not stop the call at its time limit");
  return fail(Code::unavailable, "the connection to the database was lost",
              "Check the network and the server, and try again.");
}

// What went wrong in the call that has just failed.
Error Connection::failure() {
  active_ = false;
  if (dbdead(db_)) broken_ = true;
  if (interrupted_) return fail(Code::cancelled, "the call was cancelled");
  if (told_to_stop_) return fail(Code::query_timeout, "the database stopped the call at its time limit");
  if (said_.number != 0) return from_number(said_, {access_, by_hand_});
  return lost();
}

// DB-Library asks once a second while it waits. What is answered with yes ends that wait, for good or for bad.
int Connection::is_due(void* db) {
  const auto& self = *reinterpret_cast<const Connection*>(dbgetuserdata(static_cast<DBPROCESS*>(db)));
  return (self.told_to_stop_ ? Steady::now() >= self.give_up_ : self.must_stop()) ? TRUE : FALSE;
}

// The wait was ended: INT_TIMEOUT sends the attention and waits for its end, INT_CANCEL closes the connection.
int Connection::waited(void* who) {
  auto& self = *static_cast<Connection*>(who);
  if (self.told_to_stop_) {
    self.broken_ = true;
    return INT_CANCEL;
  }
  self.told_to_stop_ = true;
  self.give_up_ = Steady::now() + kStopGrace;
  return INT_TIMEOUT;
}

void Connection::begin_call() {
  said_.number = said_.client = said_.os_error = said_.line = 0;
  said_.text_lost = false;
}

// Until the first byte of the answer: here an interrupt is seen at once, and a limit to the millisecond.
Result<void> Connection::await_answer() {
  active_ = true;
  for (;;) {
    if (must_stop()) {
      abandon();
      return failure();
    }
    std::array<pollfd, 2> fds{pollfd{dbiordesc(db_), POLLIN, 0}, pollfd{wake_, POLLIN, 0}};
    const auto wait =
        std::clamp<std::int64_t>(std::chrono::ceil<milliseconds>(deadline_ - Steady::now()).count(), 0, 60'000);
    if (poll(fds.data(), fds.size(), static_cast<int>(wait)) > 0 && fds[0].revents != 0) return {};
    eventfd_t interrupts = 0;
    if (fds[1].revents != 0) eventfd_read(wake_, &interrupts);  // a ROLLBACK behind it waits in peace
  }
}

Result<void> Connection::dispatch(const std::string& text, const Params* params) {
  VMC_CHECK(go_on());
  if (broken_) return lost();
  begin_call();
  bool sent = false;
  if (params) {
    const auto statement = params->prefix() + text;
    const auto declared = params->declared();
    sent = dbrpcinit(db_, "sp_executesql", 0) == SUCCEED && bind_text(db_, "", statement) &&
           (declared.empty() || bind_text(db_, "", declared)) && params->bind(db_) && dbrpcsend(db_) == SUCCEED;
  } else {
    dbfreebuf(db_);
    sent = dbcmd(db_, text.c_str()) == SUCCEED && dbsqlsend(db_) == SUCCEED;
  }
  if (!sent) return failure();
  VMC_CHECK(await_answer());
  if (dbsqlok(db_) != SUCCEED) return failure();
  return {};
}

Result<bool> Connection::next_result() {
  const Listening listening{said_};
  const auto code = dbresults(db_);
  if (said_.number != 0 || told_to_stop_ || (code != SUCCEED && code != NO_MORE_RESULTS)) {
    if (!dbdead(db_)) dbcancel(db_);
    return failure();
  }
  if (code == NO_MORE_RESULTS) active_ = false;
  return code == SUCCEED;
}

Result<bool> Connection::next_row() {
  if (++rows_since_look_ >= kRowsBetweenLooks) {
    rows_since_look_ = 0;
    if (must_stop()) {
      abandon();
      return failure();
    }
  }
  const Listening listening{said_};
  const auto code = dbnextrow(db_);
  if (code == REG_ROW && !told_to_stop_) return true;
  if (code == kNoMoreRows && said_.number == 0 && !told_to_stop_) return false;
  if (!dbdead(db_)) dbcancel(db_);
  return failure();
}

Result<Table> Connection::collect() {
  Table first;
  bool seen = false;
  for (;;) {
    VMC_TRY(more, next_result());
    if (!more) return first;
    const int columns = dbnumcols(db_);
    for (;;) {
      VMC_TRY(row, next_row());
      if (!row) break;
      if (seen) continue;
      Cells cells;
      for (int i = 1; i <= columns; ++i) {
        const auto* data = dbdata(db_, i);
        cells.push_back(data ? std::optional{as_text(dbcoltype(db_, i), data, dbdatlen(db_, i))} : std::nullopt);
      }
      first.push_back(std::move(cells));
    }
    seen = seen || columns > 0;
  }
}

Result<Table> Connection::run(const std::string& text) {
  const Listening listening{said_};
  VMC_CHECK(dispatch(text, nullptr));
  return collect();
}

Result<Table> Connection::run(const std::string& text, const Params& params) {
  const Listening listening{said_};
  VMC_CHECK(dispatch(text, &params));
  return collect();
}

Result<void> Connection::send(const std::string& text, const Params& params, bool by_hand) {
  by_hand_ = by_hand;
  const Cleanup done{[this] { by_hand_ = false; }};
  const Listening listening{said_};
  VMC_CHECK(dispatch(text, &params));
  VMC_TRY(more, next_result());
  if (!more && said_.number == 0) return fail(Code::invalid_request, "the statement gives no rows");
  return {};
}

// Sends the attention and reads to its acknowledgement, which the server gives at once.
void Connection::abandon() noexcept {
  if (!active_ || broken_) return;
  active_ = false;
  const auto limit = Steady::now() + kStopGrace;
  if (must_stop()) told_to_stop_ = true;
  give_up_ = limit;
  const bool told = std::exchange(told_to_stop_, true);  // while it waits, only give_up_ counts
  const Listening listening{said_};
  if (dbcancel(db_) != SUCCEED || dbdead(db_)) broken_ = true;
  told_to_stop_ = told;
}

void Connection::rollback() noexcept {
  if (broken_) return;
  abandon();
  if (broken_) return;
  // The limit that was told about has passed; this is a matter of its own.
  const bool told = std::exchange(told_to_stop_, false);
  const bool interrupted = interrupted_.exchange(false);
  deadline_ = Steady::now() + kResetLimit;
  if (!run("IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION")) broken_ = true;
  told_to_stop_ = told || told_to_stop_;
  if (interrupted) interrupted_ = true;
}

bool Connection::reset() noexcept {
  rollback();
  if (broken_ || told_to_stop_ || interrupted_) return false;
  deadline_ = Steady::now() + kResetLimit;
  give_up_ = Steady::time_point::max();
  auto state = run(kState);
  if (!state || state->size() != 1 || (*state)[0][0] != "0") return false;
  const int options = std::atoi((*state)[0][1].value_or("0").c_str());
  return !pinned_ || ((options & kPinnedOn) == kPinnedOn && (options & kPinnedOff) == 0);
}

// A server that goes closes: there is something to read, and between calls there is nothing else to come.
bool Connection::alive() noexcept {
  pollfd socket{dbiordesc(db_), POLLIN, 0};
  return !broken_ && !dbdead(db_) && poll(&socket, 1, 0) == 0;
}

void Connection::interrupt() noexcept {
  interrupted_ = true;
  const std::uint64_t one = 1;
  if (write(wake_, &one, sizeof one) < 0) return;  // already signalled: the counter is full
}

Result<void> Connection::pin(Duration limit, bool snapshot) {
  const auto lock_ms =
      std::chrono::duration_cast<milliseconds>(std::clamp<Duration>(limit, milliseconds{1}, kLockLimit)).count();
  VMC_CHECK(run(fmt::format(kPins, lock_ms, snapshot ? "SNAPSHOT" : "READ COMMITTED")));
  pinned_ = true;
  return {};
}

Result<Transaction> Transaction::begin(Connection& db, Duration limit, Over over) {
  VMC_CHECK(db.start(limit));
  Transaction transaction{db};
  VMC_CHECK(db.pin(limit, db.access() == Access::read && db.snapshots() && over == Over::rows));
  VMC_CHECK(db.run("BEGIN TRANSACTION"));
  return transaction;
}

Result<void> Transaction::check_open() {
  VMC_TRY(state, db_->run(kState));
  if (state.size() == 1 && state[0][0] == "1") return {};
  log::warn("mssql", "a statement that should only read has ended its transaction");
  db_->give_up();
  return fail(Code::write_operation_rejected, "the statement ended the transaction it should only have read in");
}

Result<void> Transaction::commit() {
  VMC_CHECK(db_->go_on());
  VMC_CHECK(db_->run("COMMIT TRANSACTION"));
  db_ = nullptr;
  return {};
}

}  // namespace vmc::sources::mssql
