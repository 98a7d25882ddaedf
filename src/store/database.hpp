// Our own state: one interface, the same SQL text on SQLite and PostgreSQL.
//
// A transaction is a closure that runs, blocking, on the store pool:
//   auto work = [&](store::Tx& tx) -> Result<int> { … };
//   auto outcome = co_await db.transact(tenant, work);
// It may be run again, so it has no effect outside Tx; its result is released only after COMMIT. An error it
// returns (or a statement that fails) undoes just this closure: each runs in a SAVEPOINT of a group that is
// committed together. Parameters are bound by name (":id"); ":tenant" is bound to the transaction's tenant.
// A Database is destroyed before the loops that used it: its threads may still be leaving the post that
// resumed the last caller. Times are int64 µs from the clock passed in. No booleans, no JSON operators, no dialect words: the few
// fragments that differ stand in store/dialect.hpp.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/async.hpp"
#include "core/bytes.hpp"
#include "core/offload.hpp"
#include "core/result.hpp"

namespace vmc::store {

using Cell = std::variant<std::monostate, std::int64_t, std::string, Bytes>;

struct Param {
  std::string_view name;  // without the colon
  Cell value;
  Param(std::string_view n, std::int64_t v) : name{n}, value{v} {}
  Param(std::string_view n, int v) : name{n}, value{std::int64_t{v}} {}
  Param(std::string_view n, std::size_t v) : name{n}, value{static_cast<std::int64_t>(v)} {}
  Param(std::string_view n, std::string v) : name{n}, value{std::move(v)} {}
  Param(std::string_view n, std::string_view v) : name{n}, value{std::string{v}} {}
  Param(std::string_view n, const char* v) : name{n}, value{std::string{v}} {}
  Param(std::string_view n, Bytes v) : name{n}, value{std::move(v)} {}
  Param(std::string_view n, std::nullptr_t) : name{n} {}
  Param(std::string_view n, const std::optional<std::string>& v) : name{n} { if (v) value = *v; }
  Param(std::string_view n, const std::optional<std::int64_t>& v) : name{n} { if (v) value = *v; }
};
using Params = std::initializer_list<Param>;

// One row of a result. Asking for the wrong type is a bug and throws.
class Row {
 public:
  explicit Row(std::vector<Cell> cells) : cells_{std::move(cells)} {}
  bool null(std::size_t i) const { return cells_.at(i).index() == 0; }
  std::int64_t integer(std::size_t i) const { return std::get<std::int64_t>(cells_.at(i)); }
  const std::string& text(std::size_t i) const { return std::get<std::string>(cells_.at(i)); }
  const Bytes& bytes(std::size_t i) const { return std::get<Bytes>(cells_.at(i)); }
  std::optional<std::string> text_or_null(std::size_t i) const {
    return null(i) ? std::nullopt : std::optional{text(i)};
  }
  std::optional<std::int64_t> integer_or_null(std::size_t i) const {
    return null(i) ? std::nullopt : std::optional{integer(i)};
  }

 private:
  std::vector<Cell> cells_;
};
using Rows = std::vector<Row>;

// A statement that failed inside a closure. Thrown by Tx, caught by transact(); code CONFLICT for a violated
// uniqueness or foreign key, UNAVAILABLE for I/O and lock time-outs, INTERNAL for a wrong statement.
struct StoreFailure : std::runtime_error {
  explicit StoreFailure(Error e) : std::runtime_error{e.message}, error{std::move(e)} {}
  Error error;
};

class Tx {
 public:
  virtual ~Tx() = default;
  // Rows of a SELECT or of RETURNING; throws StoreFailure.
  virtual Rows query(std::string_view sql, Params params = {}) = 0;
  // Number of rows changed; throws StoreFailure.
  virtual std::int64_t exec(std::string_view sql, Params params = {}) = 0;
  virtual const std::string& tenant() const = 0;

  std::optional<Row> one(std::string_view sql, Params params = {}) {
    auto rows = query(sql, params);
    if (rows.empty()) return std::nullopt;
    return std::move(rows.front());
  }
};

// The tenant of rows that belong to the platform itself.
inline constexpr std::string_view kPlatform = "platform";

class Database {
 public:
  virtual ~Database() = default;

  // `work` is Result<T>(Tx&).
  template <class F, class R = std::invoke_result_t<F, Tx&>>
  awaitable<R> transact(std::string tenant, F work) {
    std::optional<R> result;
    auto erased = [&](Tx& tx) -> Result<void> {
      result.emplace(work(tx));
      if (!*result) return result->error();
      return {};
    };
    std::function<Result<void>(Tx&)> closure = erased;
    auto done = co_await write(std::move(tenant), std::move(closure));
    if (!done) co_return done.error();
    co_return std::move(*result);
  }
  // The same on a read-only snapshot, beside the writer. `work` must not write.
  template <class F, class R = std::invoke_result_t<F, Tx&>>
  awaitable<R> read(std::string tenant, F work) {
    std::optional<R> result;
    auto erased = [&](Tx& tx) -> Result<void> {
      result.emplace(work(tx));
      if (!*result) return result->error();
      return {};
    };
    std::function<Result<void>(Tx&)> closure = erased;
    auto done = co_await snapshot(std::move(tenant), std::move(closure));
    if (!done) co_return done.error();
    co_return std::move(*result);
  }

 protected:
  friend class FaultStore;
  virtual awaitable<Result<void>> write(std::string tenant, std::function<Result<void>(Tx&)> work) = 0;
  virtual awaitable<Result<void>> snapshot(std::string tenant, std::function<Result<void>(Tx&)> work) = 0;
};

// A numbered step of the schema. Steps are applied in order, each in its own transaction, and recorded; a
// database with a step this binary does not know is refused (CONFLICT).
struct Migration {
  int number = 0;
  std::string_view name;
  std::string_view sql;  // several statements, separated by ';' at line ends
};

struct SqliteSettings {
  std::string file;
  std::size_t readers = 2;
  Duration busy_timeout = std::chrono::seconds{10};
  std::size_t group_max = 256;       // closures committed together at most
  bool synchronous_full = true;      // fsync at every commit; only throw-away caches may say false
};

// Opens (creating the file 0600 and its folder 0700) and migrates; blocking, so before the loop runs or by
// offload. INTERNAL for a damaged file, CONFLICT for one of another program or a newer version. WAL, one writer
// thread, `readers` reader connections. Several processes may open the same file.
Result<std::unique_ptr<Database>> open_sqlite(const SqliteSettings& settings, std::span<const Migration> migrations);

}  // namespace vmc::store
