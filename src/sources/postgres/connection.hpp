// One connection to PostgreSQL: the extended protocol only, never a blocking wait without a deadline, and an
// interrupt that stops the query on the server. Used by one thread at a time; only interrupt() comes from
// elsewhere, and it only sets a flag and wakes that thread.
#pragma once

#include <libpq-fe.h>

#include <atomic>
#include <memory>
#include <span>
#include <string>

#include "sources/postgres/errors.hpp"
#include "sources/postgres/params.hpp"
#include "sources/source.hpp"

namespace vmc::sources::postgres {

struct Clear {
  void operator()(PGresult* result) const { PQclear(result); }
};
using PgResult = std::unique_ptr<PGresult, Clear>;
struct FreeMemory {
  void operator()(char* memory) const { PQfreemem(memory); }
};

class Connection {
 public:
  static Result<std::unique_ptr<Connection>> open(const ServerSettings& settings, Access access,
                                                  Duration timeout);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // What follows must be over by then; the server is told to stop, and given a moment to do so.
  Result<void> start(Duration limit);
  Duration left() const;
  Result<void> go_on() const;  // before anything is sent: CANCELLED, QUERY_TIMEOUT

  // One statement, its whole result (text format).
  Result<PgResult> run(const std::string& text, const Params& params = {});
  // What the statement's outputs and parameters would be; it does not run. What is wrong with it is said in the
  // server's own words: they speak of the text and of names, as no row has been read.
  Result<PgResult> describe(const std::string& text);
  Result<PgResult> outputs(const std::string& text);  // the same, of a text of our own
  // Statements without parameters or results, each its own transaction step, in one round trip.
  Result<void> run_all(std::span<const std::string> texts);

  // Streaming: send, then next() until it returns an empty pointer; abandon() leaves early.
  Result<void> send_streamed(const std::string& text, const Params& params);
  Result<PgResult> next();
  void abandon() noexcept;

  // COPY … FROM STDIN: begin, put pieces, end. The number of rows copied.
  enum class Copy { in, out };
  Result<void> begin_copy(const std::string& text, Copy direction = Copy::in);
  Result<void> put_copy(std::string_view piece);
  Result<std::int64_t> end_copy();
  // COPY … TO STDOUT: begin, then next_copied() until it is empty, then end; abandon() leaves early. A piece lives
  // until the next call.
  Result<std::string_view> next_copied();
  Result<void> end_copied();

  bool alive() noexcept;  // asks nobody
  void rollback() noexcept;
  bool reset() noexcept;
  void interrupt() noexcept;

  PGconn* handle() { return conn_; }
  Access access() const { return access_; }
  int version() const { return PQserverVersion(conn_); }
  bool mixed_encodings() const;                         // an SQL_ASCII database: its text may be anything
  std::string sqlstate() const { return last_state_; }  // of the last failed result

 private:
  explicit Connection(Access access) : access_{access} {}
  Result<void> connect(const ServerSettings& settings, Duration timeout);
  Result<void> wait(short events);
  int poll_once(short events, int wait_ms);
  Result<void> stop_or_go_on();
  void tell_to_stop();
  Result<void> flush();
  Result<void> count_result();
  Result<void> sent(int ok);
  Result<PgResult> run_always(const std::string& text, const Params& params = {});
  Result<PgResult> checked(PGresult* result);
  Result<PgResult> finish();
  int take_copied();
  void low_water(int bytes);
  Error lost();

  Access access_;
  PGconn* conn_ = nullptr;
  PGcancel* cancel_ = nullptr;
  int wake_ = -1;  // an eventfd
  Steady::time_point deadline_{Steady::time_point::max()};
  Steady::time_point give_up_{Steady::time_point::max()};  // once the server has been told to stop
  Steady::time_point tell_again_{Steady::time_point::max()};
  Duration tell_every_{};
  std::atomic<bool> interrupted_{false};
  bool told_to_stop_ = false;
  bool broken_ = false;
  bool copying_out_ = false;
  std::unique_ptr<char, FreeMemory> copied_;
  bool failed_ = false;  // the statement sent last, on the server
  std::string_view analysed_;  // the statement that describe() is about
  int low_water_ = 1;
  int results_since_wait_ = 0;
  std::string last_state_;
};

// A transaction that ends with ROLLBACK unless it was committed.
class Transaction {
 public:
  // Of one statement, or one for all of the transaction.
  enum class Snapshot { statement, transaction };
  // Pins the session's settings and opens the transaction: for reading READ ONLY. `locked` names a table or view that
  // keeps its shape from before the snapshot to the end; "": none.
  static Result<Transaction> begin(Connection& db, Duration limit, Snapshot snapshot = Snapshot::transaction,
                                   const std::string& locked = "");
  Transaction(Transaction&& other) noexcept : db_{std::exchange(other.db_, nullptr)} {}
  ~Transaction() {
    if (db_) db_->rollback();
  }
  Result<void> commit();

 private:
  explicit Transaction(Connection& db) : db_{&db} {}
  Connection* db_;
};

}  // namespace vmc::sources::postgres
