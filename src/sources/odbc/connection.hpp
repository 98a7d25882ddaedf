// One connection through an ODBC driver. A statement has a deadline and an interrupt that stop it on the server;
// opening, committing and rolling back wait as long as the driver does. Used by one thread at a time, only interrupt() comes from
// elsewhere. A thread of its own calls SQLCancel, or what the server has instead, again and again until the call returns: one
// that comes between two calls of the driver, or before the server has begun, would be lost.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "sources/odbc/errors.hpp"
#include "sources/odbc/server.hpp"

namespace vmc::sources::odbc {

class Connection {
 public:
  static Result<std::unique_ptr<Connection>> open(const OdbcSettings& settings, Access access,
                                                  Duration timeout);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // What follows must be over by then.
  Result<void> start(Duration limit);
  // A call of the driver about this statement. SQL_NO_DATA is no error.
  template <class Call>
  Result<SQLRETURN> call(SQLHSTMT statement, Call function) {
    VMC_CHECK(begin_call(statement));
    const SQLRETURN outcome = function(driver_manager());
    end_call();
    if (SQL_SUCCEEDED(outcome) || outcome == SQL_NO_DATA) return outcome;
    return failure(statement);
  }
  Result<SQLHSTMT> make_statement();
  void free_statement(SQLHSTMT statement) noexcept;
  Result<void> run(std::string_view text);  // rows are dropped

  Result<void> begin();  // of a transaction that has started
  Result<void> commit();
  void rollback() noexcept;
  bool reset() noexcept;
  bool alive() noexcept;  // asks nobody
  void interrupt() noexcept;

  const sql::OdbcServer& server() const { return server_; }
  const Customs& customs() const { return customs_of(server_.family); }
  // What reads has no transaction of the driver's, and no parameters: Customs::end_reading.
  bool ends_by_statement() const { return access_ == Access::read && customs().end_reading; }
  const OdbcSettings& settings() const { return settings_; }
  Access access() const { return access_; }
  const std::string& catalogue() const {
    return catalogue_;
  }  // the one of its tables; empty: the server has none
  const std::string& product() const { return product_; }
  const std::string& user() const { return user_; }
  bool has_schemas() const { return has_schemas_; }
  bool has_transactions() const { return has_transactions_; }

 private:
  Connection(OdbcSettings settings, Access access) : settings_{std::move(settings)}, access_{access} {}
  Result<void> connect(Duration timeout);
  Result<void> connect_with(const DriverNeeds& needs, Duration timeout);
  Result<void> look_around();
  Result<void> ask_schema();
  std::string info(SQLUSMALLINT what);
  Result<void> begin_call(SQLHSTMT statement);
  void end_call();
  bool must_stop() const;
  bool is_dead() noexcept;
  bool end_reading();
  Error failure(SQLHSTMT statement);
  Error stopped();
  void watch();
  void kill_statement();
  void wake() noexcept;

  OdbcSettings settings_;
  Access access_;
  SQLHENV environment_ = nullptr;
  SQLHDBC db_ = nullptr;
  bool connected_ = false;
  sql::OdbcServer server_;
  std::string catalogue_, product_, user_;
  bool has_schemas_ = false, has_transactions_ = true;

  std::thread canceller_;
  std::mutex mutex_;            // of running_, closing_ and deadline_
  SQLHSTMT running_ = nullptr;  // inside the driver
  SQLHSTMT spare_ = nullptr;    // for SQLCancel, where the running one would be closed by it
  bool closing_ = false;
  Steady::time_point deadline_{Steady::time_point::max()};
  int wake_ = -1;  // an eventfd
  std::string session_;                 // what the server calls this connection, where another one stops its statements
  std::unique_ptr<Connection> killer_;  // the other one
  std::atomic<bool> interrupted_{false};
  bool told_to_stop_ = false;
  bool begun_ = false;
  bool broken_ = false;
};

// A transaction that ends with ROLLBACK unless it is committed; on a session that reads, read-only where the server has
// such a thing.
class Transaction {
 public:
  static Result<Transaction> begin(Connection& db, Duration limit);
  Result<void> commit();
  Transaction(Transaction&& other) noexcept : db_{std::exchange(other.db_, nullptr)} {}
  ~Transaction() {
    if (db_) db_->rollback();
  }

 private:
  explicit Transaction(Connection& db) : db_{&db} {}
  Connection* db_;
};

}  // namespace vmc::sources::odbc
