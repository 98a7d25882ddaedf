#include "sources/sqlite/database.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <span>
#include <thread>

#include "core/log.hpp"
#include "core/text.hpp"
#include "sources/load_plan.hpp"
#include "sql/guard/sqlite/functions.hpp"

namespace vmc::sources::sqlite {
namespace {

constexpr std::string_view kCataloguePragmas[]{"foreign_key_list", "index_list", "index_xinfo",
                                               "table_info",       "table_list", "table_xinfo"};

bool listed(std::span<const std::string_view> names, const char* name) {
  return name && std::find(names.begin(), names.end(), std::string_view{name}) != names.end();
}

bool is(const char* text, std::string_view expected) { return text && expected == text; }

int authorize_read(int action, const char* a, const char* b, bool discovering) {
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE:
      return SQLITE_OK;
    case SQLITE_READ: {
      const std::string_view table = a ? a : "";
      const bool catalogue = table.starts_with("sqlite_") || table.starts_with("pragma_");
      return !catalogue || discovering ? SQLITE_OK : SQLITE_DENY;
    }
    case SQLITE_FUNCTION:
      return b && sql::sqlite::is_harmless_function(lowered(b)) ? SQLITE_OK : SQLITE_DENY;
    case SQLITE_TRANSACTION:
      return is(a, "BEGIN") || is(a, "ROLLBACK") ? SQLITE_OK : SQLITE_DENY;
    case SQLITE_PRAGMA:
      return discovering && listed(kCataloguePragmas, a) ? SQLITE_OK : SQLITE_DENY;
    // Declaring a pragma's table asks for this and writes nothing; prepare() still wants a reading statement.
    case SQLITE_UPDATE:
      return discovering && is(a, "sqlite_master") ? SQLITE_OK : SQLITE_DENY;
    default:
      return SQLITE_DENY;
  }
}

// A load writes rows and its own tables; triggers of the owner may do what they do.
int authorize_load(int action, const char* a, bool discovering) {
  switch (action) {
    case SQLITE_PRAGMA:
      return is(a, "defer_foreign_keys") || (discovering && listed(kCataloguePragmas, a)) ? SQLITE_OK : SQLITE_DENY;
    case SQLITE_DROP_TABLE:
      return a && std::string_view{a}.starts_with(kAsidePrefix) ? SQLITE_OK : SQLITE_DENY;
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
    case SQLITE_ALTER_TABLE:
    case SQLITE_DROP_INDEX:
    case SQLITE_DROP_TRIGGER:
    case SQLITE_DROP_VIEW:
    case SQLITE_DROP_VTABLE:
    case SQLITE_CREATE_TRIGGER:
    case SQLITE_CREATE_VIEW:
    case SQLITE_CREATE_VTABLE:
      return SQLITE_DENY;
    default:
      return SQLITE_OK;
  }
}

Result<void> check_file(const std::string& file) {
  struct stat about {};
  if (file.empty() || file.find('\0') != file.npos)
    return fail(Code::invalid_request, "the file name is not valid");
  if (stat(file.c_str(), &about) != 0) {
    if (errno == EACCES)
      return fail(Code::unavailable, "the directory of the database file '" + file + "' may not be entered",
                  "Give the account that runs vmc access to the directory.");
    return fail(Code::not_found, "there is no database file '" + file + "'",
                "Check the path of the connection.");
  }
  if (!S_ISREG(about.st_mode))
    return fail(Code::invalid_request, "'" + file + "' is not a file", "Name the database file itself.");
  if (access(file.c_str(), R_OK) != 0)
    return fail(Code::unavailable, "the database file '" + file + "' may not be read",
                "Give the account that runs vmc read permission on the file.");
  return {};
}

}  // namespace

