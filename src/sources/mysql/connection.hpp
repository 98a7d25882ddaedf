// One connection to MySQL or MariaDB: rows by prepared statements only, never a wait without a deadline, and an
// interrupt that stops the statement on the server (KILL QUERY over a second connection). Used by one thread at a
// time; only interrupt() comes from elsewhere, and it only sets a flag and wakes that thread.
//
// The library's blocking calls are used; where they would wait for the socket they ask wait(), which knows the
// deadline.
#pragma once

#include <mysql.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "sources/mysql/errors.hpp"
#include "sources/source.hpp"

namespace vmc::sources::mysql {

class Connection {
 public:
  static Result<std::unique_ptr<Connection>> open(const ServerSettings& settings, Access access, Duration timeout);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // What follows must be over by then; the server is told to stop, and given a moment to do so.
  Result<void> start(Duration limit);
  Result<void> go_on() const;    // CANCELLED once interrupted
  Result<void> stop_or_go_on();  // while rows flow; tells the server when it is time

  // A statement of our own without parameters and rows.
  Result<void> run(const std::string& text);
  // LOAD DATA LOCAL: `pull` gives the next bytes, 0 at the end; its error is what the caller gets.
  using Pull = std::function<Result<std::size_t>(char* to, std::size_t room)>;
  Result<void> load_data(const std::string& text, Pull pull);
  std::uint64_t affected() const { return mysql_affected_rows(handle_); }
  unsigned warnings() const { return mysql_warning_count(handle_); }

  void rollback() noexcept;
  bool reset() noexcept;
  bool alive() noexcept;  // asks nobody
  void interrupt() noexcept;
  // Whoever reads the running statement has had enough: what is not there in a moment is stopped on the server.
  void end_soon() noexcept;

  MYSQL* handle() { return handle_; }
  Access access() const { return access_; }
  bool is_mariadb() const { return mariadb_; }
  bool broken() const { return broken_; }
  Failure failure() const;  // of the call that failed last
  Error failed(const Failure& failure, std::string_view analysed = {});
  void row_came() { ++rows_since_wait_; }

  // Stands around every call of the library that may wait.
  class Call;

 private:
  explicit Connection(const ServerSettings& settings, Access access) : settings_{settings}, access_{access} {}
  Result<void> connect(Duration timeout);
  Result<void> log_in(const std::string& password);
  void set_options();
  Result<void> check_version();
  Error lost();
  void tell_to_stop();
  bool kill_statement();
  bool wait(int fd, bool reading);
  bool reached(int fd);
  int poll_once(int fd, bool reading, int wait_ms);
  void low_water(int fd, int bytes);
  static int on_wait(my_socket fd, my_bool reading, int timeout);

  ServerSettings settings_;
  Access access_;
  MYSQL* handle_ = nullptr;
  int wake_ = -1;  // an eventfd
  Steady::time_point deadline_{Steady::time_point::max()};
  Steady::time_point give_up_{Steady::time_point::max()};  // once the server has been told to stop
  Steady::time_point tell_again_{Steady::time_point::max()};
  Duration tell_every_{};
  std::unique_ptr<Connection> killer_;
  bool kills_ = false;  // is one: nobody stops it
  std::atomic<bool> interrupted_{false};
  bool connected_ = false;
  int connect_errno_ = 0;
  bool tls_ = false;
  bool mariadb_ = false;
  bool told_to_stop_ = false;
  bool broken_ = false;
  bool in_transaction_ = false;
  int low_water_ = 1;
  int rows_since_wait_ = 0;
  friend class Transaction;
};

class Connection::Call {
 public:
  explicit Call(Connection& db);
  ~Call();
  Call(const Call&) = delete;

 private:
  Connection* before_;
};

// A transaction that ends with ROLLBACK unless it was committed.
class Transaction {
 public:
  enum class Writing { plainly, locking_gaps };  // REPEATABLE READ locks what a statement has looked through
  // Pins the session's settings and opens the transaction: for reading READ ONLY, one snapshot for all of it.
  static Result<Transaction> begin(Connection& db, Duration limit, Writing how = Writing::plainly);
  // The same settings for statements of our own outside a transaction.
  static Result<void> pin(Connection& db, Duration limit);
  Transaction(Transaction&& other) noexcept : db_{std::exchange(other.db_, nullptr)} {}
  ~Transaction() {
    if (db_) db_->rollback();
  }
  Result<void> commit();

 private:
  explicit Transaction(Connection& db) : db_{&db} {}
  Connection* db_;
};

}  // namespace vmc::sources::mysql
