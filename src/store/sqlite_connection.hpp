// One SQLite connection with its cache of prepared statements. Used by one thread at a time; owned by the
// writer or a reader of sqlite_database.cpp.
#pragma once

#include <sqlite3.h>

#include <atomic>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/async.hpp"
#include "store/database.hpp"

namespace vmc::store {

// What a failed SQLite call means to us. The message names tables, columns and SQL of our own, never values.
Error sqlite_error(sqlite3* db, int rc);

class SqliteConnection {
 public:
  struct Options {
    std::string file;  // absolute, exists
    Duration busy_timeout{};
    bool reader = false;
    bool synchronous_full = true;
  };
  enum class Control { begin, begin_immediate, commit, rollback, savepoint, release, rollback_to };

  static Result<std::unique_ptr<SqliteConnection>> open(const Options& options);

  // Both throw StoreFailure, or std::logic_error for a parameter that is missing or superfluous.
  Rows query(std::string_view sql, Params params, const std::string& tenant);
  std::int64_t exec(std::string_view sql, Params params, const std::string& tenant);
  // Several statements without parameters; throws StoreFailure.
  void script(const std::string& text);
  // A prepared transaction statement; SQLITE_OK or an error code.
  int control(Control which);

  bool in_transaction() const { return sqlite3_get_autocommit(db_.get()) == 0; }
  bool foreign_keys_open() const;  // a deferred foreign key is violated at the moment
  Error error(int rc) const { return sqlite_error(db_.get(), rc); }

  // Statements stop with CANCELLED once `flag` is true. Null: never.
  void stop_when(const std::atomic<bool>* flag) { stop_ = flag; }
  // Copies the log back into the file once it has grown, and hands free pages back to the file system.
  // Between transactions only.
  void keep_short();

 private:
  struct CloseDb {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
  };
  struct Finalize {
    void operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
  };
  using StatementPtr = std::unique_ptr<sqlite3_stmt, Finalize>;
  struct Cached {
    std::string sql;
    StatementPtr statement;
  };

  SqliteConnection() = default;
  Result<void> configure(const Options& options);
  int enter_wal(Steady::time_point deadline);
  StatementPtr prepare(std::string_view sql) const;
  sqlite3_stmt* cached(std::string_view sql);
  void bind(sqlite3_stmt* statement, Params params, const std::string& tenant) const;
  template <class OnRow>
  void run(sqlite3_stmt* statement, Params params, const std::string& tenant, OnRow on_row);
  static int on_busy(void* self, int tries);
  static int on_progress(void* self);
  static int on_commit_to_wal(void* self, sqlite3* db, const char* name, int pages);

  Duration busy_timeout_{};
  Steady::time_point busy_deadline_{};
  const std::atomic<bool>* stop_ = nullptr;
  int wal_pages_ = 0;
  int checkpointed_at_ = 0;  // size of the log at the last checkpoint, while it was not reset since
  std::unique_ptr<sqlite3, CloseDb> db_;
  std::array<StatementPtr, 7> controls_;
  std::list<Cached> statements_;  // most recently used first
  std::unordered_map<std::string_view, std::list<Cached>::iterator> by_sql_;
};

}  // namespace vmc::store