Result<std::unique_ptr<Database>> Database::open(const std::string& file, Access access, Duration timeout) {
  VMC_CHECK(check_file(file));
  std::unique_ptr<Database> db{new Database{file, access}};
  const int mode = access == Access::read ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  if (const int rc = sqlite3_open_v2(file.c_str(), &db->db_,
                                     mode | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
      rc != SQLITE_OK)
    return db->error(rc);
  VMC_CHECK(db->start(timeout));
  VMC_CHECK(db->pin());
  return db;
}

Database::~Database() { sqlite3_close_v2(db_); }

Result<void> Database::pin() {
  sqlite3_busy_handler(db_, on_busy, this);
  sqlite3_progress_handler(db_, 1000, on_progress, this);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);
  sqlite3_limit(db_, SQLITE_LIMIT_LENGTH, kLengthMax);
  sqlite3_limit(db_, SQLITE_LIMIT_SQL_LENGTH, 4 << 20);
  sqlite3_limit(db_, SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_limit(db_, SQLITE_LIMIT_WORKER_THREADS, 0);
  register_collations(db_);
  // The first access reads the header, so that a file that is no database is told here.
  VMC_CHECK(run("PRAGMA schema_version"));
  VMC_CHECK(run("PRAGMA cache_size=-16000"));
  if (access_ == Access::read) {
    VMC_CHECK(run("PRAGMA query_only=1"));
  } else {
    VMC_CHECK(run("PRAGMA foreign_keys=1"));
  }
  sqlite3_set_authorizer(db_, on_authorize, this);
  return {};
}

int Database::on_authorize(void* self, int action, const char* a, const char* b, const char*, const char*) {
  auto& db = *static_cast<Database*>(self);
  const int verdict = db.access_ == Access::read ? authorize_read(action, a, b, db.discovering_)
                                                 : authorize_load(action, a, db.discovering_);
  if (verdict != SQLITE_OK) db.denied_ = true;
  if (db.watched_ && action == SQLITE_READ && a) {
    auto& columns = (*db.watched_)[a];
    if (b && *b) columns.insert(b);  // empty: the table, and none of its columns
  }
  return verdict;
}

bool Database::over() const {
  return interrupted_.load(std::memory_order_relaxed) || Steady::now() >= deadline_;
}

int Database::on_progress(void* self) { return static_cast<Database*>(self)->over() ? 1 : 0; }

int Database::on_busy(void* self, int tries) {
  if (static_cast<Database*>(self)->over()) return 0;
  std::this_thread::sleep_for(std::chrono::milliseconds{std::min(1 + tries, 20)});
  return 1;
}

Result<Stmt> Database::prepare(const std::string& text) {
  denied_ = false;
  sqlite3_stmt* raw = nullptr;
  const char* tail = nullptr;
  const int rc = sqlite3_prepare_v3(db_, text.data(), static_cast<int>(text.size() + 1), 0, &raw, &tail);
  Stmt statement{raw};
  if (rc != SQLITE_OK)
    return error(denied_ ? SQLITE_AUTH : rc);  // a denied function is a plain error to SQLite
  if (!raw || (tail && *tail != '\0'))
    return fail(Code::write_operation_rejected, "not exactly one statement");
  const bool pinned = sqlite3_stmt_readonly(raw) != 0 || access_ == Access::load;
  if (!pinned) return fail(Code::write_operation_rejected, "the statement would write");
  return statement;
}

Result<bool> Database::step(sqlite3_stmt* statement) {
  if (interrupted_.load(std::memory_order_relaxed)) return error(SQLITE_INTERRUPT);
  const int rc = sqlite3_step(statement);
  if (rc == SQLITE_ROW) return true;
  if (rc == SQLITE_DONE) return false;
  return error(rc);
}

Result<void> Database::run(const std::string& text) {
  VMC_TRY(statement, prepare(text));
  for (;;) {
    VMC_TRY(row, step(statement.get()));
    if (!row) return {};
  }
}

Result<void> Database::bind(sqlite3_stmt* statement, int index, const data::Value& value) {
  const auto text = [&](std::string_view form) {
    return sqlite3_bind_text64(statement, index, form.data(), form.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  };
  int rc = SQLITE_OK;
  if (data::is_null(value)) {
    rc = sqlite3_bind_null(statement, index);
  } else if (const auto* truth = std::get_if<bool>(&value)) {
    rc = sqlite3_bind_int64(statement, index, *truth ? 1 : 0);
  } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    rc = sqlite3_bind_int64(statement, index, *integer);
  } else if (const auto* real = std::get_if<double>(&value)) {
    rc = sqlite3_bind_double(statement, index, *real);
  } else if (const auto* bytes = std::get_if<Bytes>(&value)) {
    static constexpr char kNothing = 0;
    rc = sqlite3_bind_blob64(statement, index,
                             bytes->empty() ? static_cast<const void*>(&kNothing) : bytes->data(),
                             bytes->size(), SQLITE_TRANSIENT);
  } else {
    rc = text(data::format(value));
  }
  if (rc != SQLITE_OK) return error(rc);
  return {};
}

Result<void> Database::start(Duration limit) {
  deadline_ = Steady::now() + limit;
  if (interrupted_) return error(SQLITE_INTERRUPT);
  return {};
}

void Database::rollback() noexcept {
  if (!db_ || sqlite3_get_autocommit(db_)) return;
  // The way out must not be stopped by the deadline that led here.
  sqlite3_progress_handler(db_, 0, nullptr, nullptr);
  sqlite3_exec(db_, "ROLLBACK", nullptr, nullptr, nullptr);
  sqlite3_progress_handler(db_, 1000, on_progress, this);
}

bool Database::reset() noexcept {
  rollback();
  interrupted_ = false;
  deadline_ = Steady::time_point::max();
  discovering_ = false;
  return sqlite3_get_autocommit(db_) != 0;
}

void Database::interrupt() noexcept {
  interrupted_ = true;
  sqlite3_interrupt(db_);
}

Error Database::error(int rc) const {
  const std::string where = "database file '" + file_ + "': ";
  log::debug("sqlite", "a call failed", {{"code", sqlite3_errstr(rc)}, {"extended", rc}});
  switch (rc) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
      return fail(Code::conflict, where + "a row with the same key exists already", "Load with mode upsert.");
    case SQLITE_CONSTRAINT_NOTNULL:
      return fail(Code::database_error, where + "a column that takes no null got one");
    case SQLITE_CONSTRAINT_CHECK:
      return fail(Code::database_error, where + "a row fails a CHECK of its table");
    case SQLITE_CONSTRAINT_FOREIGNKEY:
      return fail(Code::database_error, where + "a row refers to one that does not exist");
    case SQLITE_READONLY_DBMOVED:
      return fail(Code::unavailable, where + "it was moved or replaced while open");
    default:
      break;
  }
  switch (rc & 0xff) {
    case SQLITE_INTERRUPT:
      return interrupted_ ? fail(Code::cancelled, where + "the call was cancelled")
                          : fail(Code::query_timeout, where + "the call ran longer than its time limit");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      if (interrupted_) return fail(Code::cancelled, where + "the call was cancelled");
      return fail(Code::unavailable, where + "another program holds it locked",
                  "Try again when that program is done.");
    case SQLITE_NOTADB:
      return fail(Code::database_error, where + "it is not an SQLite database, or it is encrypted",
                  "Check the path of the connection.");
    case SQLITE_CORRUPT:
      return fail(Code::database_error, where + "it is damaged", "Run 'PRAGMA integrity_check'.");
    case SQLITE_CANTOPEN:
      return fail(Code::unavailable, where + "it cannot be opened",
                  "A database in WAL mode needs its -wal and -shm files readable beside it.");
    case SQLITE_READONLY:
      return access_ == Access::load
                 ? fail(Code::write_not_permitted, where + "it may not be written by this account",
                        "Give the account that runs vmc write permission on the file and its directory.")
                 : fail(Code::unavailable, where + "it needs a recovery that a reader cannot do",
                        "Open it once with the program that owns it.");
    case SQLITE_AUTH:
      return fail(Code::write_operation_rejected, where + "the statement does more than reading tables");
    case SQLITE_TOOBIG:
      return fail(Code::database_error, where + "a value is larger than 16 MiB");
    case SQLITE_FULL:
      return fail(Code::unavailable, where + "the disk is full");
    case SQLITE_NOMEM:
      return fail(Code::unavailable, where + "memory ran out");
    case SQLITE_IOERR:
      return fail(Code::unavailable, where + "reading or writing the file failed", "Check the disk.");
    case SQLITE_CONSTRAINT:
      return fail(Code::database_error, where + "a constraint of the table refuses a row");
    case SQLITE_SCHEMA:
    case SQLITE_ERROR:
      return fail(Code::database_error, where + "it refused the statement",
                  "Check that table and columns are still as discovered; discover again if not.");
    default:
      return fail(Code::database_error, where + "error " + std::to_string(rc));
  }
}

Result<Transaction> Transaction::begin(Database& db, const char* how) {
  VMC_CHECK(db.run(how));
  return Transaction{db};
}

Result<void> Transaction::commit() {
  VMC_CHECK(db_->run("COMMIT"));
  db_ = nullptr;
  return {};
}

}  // namespace vmc::sources::sqlite
