// One connection to SQL Server: statements by sp_executesql, never a wait without a deadline, and an interrupt that
// stops the statement on the server (an attention). Used by one thread at a time; only interrupt() comes from
// elsewhere, and it only sets a flag and wakes that thread. Inside DB-Library that flag is looked at once a second.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sources/mssql/errors.hpp"
#include "sources/mssql/params.hpp"

namespace vmc::sources::mssql {

// A small result, as text.
using Cells = std::vector<std::optional<std::string>>;
using Table = std::vector<Cells>;

class Connection {
 public:
  static Result<std::unique_ptr<Connection>> open(const ServerSettings& settings, Access access, Duration timeout);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // What follows must be over by then; the server is told to stop, and given a moment to do so.
  Result<void> start(Duration limit);
  Result<void> go_on() const;  // CANCELLED once interrupted

  // A batch of our own words, or one statement with parameters; its first result whole.
  Result<Table> run(const std::string& text);
  Result<Table> run(const std::string& text, const Params& params);

  // Streaming: send, next_result() once, next_row() until it answers false; abandon() leaves early. `by_hand`: the
  // statement came with the call.
  Result<void> send(const std::string& text, const Params& params, bool by_hand = false);
  Result<bool> next_result();
  Result<bool> next_row();
  void abandon() noexcept;

  // The library's bulk copy: `step` runs inside it and answers whether it worked.
  template <class Step>
  Result<void> inside(Step step) {
    VMC_CHECK(go_on());
    begin_call();
    const Listening listening{said_};
    if (step()) return {};
    return failure();
  }

  void rollback() noexcept;
  bool reset() noexcept;
  void give_up() { broken_ = true; }
  bool alive() noexcept;  // asks nobody
  void interrupt() noexcept;

  DBPROCESS* handle() { return db_; }
  Access access() const { return access_; }
  bool snapshots() const { return snapshots_; }
  bool text_lost() const { return said_.text_lost; }
  int error_number() const { return said_.number; }  // of the last failure
  // What changes how text is read and what a statement does, and the isolation of the transaction that follows.
  Result<void> pin(Duration limit, bool snapshot);

 private:
  explicit Connection(Access access) : access_{access} {}
  Result<void> connect(const ServerSettings& settings, Duration timeout);
  Result<void> look_around();
  void begin_call();
  Result<void> await_answer();
  Result<void> dispatch(const std::string& text, const Params* params);
  Result<Table> collect();
  bool must_stop() const;
  Error failure();
  Error lost();
  static int is_due(void* db);
  static int waited(void* who);

  Access access_;
  DBPROCESS* db_ = nullptr;
  int wake_ = -1;  // an eventfd
  Said said_;
  Steady::time_point deadline_{Steady::time_point::max()};
  Steady::time_point give_up_{Steady::time_point::max()};  // once the server has been told to stop
  std::atomic<bool> interrupted_{false};
  bool told_to_stop_ = false;
  bool broken_ = false;
  bool active_ = false;  // an answer has not been read to its end
  bool by_hand_ = false;
  bool snapshots_ = false;
  bool pinned_ = false;
  unsigned rows_since_look_ = 0;
};

// A transaction that ends with ROLLBACK unless it was committed. There is no read-only one: what a reading session
// does is undone, and what it may do is for its login's grants to say.
class Transaction {
 public:
  enum class Over { rows, catalogue };  // what it reads; the catalogue keeps no versions for a snapshot
  static Result<Transaction> begin(Connection& db, Duration limit, Over over = Over::rows);
  // WRITE_OPERATION_REJECTED when a statement that should only have read has ended the transaction.
  Result<void> check_open();
  Transaction(Transaction&& other) noexcept : db_{std::exchange(other.db_, nullptr)} {}
  ~Transaction() {
    if (db_) db_->rollback();
  }
  Result<void> commit();

 private:
  explicit Transaction(Connection& db) : db_{&db} {}
  Connection* db_;
};

}  // namespace vmc::sources::mssql
