#include "sources/odbc/connection.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "core/cleanup.hpp"
#include "core/log.hpp"
#include "core/text.hpp"
#include "data/text_rules.hpp"
#include "sources/odbc/connection_string.hpp"
#include "sources/odbc/statement.hpp"
#include "sources/odbc/wide.hpp"

namespace vmc::sources::odbc {
namespace {

using std::chrono::milliseconds;

constexpr auto kCancelEvery = milliseconds{50};
constexpr auto kKillEvery = milliseconds{250};
constexpr auto kKillLimit = std::chrono::seconds{3};
constexpr auto kResetLimit = std::chrono::seconds{5};
constexpr std::size_t kInfoMax = 256;  // characters

SQLPOINTER number(std::size_t value) {
  return reinterpret_cast<SQLPOINTER>(value);
}  // as ODBC passes small ones

std::size_t whole_seconds(Duration duration) {
  return static_cast<std::size_t>(
      std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(duration).count()));
}

}  // namespace

Result<std::unique_ptr<Connection>> Connection::open(const OdbcSettings& settings, Access access,
                                                     Duration timeout) {
  VMC_CHECK(check(settings));
  VMC_CHECK(load_driver_manager());
  std::unique_ptr<Connection> db{new Connection{settings, access}};
  VMC_CHECK(db->connect(timeout));
  VMC_CHECK(db->start(timeout));
  VMC_CHECK(db->look_around());
  return db;
}

Connection::~Connection() {
  if (canceller_.joinable()) {
    {
      const std::lock_guard lock{mutex_};
      closing_ = true;
    }
    wake();
    canceller_.join();
  }
  const auto& odbc = driver_manager();
  if (spare_) free_statement(spare_);
  if (connected_) odbc.SQLEndTran(SQL_HANDLE_DBC, db_, SQL_ROLLBACK);
  if (connected_) odbc.SQLDisconnect(db_);
  if (db_) odbc.SQLFreeHandle(SQL_HANDLE_DBC, db_);
  if (environment_) odbc.SQLFreeHandle(SQL_HANDLE_ENV, environment_);
  if (wake_ >= 0) close(wake_);
}

Result<void> Connection::connect(Duration timeout) {
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_ < 0) return fail(Code::unavailable, "no file descriptor is left for a connection");
  const auto& odbc = driver_manager();
  if (!SQL_SUCCEEDED(odbc.SQLAllocHandle(SQL_HANDLE_ENV, SQL_NULL_HANDLE, &environment_)) ||
      !SQL_SUCCEEDED(odbc.SQLSetEnvAttr(environment_, SQL_ATTR_ODBC_VERSION, number(SQL_OV_ODBC3), 0)))
    return fail(Code::unavailable, "ODBC's driver manager does not start");
  const auto needs = driver_needs(settings_.driver);
  VMC_CHECK(connect_with(needs, timeout));
  // Of a data source only the connection tells the driver.
  const auto known = driver_needs(info(SQL_DRIVER_NAME));
  if (known.options == needs.options || known.only_to_open) return {};
  odbc.SQLDisconnect(db_);
  connected_ = false;
  return connect_with(known, timeout);
}

Result<void> Connection::connect_with(const DriverNeeds& needs, Duration timeout) {
  const auto& odbc = driver_manager();
  if (db_) odbc.SQLFreeHandle(SQL_HANDLE_DBC, std::exchange(db_, nullptr));
  if (!SQL_SUCCEEDED(odbc.SQLAllocHandle(SQL_HANDLE_DBC, environment_, &db_)))
    return fail(Code::unavailable, "memory ran out");
  odbc.SQLSetConnectAttrW(db_, SQL_ATTR_LOGIN_TIMEOUT, number(whole_seconds(timeout)), 0);
  if (access_ == Access::read)
    odbc.SQLSetConnectAttrW(db_, SQL_ATTR_ACCESS_MODE, number(SQL_MODE_READ_ONLY), 0);  // a hint, no wall
  crypto::Secret password;
  if (settings_.password) {
    VMC_TRY(secret, settings_.password());
    password = std::move(secret);
  }
  if (password.text().find('\0') != std::string_view::npos || !data::is_valid_utf8(password.text()))
    return fail(Code::invalid_request, "the password holds bytes that no ODBC driver takes");
  VMC_TRY(text, connection_string(settings_, password.text(), needs));
  const auto outcome = odbc.SQLDriverConnectW(db_, nullptr, reinterpret_cast<SQLWCHAR*>(text.data()), SQL_NTS,
                                              nullptr, 0, nullptr, SQL_DRIVER_NOPROMPT);
  if (!SQL_SUCCEEDED(outcome)) return from_open(all_said(SQL_HANDLE_DBC, db_), settings_);
  connected_ = true;
  return {};
}

