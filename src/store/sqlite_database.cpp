// Database on one SQLite file: one writer thread that commits groups, and some readers beside it.
//
// While a commit waits for the disk, closures queue up; the next transaction takes them all. Each runs in a
// SAVEPOINT, so that an error undoes one closure and not its neighbours, and nobody hears of success before
// the one COMMIT that covers it is durable.
#include <sys/stat.h>

#include <fcntl.h>
#include <pthread.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>

#include "core/crash_point.hpp"
#include "core/log.hpp"
#include "store/database.hpp"
#include "store/fd.hpp"
#include "store/sqlite_connection.hpp"
#include "store/sqlite_migrate.hpp"
#include "store/work_queue.hpp"

namespace vmc::store {
namespace {

using Control = SqliteConnection::Control;

constexpr std::uintmax_t kCheckedBytesMax = 64u << 20;  // files up to this size are checked whole when opened

class SqliteTx final : public Tx {
 public:
  SqliteTx(SqliteConnection& connection, const std::string& tenant)
      : connection_{connection}, tenant_{tenant} {}

  Rows query(std::string_view sql, Params params) override {
    return guarded([&] { return connection_.query(sql, params, tenant_); });
  }
  std::int64_t exec(std::string_view sql, Params params) override {
    return guarded([&] { return connection_.exec(sql, params, tenant_); });
  }
  const std::string& tenant() const override { return tenant_; }
  const std::optional<Error>& failed() const { return failed_; }

 private:
  // After a failed statement nothing of this closure may take effect, even if it swallows the failure;
  // PostgreSQL behaves like this by itself.
  template <class F>
  std::invoke_result_t<F> guarded(F work) {
    if (failed_) throw StoreFailure{*failed_};
    try {
      return work();
    } catch (const StoreFailure& failure) {
      failed_ = failure.error;
      throw;
    }
  }

  SqliteConnection& connection_;
  const std::string& tenant_;
  std::optional<Error> failed_;
};

// Runs the closure; true when its effects may stand.
bool run_closure(SqliteConnection& connection, Request& request) {
  SqliteTx tx{connection, request.tenant};
  try {
    request.outcome = request.work(tx);
  } catch (const StoreFailure& failure) {
    request.outcome = failure.error;
  } catch (...) {
    request.bug = std::current_exception();
  }
  if (tx.failed()) request.outcome = *tx.failed();
  // Left to COMMIT, a deferred foreign key would fail the whole group.
  if (request.outcome && connection.foreign_keys_open())
    request.outcome = fail(Code::conflict, "database: FOREIGN KEY constraint failed");
  return request.outcome && !request.bug;
}

class Writer {
 public:
  Writer(std::unique_ptr<SqliteConnection> connection, std::size_t group_max)
      : connection_{std::move(connection)}, group_max_{std::max<std::size_t>(group_max, 1)}, thread_{[this] {
          run();
        }} {}
  ~Writer() {
    queue_.close();
    thread_.join();
  }
  WorkQueue& queue() { return queue_; }

 private:
  void run() {
    pthread_setname_np(pthread_self(), "vmc-store-write");
    std::vector<Request*> group;
    while (queue_.take(group, group_max_)) {
      const auto failure = commit(group);
      if (failure)
        for (auto* request : group) request->outcome = *failure;
      else
        crash_point("store.committed");
      report(group.size(), failure);
      for (auto* request : group) request->release();
      group.clear();
      connection_->keep_short();
    }
  }

  // One line when commits begin to fail and one when they succeed again, however many fail between.
  void report(std::size_t count, const std::optional<Error>& failure) {
    if (failure && undone_ == 0)
      log::error("store", "transactions are undone", {{"error", failure->message}});
    if (!failure && undone_ > 0) log::info("store", "transactions succeed again", {{"undone", undone_}});
    undone_ = failure ? undone_ + count : 0;
  }

  std::optional<Error> commit(const std::vector<Request*>& group) {
    if (const int rc = connection_->control(Control::begin_immediate); rc != SQLITE_OK) return undone(rc);
    if (group.size() == 1) {
      if (!run_closure(*connection_, *group.front())) return alone_failed(*group.front());
    } else {
      for (auto* request : group)
        if (auto failure = in_savepoint(*request)) return failure;
    }
    crash_point("store.commit");
    if (const int rc = connection_->control(Control::commit); rc != SQLITE_OK) return undone(rc);
    return std::nullopt;
  }

  // A closure without neighbours needs no savepoint: the transaction is undone. Its own error stands.
  std::optional<Error> alone_failed(const Request& request) {
    if (!connection_->in_transaction()) return undone_by_disk(request);
    if (const int rc = connection_->control(Control::rollback); rc != SQLITE_OK) return undone(rc);
    return std::nullopt;
  }

  // An error here is the group's; the closure's own stands in its request.
  std::optional<Error> in_savepoint(Request& request) {
    if (const int rc = connection_->control(Control::savepoint); rc != SQLITE_OK) return undone(rc);
    const bool keep = run_closure(*connection_, request);
    if (!connection_->in_transaction()) return undone_by_disk(request);
    if (!keep)
      if (const int rc = connection_->control(Control::rollback_to); rc != SQLITE_OK) return undone(rc);
    if (const int rc = connection_->control(Control::release); rc != SQLITE_OK) return undone(rc);
    return std::nullopt;
  }

  // A full or failing disk makes SQLite roll back everything at once.
  Error undone_by_disk(const Request& request) const {
    return unavailable(request.outcome ? connection_->error(SQLITE_ABORT_ROLLBACK) : request.outcome.error());
  }

