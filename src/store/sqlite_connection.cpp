#include "store/sqlite_connection.hpp"

#include <algorithm>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>

#include "core/log.hpp"

namespace vmc::store {
namespace {

constexpr std::size_t kStatementsMax = 256;           // cached per connection
constexpr int kCheckpointPages = 1'000;               // 4 MB of log, SQLite's own default
constexpr int kRestartPages = 16 * kCheckpointPages;  // readers overlap without end: wait for them
constexpr Duration kRestartWait = std::chrono::milliseconds{100};
constexpr int kProgressSteps = 4'000;  // instructions of SQLite between two looks at the stop flag
constexpr int kValueBytesMax = 256 << 20;
constexpr std::int64_t kFreePagesMin = 1'024;  // below this, free pages stay for the next rows
constexpr const char* kSettings =
    "PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY;"
    "PRAGMA cache_size=-2000; PRAGMA journal_size_limit=16777216;";

constexpr std::array<std::string_view, 7> kControls{
    "BEGIN",           "BEGIN IMMEDIATE",    "COMMIT", "ROLLBACK", "SAVEPOINT closure",
    "RELEASE closure", "ROLLBACK TO closure"};

std::string_view message_of(sqlite3* db, int rc) {
  // Only these two kinds of message are known to consist of names and SQL; others may quote a value.
  const int primary = rc & 0xff;
  if (db && (primary == SQLITE_CONSTRAINT || primary == SQLITE_ERROR) && sqlite3_extended_errcode(db) == rc) {
    const std::string_view text = sqlite3_errmsg(db);
    for (std::string_view known :
         {"constraint failed", "no such", "syntax error", "already exists", "has no column"})
      if (text.find(known) != text.npos) return text;
  }
  return sqlite3_errstr(rc);
}

int bind_cell(sqlite3_stmt* statement, int at, const Cell& cell) {
  struct Visitor {
    sqlite3_stmt* s;
    int i;
    int operator()(std::monostate) const { return sqlite3_bind_null(s, i); }
    int operator()(std::int64_t v) const { return sqlite3_bind_int64(s, i, v); }
    int operator()(const std::string& v) const {
      return sqlite3_bind_text64(s, i, v.data(), v.size(), SQLITE_STATIC, SQLITE_UTF8);
    }
    int operator()(const Bytes& v) const {
      // A null pointer, which an empty vector may have, would bind NULL.
      if (v.empty()) return sqlite3_bind_zeroblob(s, i, 0);
      return sqlite3_bind_blob64(s, i, v.data(), v.size(), SQLITE_STATIC);
    }
  };
  return std::visit(Visitor{statement, at}, cell);
}

Cell read_cell(sqlite3_stmt* statement, int at) {
  switch (sqlite3_column_type(statement, at)) {
    case SQLITE_NULL:
      return {};
    case SQLITE_INTEGER:
      return std::int64_t{sqlite3_column_int64(statement, at)};
    case SQLITE_TEXT: {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, at));
      return std::string(text, static_cast<std::size_t>(sqlite3_column_bytes(statement, at)));
    }
    case SQLITE_BLOB: {
      const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement, at));
      return data ? Bytes(data, data + sqlite3_column_bytes(statement, at)) : Bytes{};
    }
    default:
      throw std::logic_error{fmt::format("column {} of our own state is a float", at)};
  }
}

}  // namespace

Error sqlite_error(sqlite3* db, int rc) {
  const auto message = fmt::format("database: {}", message_of(db, rc));
  switch (rc & 0xff) {
    case SQLITE_CONSTRAINT: {
      const bool taken = rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY ||
                         rc == SQLITE_CONSTRAINT_ROWID || rc == SQLITE_CONSTRAINT_FOREIGNKEY;
      return {taken ? Code::conflict : Code::internal, message};
    }
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return {Code::unavailable, message, "Another process keeps the database locked."};
    case SQLITE_FULL:
      return {Code::unavailable, message, "Free space on the disk that holds the state."};
    case SQLITE_READONLY:
      if (rc == SQLITE_READONLY && sqlite3_db_readonly(db, "main") == 0)
        return {Code::internal, "a reading transaction tried to write"};
      [[fallthrough]];
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_NOMEM:
    case SQLITE_NOLFS:
      return {Code::unavailable, message, "Check the disk and the rights on the state folder."};
    case SQLITE_INTERRUPT:
      return {Code::cancelled, "the caller was stopped"};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {Code::internal, "the database file is damaged", "Restore the file from a backup."};
    default:
      return {Code::internal, message};
  }
}

Result<std::unique_ptr<SqliteConnection>> SqliteConnection::open(const Options& options) {
  std::unique_ptr<SqliteConnection> connection{new SqliteConnection};
  sqlite3* db = nullptr;
  const int flags =
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
  const int rc = sqlite3_open_v2(options.file.c_str(), &db, flags, nullptr);
  connection->db_.reset(db);
  if (rc != SQLITE_OK) return sqlite_error(db, rc);
  VMC_CHECK(connection->configure(options));
  return connection;
}