std::string Connection::info(SQLUSMALLINT what) {
  std::array<SQLWCHAR, kInfoMax> text{};
  SQLSMALLINT bytes = 0;
  const auto outcome = driver_manager().SQLGetInfoW(db_, what, text.data(), sizeof text, &bytes);
  if (!SQL_SUCCEEDED(outcome)) return {};
  const auto end = std::find(text.begin(), text.end(), SQLWCHAR{0});
  return narrowed({text.data(), static_cast<std::size_t>(end - text.begin())});
}

Result<void> Connection::look_around() {
  const auto& odbc = driver_manager();
  product_ = info(SQL_DBMS_NAME);
  user_ = info(SQL_USER_NAME);
  if (user_.empty()) user_ = settings_.user;
  server_.family = settings_.kind == "oracle" ? Family::oracle
                   : settings_.kind == "hana" ? Family::hana
                                              : family_named(product_);
  server_.quote = info(SQL_IDENTIFIER_QUOTE_CHAR);
  if (server_.quote == " ") server_.quote.clear();
  has_schemas_ = !info(SQL_SCHEMA_TERM).empty();
  if (info(SQL_CATALOG_NAME) == "Y") catalogue_ = info(SQL_DATABASE_NAME);
  SQLUSMALLINT transactions = SQL_TC_NONE;
  SQLSMALLINT bytes = 0;
  odbc.SQLGetInfoW(db_, SQL_TXN_CAPABLE, &transactions, sizeof transactions, &bytes);
  has_transactions_ = transactions != SQL_TC_NONE;
  if (customs().stops_by_spare && lowered(info(SQL_DRIVER_NAME)).find("sqlite3odbc") != std::string::npos) {
    VMC_TRY(spare, make_statement());
    spare_ = spare;
  }
  canceller_ = std::thread{[this] { watch(); }};
  for (const char* statement : customs().opening) VMC_CHECK(run(statement));
  if (access_ == Access::read)
    for (const char* statement : customs().opening_to_read) VMC_CHECK(run(statement));
  if (has_transactions_ && !ends_by_statement() &&
      !SQL_SUCCEEDED(odbc.SQLSetConnectAttrW(db_, SQL_ATTR_AUTOCOMMIT, number(SQL_AUTOCOMMIT_OFF), 0)))
    return from_open(all_said(SQL_HANDLE_DBC, db_), settings_);
  if (customs().session) {
    VMC_TRY(rows, ask(*this, customs().session));
    rollback();
    const std::lock_guard lock{mutex_};
    if (rows.size() == 1) session_ = rows[0][0].value_or("");
  }
  return ask_schema();
}

Result<void> Connection::ask_schema() {
  server_.default_schema = server_.family == Family::mysql ? catalogue_ : customs().standard_schema;
  if (!customs().current_schema) return {};
  VMC_TRY(rows, ask(*this, customs().current_schema));
  rollback();
  if (rows.size() == 1 && rows[0][0]) server_.default_schema = *rows[0][0];
  return {};
}

Result<void> Connection::start(Duration limit) {
  {
    const std::lock_guard lock{mutex_};
    deadline_ = Steady::now() + limit;
  }
  wake();
  if (interrupted_) return fail(Code::cancelled, "the call was cancelled");
  // Once a statement has been told to stop, the connection serves nobody else.
  if (broken_ || told_to_stop_)
    return fail(Code::unavailable, "the connection to the database was lost",
                "Check the network and the server, and try again.");
  return {};
}

bool Connection::must_stop() const { return interrupted_ || Steady::now() >= deadline_; }

Error Connection::stopped() {
  told_to_stop_ = true;
  if (interrupted_) return fail(Code::cancelled, "the call was cancelled");
  return fail(Code::query_timeout, "the database stopped the call at its time limit");
}

Result<void> Connection::begin_call(SQLHSTMT statement) {
  {
    const std::lock_guard lock{mutex_};
    running_ = statement;
  }
  // Only now: who interrupts from here on finds it running.
  if (!must_stop()) return {};
  end_call();
  return stopped();
}

void Connection::end_call() {
  const std::lock_guard lock{mutex_};
  running_ = nullptr;
}

Error Connection::failure(SQLHSTMT statement) {
  const auto words = said(SQL_HANDLE_STMT, statement);
  if (must_stop() || was_stopped(words)) return stopped();
  if (is_lost(words)) broken_ = true;
  // FreeTDS has no word for a server that hung up, or one for a warning. Drivers that have one are not asked:
  // some go to the server for it.
  if (is_silent(words) && is_dead()) {
    broken_ = true;
    return connection_lost(words);
  }
  return from_state(words, access_);
}

// Sleeps until somebody is inside the driver and has to come out.
void Connection::watch() {
  for (;;) {
    int wait_ms = -1;
    bool kill = false;
    {
      const std::lock_guard lock{mutex_};
      if (closing_) return;
      if (must_stop()) {
        kill = running_ && !session_.empty();
        // Under the lock, so that the call does not end and its statement die meanwhile.
        if (running_ && !customs().stop) driver_manager().SQLCancel(spare_ ? spare_ : running_);
        if (running_) wait_ms = static_cast<int>((kill ? kKillEvery : kCancelEvery).count());
      } else if (deadline_ != Steady::time_point::max()) {
        const auto left = std::chrono::ceil<milliseconds>(deadline_ - Steady::now()).count();
        wait_ms = static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
      }
    }
    if (kill) kill_statement();
    pollfd waiting{wake_, POLLIN, 0};
    if (poll(&waiting, 1, wait_ms) > 0) {
      std::uint64_t count = 0;
      if (read(wake_, &count, sizeof count) < 0) continue;
    }
  }
}

