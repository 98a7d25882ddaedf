// One pinned SQLite connection: read-only by open mode, query_only and an authorizer, with limits, a deadline
// and an interrupt. Used by one thread at a time; only interrupt() comes from elsewhere.
#pragma once

#include <sqlite3.h>

#include <atomic>
#include <memory>
#include <string>

#include "sources/source.hpp"

namespace vmc::sources::sqlite {

// Largest text, blob or row: bounds also what one function call may produce, where no interrupt reaches.
inline constexpr int kLengthMax = 16 << 20;

struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Stmt = std::unique_ptr<sqlite3_stmt, Finalize>;

class Database {
 public:
  static Result<std::unique_ptr<Database>> open(const std::string& file, Access access, Duration timeout);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // One whole statement; in a read session one that cannot write.
  Result<Stmt> prepare(const std::string& text);
  // True: a row; false: done.
  Result<bool> step(sqlite3_stmt* statement);
  Result<void> run(const std::string& text);
  Result<void> bind(sqlite3_stmt* statement, int index, const data::Value& value);

  // Every step until the next start() must be over by then.
  Result<void> start(Duration limit);
  Error error(int rc) const;
  void rollback() noexcept;
  bool reset() noexcept;
  void interrupt() noexcept;

  // Lets catalogue reads through while it lives.
  class Discovering {
   public:
    explicit Discovering(Database& db) : db_{db} { db_.discovering_ = true; }
    ~Discovering() { db_.discovering_ = false; }

   private:
    Database& db_;
  };

  // Notes what the statements prepared while it lives reach: tables, and their columns that are named in them or in
  // views they use.
  class Watching {
   public:
    explicit Watching(Database& db) : db_{db} { db_.watched_ = &reads; }
    ~Watching() { db_.watched_ = nullptr; }
    data::Reads reads;

   private:
    Database& db_;
  };

  sqlite3* handle() { return db_; }
  Access access() const { return access_; }

 private:
  Database(std::string file, Access access) : file_{std::move(file)}, access_{access} {}
  Result<void> pin();
  static int on_authorize(void* self, int action, const char* a, const char* b, const char*, const char*);
  static int on_progress(void* self);
  static int on_busy(void* self, int tries);
  bool over() const;

  std::string file_;
  Access access_;
  sqlite3* db_ = nullptr;
  bool discovering_ = false;
  data::Reads* watched_ = nullptr;
  bool denied_ = false;  // by the authorizer, in the statement prepared last
  Steady::time_point deadline_{Steady::time_point::max()};
  std::atomic<bool> interrupted_{false};
};

// A read transaction that ends with ROLLBACK whatever happens.
class Transaction {
 public:
  static Result<Transaction> begin(Database& db, const char* how = "BEGIN");
  Transaction(Transaction&& other) noexcept : db_{std::exchange(other.db_, nullptr)} {}
  ~Transaction() {
    if (db_) db_->rollback();
  }
  Result<void> commit();

 private:
  explicit Transaction(Database& db) : db_{&db} {}
  Database* db_;
};

// Registers what sql/dialect.hpp names: order of decimals, times and instants that are kept as text.
void register_collations(sqlite3* db);

}  // namespace vmc::sources::sqlite