Result<void> SqliteConnection::configure(const Options& options) {
  auto* db = db_.get();
  busy_timeout_ = options.busy_timeout;
  sqlite3_busy_handler(db, &on_busy, this);
  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_limit(db, SQLITE_LIMIT_LENGTH, kValueBytesMax);
  sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
  try {
    script(kSettings);
    if (options.reader) {
      sqlite3_progress_handler(db, kProgressSteps, &on_progress, this);
      script("PRAGMA query_only=ON");
    } else {
      // Counts in a new file only; in another one it would be a write at every start.
      if (query("PRAGMA page_count", {}, {}).at(0).integer(0) == 0) script("PRAGMA auto_vacuum=INCREMENTAL");
      if (const int rc = enter_wal(Steady::now() + options.busy_timeout); rc != SQLITE_OK) return error(rc);
      script(options.synchronous_full ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
      sqlite3_wal_hook(db, &on_commit_to_wal, this);
    }
    for (std::size_t i = 0; i < kControls.size(); ++i) controls_[i] = prepare(kControls[i]);
  } catch (const StoreFailure& failure) {
    return failure.error;
  }
  return {};
}

// Switching modes needs the file alone for a moment, and SQLite does not always ask the busy handler for it.
int SqliteConnection::enter_wal(Steady::time_point deadline) {
  for (int tries = 0;; ++tries) {
    const auto statement = prepare("PRAGMA journal_mode=WAL");
    const int rc = sqlite3_step(statement.get());
    if (rc == SQLITE_ROW) {
      const std::string_view mode = reinterpret_cast<const char*>(sqlite3_column_text(statement.get(), 0));
      return mode == "wal" ? SQLITE_OK : SQLITE_CANTOPEN;
    }
    if ((rc & 0xff) != SQLITE_BUSY || Steady::now() >= deadline) return rc;
    std::this_thread::sleep_for(std::chrono::milliseconds{1 + tries % 7});
  }
}

SqliteConnection::StatementPtr SqliteConnection::prepare(std::string_view sql) const {
  sqlite3_stmt* statement = nullptr;
  const char* tail = nullptr;
  const int rc = sqlite3_prepare_v3(db_.get(), sql.data(), static_cast<int>(sql.size()),
                                    SQLITE_PREPARE_PERSISTENT, &statement, &tail);
  StatementPtr owned{statement};
  if (rc != SQLITE_OK) throw StoreFailure{error(rc)};
  const std::string_view rest{tail, static_cast<std::size_t>(sql.data() + sql.size() - tail)};
  if (!statement || rest.find_first_not_of(" \t\r\n;") != rest.npos)
    throw std::logic_error{"a text holds exactly one statement: " + std::string{sql}};
  return owned;
}

sqlite3_stmt* SqliteConnection::cached(std::string_view sql) {
  if (const auto found = by_sql_.find(sql); found != by_sql_.end()) {
    statements_.splice(statements_.begin(), statements_, found->second);
    return statements_.front().statement.get();
  }
  auto statement = prepare(sql);
  if (statements_.size() >= kStatementsMax) {
    by_sql_.erase(statements_.back().sql);
    statements_.pop_back();
  }
  statements_.push_front({std::string{sql}, std::move(statement)});
  by_sql_.emplace(statements_.front().sql, statements_.begin());
  return statements_.front().statement.get();
}

void SqliteConnection::bind(sqlite3_stmt* statement, Params params, const std::string& tenant) const {
  const auto wrong = [&](std::string_view what, std::string_view name) {
    return std::logic_error{fmt::format("parameter '{}' {}: {}", name, what, sqlite3_sql(statement))};
  };
  std::size_t used = 0;
  const int count = sqlite3_bind_parameter_count(statement);
  for (int i = 1; i <= count; ++i) {
    const char* name = sqlite3_bind_parameter_name(statement, i);
    if (!name || name[0] != ':') throw wrong("is not of the form :name", name ? name : "?");
    const std::string_view plain{name + 1};
    int rc = SQLITE_OK;
    if (plain == "tenant") {
      rc = sqlite3_bind_text64(statement, i, tenant.data(), tenant.size(), SQLITE_STATIC, SQLITE_UTF8);
    } else {
      const auto* given =
          std::find_if(params.begin(), params.end(), [&](const Param& p) { return p.name == plain; });
      if (given == params.end()) throw wrong("is missing", plain);
      rc = bind_cell(statement, i, given->value);
      ++used;
    }
    if (rc != SQLITE_OK) throw StoreFailure{error(rc)};
  }
  if (used == params.size()) return;
  for (const auto& param : params)
    if (sqlite3_bind_parameter_index(statement, fmt::format(":{}", param.name).c_str()) == 0 ||
        param.name == "tenant")
      throw wrong("is superfluous", param.name);
  throw wrong("is given twice", params.begin()->name);
}

template <class OnRow>
void SqliteConnection::run(sqlite3_stmt* statement, Params params, const std::string& tenant, OnRow on_row) {
  struct Reset {
    sqlite3_stmt* statement;
    ~Reset() {
      sqlite3_reset(statement);
      sqlite3_clear_bindings(statement);
    }
  } reset{statement};
  bind(statement, params, tenant);
  for (;;) {
    const int rc = sqlite3_step(statement);
    if (rc == SQLITE_DONE) return;
    if (rc != SQLITE_ROW) throw StoreFailure{error(rc)};
    on_row();
  }
}

Rows SqliteConnection::query(std::string_view sql, Params params, const std::string& tenant) {
  auto* statement = cached(sql);
  Rows rows;
  run(statement, params, tenant, [&] {
    const int columns = sqlite3_column_count(statement);
    std::vector<Cell> cells;
    cells.reserve(static_cast<std::size_t>(columns));
    for (int i = 0; i < columns; ++i) cells.push_back(read_cell(statement, i));
    rows.emplace_back(std::move(cells));
  });
  return rows;
}

std::int64_t SqliteConnection::exec(std::string_view sql, Params params, const std::string& tenant) {
  auto* statement = cached(sql);
  run(statement, params, tenant, [] {});
  // The counter keeps its old value over a statement that only reads.
  return sqlite3_stmt_readonly(statement) ? 0 : sqlite3_changes64(db_.get());
}

void SqliteConnection::script(const std::string& text) {
  const int rc = sqlite3_exec(db_.get(), text.c_str(), nullptr, nullptr, nullptr);
  if (rc != SQLITE_OK) throw StoreFailure{error(rc)};
}

int SqliteConnection::control(Control which) {
  auto* statement = controls_[static_cast<std::size_t>(which)].get();
  const int rc = sqlite3_step(statement);
  sqlite3_reset(statement);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

bool SqliteConnection::foreign_keys_open() const {
  int open = 0, unused = 0;
  sqlite3_db_status(db_.get(), SQLITE_DBSTATUS_DEFERRED_FKS, &open, &unused, 0);
  return open != 0;
}

void SqliteConnection::keep_short() {
  if (wal_pages_ < checkpointed_at_) checkpointed_at_ = 0;  // the log was begun anew
  if (wal_pages_ - checkpointed_at_ < kCheckpointPages) return;
  checkpointed_at_ = wal_pages_;
  const bool wait = wal_pages_ >= kRestartPages;
  const auto usual =
      std::exchange(busy_timeout_, wait ? std::min(kRestartWait, busy_timeout_) : busy_timeout_);
  int rc = sqlite3_wal_checkpoint_v2(
      db_.get(), "main", wait ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  busy_timeout_ = usual;
  if (rc == SQLITE_OK) {
    try {
      const auto free = query("PRAGMA freelist_count", {}, {}).at(0).integer(0);
      const auto all = query("PRAGMA page_count", {}, {}).at(0).integer(0);
      if (free >= kFreePagesMin && free * 4 > all) script("PRAGMA incremental_vacuum(512)");
    } catch (const StoreFailure& failure) {
      log::warn("store", "free pages could not be handed back", {{"error", failure.error.message}});
    }
  } else if ((rc & 0xff) != SQLITE_BUSY) {
    // What is committed stays in the log, whole; the next attempt copies it.
    log::warn("store", "the log could not be copied into the database file", {{"error", error(rc).message}});
  }
}

int SqliteConnection::on_busy(void* self, int tries) {
  auto& connection = *static_cast<SqliteConnection*>(self);
  const auto now = Steady::now();
  if (tries == 0) connection.busy_deadline_ = now + connection.busy_timeout_;
  if (now >= connection.busy_deadline_) return 0;
  // 0.1 to 3.2 ms, spread by the clock's low digits, so that two processes do not meet for ever.
  const auto spread = std::chrono::microseconds{now.time_since_epoch().count() / 100 % 100};
  std::this_thread::sleep_for(std::chrono::microseconds{100 << std::min(tries, 5)} + spread);
  return 1;
}

int SqliteConnection::on_progress(void* self) {
  const auto* stop = static_cast<SqliteConnection*>(self)->stop_;
  return stop && stop->load(std::memory_order_relaxed) ? 1 : 0;
}

int SqliteConnection::on_commit_to_wal(void* self, sqlite3*, const char*, int pages) {
  static_cast<SqliteConnection*>(self)->wal_pages_ = pages;
  return SQLITE_OK;
}

}  // namespace vmc::store
