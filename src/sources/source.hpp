// A customer's database. Source knows how to open it, Session is one open, pinned connection.
//
// Everything here blocks and runs on a sources thread; a Session is used by one thread at a time, only
// interrupt() may come from another. A read session is read-only by the database's own means, ends every
// transaction with ROLLBACK and is reset before it is used again. Errors are translated once, at this edge,
// and carry no row values: database messages go to the agent's local log only.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/async.hpp"
#include "core/result.hpp"
#include "crypto/secret.hpp"
#include "data/batch.hpp"
#include "data/intent.hpp"
#include "data/schema.hpp"

namespace vmc::sources {

enum class Access { read, load };

using BatchSink = std::function<Result<void>(data::Batch)>;               // an error stops the read
using BatchSource = std::function<Result<std::optional<data::Batch>>()>;  // nullopt: no more

struct ReadLimits {
  Duration timeout = std::chrono::seconds{30};  // for the whole read, enforced on the server
  // What is reached, with what its views stand on: SCHEMA_ACCESS_DENIED unless each is still what was approved, a table
  // a table and a view of the same definition.
  std::vector<const data::TableInfo*> reached = {};
};

// One look at a table.
struct Reading {
  data::Intent intent;
  BatchSink sink;
};

struct Split {
  // Consecutive: the first from the start, the last up to the last key. No rows: one part without bounds.
  std::vector<data::KeyRange> parts;
};

// One statement the guard has accepted.
struct SqlQuery {
  std::string text;  // without a semicolon
  std::vector<data::Value> params;
  bool is_query = true;                       // false: SHOW and its like, which cannot stand in parentheses
  std::vector<const data::TableInfo*> whole;  // columns are reached by their places (a star): as approved
  data::Calls calls = {};                     // which the customer's functions must not take over, but for
  std::vector<std::string> functions = {};    // those that their owner lets be called
  bool catalogue = false;                     // reads of the server's own tables what the guard lets through
  std::optional<std::string> definition = {};  // the table whose definition it shows
  bool ignores_case = false;                   // it was judged for a database that does, as in data::Schema
};

struct LoadRequest {
  std::string table;
  enum class Mode { insert, upsert, replace } mode = Mode::upsert;  // replace: the rows are laid aside for swap()
  std::vector<std::string> key;  // upsert needs one, replace may have one
  data::RowTypePtr columns;   // of every batch that comes
  std::string applied_scope;  // execution and activity: with `part` the key of vmc_applied
  std::int64_t part = 0;
  std::int64_t attempt_epoch = 1;
  Duration timeout = std::chrono::minutes{10};
};

struct LoadOutcome {
  std::int64_t rows = 0;         // taken from the stream; of rows with one key the last has won
  bool already_applied = false;  // this part had been committed before; `rows` is what was then written
};

struct RightsReport {
  bool superuser = false;
  bool can_write = false;
  // Files or programs of the server, other servers, users, rights of others: what no load needs either.
  bool reaches_beyond = false;
  std::vector<std::string> findings;  // sentences for the owner
};

class Session {
 public:
  virtual ~Session() = default;
  virtual Result<data::Schema> discover() = 0;
  virtual Result<RightsReport> rights() = 0;
  // Streams the rows of one reading after another, in bounded memory, all out of one snapshot of the table. SQL Server
  // has one where the database allows SNAPSHOT, MariaDB of InnoDB's tables; an ODBC driver promises none.
  virtual Result<void> read(std::span<const Reading> readings, const data::TableInfo& table,
                            const ReadLimits& limits) = 0;
  Result<void> read(const data::Intent& intent, const data::TableInfo& table, const ReadLimits& limits,
                    const BatchSink& sink) {
    const Reading one{intent, sink};
    return read({&one, 1}, table, limits);
  }
  // Streams the statement's rows. The columns it turned out to have; SCHEMA_ACCESS_DENIED when a table of `whole` has
  // others than the approved ones now.
  virtual Result<data::RowTypePtr> query(const SqlQuery& query, const ReadLimits& limits, const BatchSink& sink) = 0;
  // Runs a statement that nobody has judged, as a self-test does, and rolls it back: does the session refuse it?
  virtual Result<void> probe(const std::string& statement) = 0;
  virtual Result<Split> split(const data::Intent& intent, const data::TableInfo& table,
                              const std::vector<std::string>& key, std::int64_t rows_per_part,
                              const ReadLimits& limits) = 0;
  // The rows of `columns` whose `key` equals one of the keys' rows (batches holding exactly the key columns,
  // in the order of `key`; each key once). A key with a null finds nothing.
  virtual Result<void> read_keys(const data::TableInfo& table, const std::vector<std::string>& columns,
                                 const std::vector<std::string>& key, const BatchSource& keys,
                                 const ReadLimits& limits, const BatchSink& sink) = 0;
  // One transaction: rows and the vmc_applied record together. Only on a session opened for loading.
  virtual Result<LoadOutcome> load(const LoadRequest& request, const data::TableInfo& table,
                                   const BatchSource& rows) = 0;
  // The last step of a run that replaces the table: in one transaction with its record, the table's rows give way to
  // those that the run's parts have laid aside, and the table is as it was in all else. `rows`: how many were laid
  // aside; CONFLICT, and nothing changed, when the table would have another number. A repeat changes nothing.
  virtual Result<LoadOutcome> swap(const LoadRequest& request, const data::TableInfo& table, std::int64_t rows) = 0;
  // Gives up what the run has laid aside; later parts and the swap of the same run are refused with CONFLICT.
  virtual Result<void> drop_aside(const LoadRequest& request) = 0;
  // Between calls: false when the other side is known to be gone. Asks nobody, and waits for nothing.
  virtual bool alive() = 0;
  // Rolls back and resets to the pinned state; false: throw the connection away.
  virtual bool reset() = 0;
  // From any thread: makes the running call return soon with QUERY_TIMEOUT or CANCELLED.
  virtual void interrupt() noexcept = 0;
};

class Source {
 public:
  virtual ~Source() = default;
  // With a diagnosis: which of name, port, TLS, password, database, privilege it was, and what to do.
  virtual Result<std::unique_ptr<Session>> open(Access access, Duration timeout) = 0;
  virtual std::string_view type() const = 0;  // "sqlite", "postgres", "mysql", "mssql", "odbc", "oracle", "hana"
};

struct SqliteSourceSettings {
  std::string file;
};
// Of a database that is reached over the network.
struct ServerSettings {
  std::string host;
  std::uint16_t port = 0;
  std::string database;
  std::string user;
  std::string sslmode = "prefer";  // PostgreSQL's words; to the others verify-ca is as strict as verify-full
  std::function<Result<crypto::Secret>()> password;  // asked each time a connection is opened, then wiped
};
// Of a database behind an ODBC driver.
struct OdbcSettings {
  std::string kind = "odbc";  // or "oracle", "hana": whose words a connection is described and discovered in
  std::string dsn, driver;    // one of them: a data source, or a driver's name or file
  std::string host;
  std::uint16_t port = 0;     // 0: the driver's own
  std::string database, user;
  std::string options;        // "key=value;…", as the driver calls them; without secrets
  std::function<Result<crypto::Secret>()> password;
};
std::unique_ptr<Source> make_sqlite_source(SqliteSourceSettings settings);
std::unique_ptr<Source> make_postgres_source(ServerSettings settings);
std::unique_ptr<Source> make_mysql_source(ServerSettings settings);  // MySQL 5.7 and MariaDB 10.3, or later
std::unique_ptr<Source> make_mssql_source(ServerSettings settings);
std::unique_ptr<Source> make_odbc_source(OdbcSettings settings);

}  // namespace vmc::sources