// Who is told to stop serves nobody else, so that it hits at worst the ROLLBACK of its own.
void Connection::kill_statement() {
  if (!killer_) {
    std::unique_ptr<Connection> other{new Connection{settings_, Access::read}};
    if (!other->connect(kKillLimit)) {
      log::warn("odbc", "the server could not be told to stop a statement");
      return;
    }
    killer_ = std::move(other);
  }
  if (!killer_->run(fmt::format(fmt::runtime(customs().stop), session_))) killer_.reset();
}

void Connection::wake() noexcept {
  const std::uint64_t one = 1;
  if (write(wake_, &one, sizeof one) < 0) return;  // already signalled: the counter is full
}

void Connection::interrupt() noexcept {
  interrupted_ = true;
  wake();
}

Result<SQLHSTMT> Connection::make_statement() {
  SQLHSTMT out = nullptr;
  const auto& odbc = driver_manager();
  if (!SQL_SUCCEEDED(odbc.SQLAllocHandle(SQL_HANDLE_STMT, db_, &out))) {
    const auto words = said(SQL_HANDLE_DBC, db_);
    broken_ = true;
    return from_state(words, access_);
  }
  // The server's own clock, where the driver has it, for the case that this process is gone; ours is the
  // finer one.
  const auto left = deadline_ == Steady::time_point::max()
                        ? Duration{kResetLimit}
                        : std::chrono::duration_cast<Duration>(deadline_ - Steady::now());
  odbc.SQLSetStmtAttrW(out, SQL_ATTR_QUERY_TIMEOUT, number(whole_seconds(left) + 1), 0);
  return out;
}

void Connection::free_statement(SQLHSTMT statement) noexcept {
  driver_manager().SQLFreeHandle(SQL_HANDLE_STMT, statement);
}

Result<void> Connection::run(std::string_view text) {
  VMC_TRY(statement, Statement::make(*this));
  return statement.execute(text);
}

Result<void> Connection::begin() {
  const auto& statements = access_ == Access::read ? customs().beginning : customs().beginning_to_load;
  for (const char* statement : statements) VMC_CHECK(run(statement));
  begun_ = true;
  return {};
}

Result<void> Connection::commit() {
  if (must_stop()) return stopped();
  if (SQL_SUCCEEDED(driver_manager().SQLEndTran(SQL_HANDLE_DBC, db_, SQL_COMMIT))) return {};
  const auto words = said(SQL_HANDLE_DBC, db_);
  broken_ = true;  // whether it was committed is not known: vmc_applied will tell
  return from_state(words, access_);
}

void Connection::rollback() noexcept {
  {
    const std::lock_guard lock{mutex_};
    deadline_ = Steady::time_point::max();
  }
  if (broken_ || !has_transactions_) return;
  if (ends_by_statement()) {
    if (std::exchange(begun_, false) && !end_reading()) broken_ = true;
    return;
  }
  if (!SQL_SUCCEEDED(driver_manager().SQLEndTran(SQL_HANDLE_DBC, db_, SQL_ROLLBACK))) broken_ = true;
}

// Also behind an interrupt: a pool of the driver manager's own may hand the connection on.
bool Connection::end_reading() {
  const auto statement = make_statement();
  if (!statement) return false;
  auto text = widened(customs().end_reading);
  const auto outcome = driver_manager().SQLExecDirectW(*statement, text.data(), static_cast<SQLINTEGER>(text.size()));
  free_statement(*statement);
  return SQL_SUCCEEDED(outcome);
}

bool Connection::reset() noexcept {
  rollback();
  return !broken_ && !told_to_stop_ && !interrupted_;
}

bool Connection::alive() noexcept { return !broken_ && !is_dead(); }

bool Connection::is_dead() noexcept {
  SQLUINTEGER dead = SQL_CD_FALSE;
  const auto outcome =
      driver_manager().SQLGetConnectAttrW(db_, SQL_ATTR_CONNECTION_DEAD, &dead, SQL_IS_UINTEGER, nullptr);
  return SQL_SUCCEEDED(outcome) && dead == SQL_CD_TRUE;
}

Result<Transaction> Transaction::begin(Connection& db, Duration limit) {
  VMC_CHECK(db.start(limit));
  Transaction transaction{db};
  VMC_CHECK(db.begin());
  return transaction;
}

Result<void> Transaction::commit() {
  VMC_CHECK(db_->commit());
  db_ = nullptr;
  return {};
}

}  // namespace vmc::sources::odbc