  Error undone(int rc) {
    auto error = unavailable(connection_->error(rc));
    if (connection_->in_transaction() && connection_->control(Control::rollback) != SQLITE_OK)
      log::error("store", "rollback failed", {{"error", error.message}});
    return error;
  }

  static Error unavailable(Error error) {
    error.code = Code::unavailable;
    return error;
  }

  std::unique_ptr<SqliteConnection> connection_;
  std::size_t group_max_;
  std::size_t undone_ = 0;
  WorkQueue queue_;
  std::thread thread_;
};

class Readers {
 public:
  explicit Readers(std::vector<std::unique_ptr<SqliteConnection>> connections)
      : connections_{std::move(connections)} {
    for (auto& connection : connections_) threads_.emplace_back([this, &connection] { run(*connection); });
  }
  ~Readers() {
    queue_.close();
    for (auto& thread : threads_) thread.join();
  }
  WorkQueue& queue() { return queue_; }

 private:
  void run(SqliteConnection& connection) {
    pthread_setname_np(pthread_self(), "vmc-store-read");
    std::vector<Request*> taken;
    while (queue_.take(taken, 1)) {
      Request& request = *taken.front();
      connection.stop_when(&request.cancelled);
      if (request.cancelled) {
        request.outcome = fail(Code::cancelled, "the caller was stopped");
      } else if (const int rc = connection.control(Control::begin); rc != SQLITE_OK) {
        request.outcome = connection.error(rc);
      } else {
        run_closure(connection, request);
        connection.stop_when(nullptr);
        if (connection.in_transaction() && connection.control(Control::rollback) != SQLITE_OK)
          log::error("store", "a read transaction could not be ended");
      }
      connection.stop_when(nullptr);
      taken.clear();
      request.release();
    }
  }

  std::vector<std::unique_ptr<SqliteConnection>> connections_;
  WorkQueue queue_;
  std::vector<std::thread> threads_;
};

class SqliteDatabase final : public Database {
 public:
  SqliteDatabase(std::unique_ptr<SqliteConnection> writer,
                 std::vector<std::unique_ptr<SqliteConnection>> readers, std::size_t group_max)
      : writer_{std::move(writer), group_max}, readers_{std::move(readers)} {}

 protected:
  awaitable<Result<void>> write(std::string tenant, Work work) override {
    return submit(writer_.queue(), std::move(tenant), std::move(work));
  }
  awaitable<Result<void>> snapshot(std::string tenant, Work work) override {
    return submit(readers_.queue(), std::move(tenant), std::move(work));
  }

 private:
  Writer writer_;
  Readers readers_;
};

// Never opens the file: closing a descriptor would drop the locks of any connection this process has on it.
Result<void> create_file(const std::filesystem::path& file) {
  const auto refuse = [&](int cause) {
    return fail(Code::unavailable, fmt::format("cannot create {}: {}", file.string(), std::strerror(cause)));
  };
  std::error_code ec;
  const auto folder = file.parent_path();
  if (!std::filesystem::exists(folder, ec)) {
    std::filesystem::create_directories(folder, ec);
    if (ec) return refuse(ec.value());
    if (::chmod(folder.c_str(), 0700) != 0) return refuse(errno);
  }
  if (::mknod(file.c_str(), S_IFREG | 0600, 0) != 0) {
    if (errno == EEXIST) return {};
    return refuse(errno);
  }
  const Fd opened{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!opened || ::fsync(opened.get()) != 0) return refuse(errno);
  return {};
}

Result<void> check_whole(SqliteConnection& connection, const std::filesystem::path& file) {
  std::error_code ec;
  const auto size = std::filesystem::file_size(file, ec);
  if (ec || size > kCheckedBytesMax) return {};
  try {
    const auto verdict = connection.query("PRAGMA quick_check(1)", {}, {});
    if (verdict.at(0).text(0) == "ok") return {};
  } catch (const StoreFailure& failure) {
    return failure.error;
  }
  return connection.error(SQLITE_CORRUPT);
}

Error at_file(const Error& error, const std::filesystem::path& file) {
  return {error.code, fmt::format("{}: {}", file.string(), error.message), error.hint};
}

}  // namespace

Result<std::unique_ptr<Database>> open_sqlite(const SqliteSettings& settings,
                                              std::span<const Migration> migrations) {
  // Absolute, so that no name can be taken for a URI or a database in memory.
  const auto file = std::filesystem::absolute(settings.file).lexically_normal();
  VMC_CHECK(create_file(file));
  SqliteConnection::Options options{.file = file.string(),
                                    .busy_timeout = settings.busy_timeout,
                                    .reader = false,
                                    .synchronous_full = settings.synchronous_full};
  auto writer = SqliteConnection::open(options);
  if (!writer) return at_file(writer.error(), file);
  if (auto whole = check_whole(**writer, file); !whole) return at_file(whole.error(), file);
  if (auto migrated = migrate(**writer, migrations); !migrated) return at_file(migrated.error(), file);

  options.reader = true;
  std::vector<std::unique_ptr<SqliteConnection>> readers;
  for (std::size_t i = 0; i < std::max<std::size_t>(settings.readers, 1); ++i) {
    auto reader = SqliteConnection::open(options);
    if (!reader) return at_file(reader.error(), file);
    readers.push_back(std::move(*reader));
  }
  return std::make_unique<SqliteDatabase>(std::move(*writer), std::move(readers), settings.group_max);
}

}  // namespace vmc::store
