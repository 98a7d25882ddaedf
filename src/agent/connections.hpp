// The agent's connections: a pool each, and what of each database is approved.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "agent/agent.hpp"
#include "agent/grants.hpp"
#include "agent/journal.hpp"
#include "agent/keys.hpp"
#include "sources/pool.hpp"
#include "sql/guard/guard.hpp"

namespace vmc::agent {

std::unique_ptr<sources::Source> make_source(const ConnectionSettings& connection,
                                             std::function<Result<crypto::Secret>()> password);

// WRITE_OPERATION_REJECTED where there is none that a guard reads.
Result<sql::Dialect> dialect_of(const ConnectionSettings& connection);

// A guard, and the schema it was made for.
struct JudgedBy {
  std::shared_ptr<const data::Schema> schema;
  std::unique_ptr<sql::Guard> guard;
  std::string connection = {};
  sql::Dialect dialect = sql::Dialect::postgres;
  bool by_consent = false;  // what it accepts waits for the owner's yes
};

// A table a command may reach, and what must still be as approved when it does.
struct ReachedTable {
  data::TableInfo info;                          // without what is private
  std::shared_ptr<const data::Schema> approved;  // holds what `reached` points to
  std::vector<const data::TableInfo*> reached;   // the table itself; of a view, what it stands on too
};

struct Connection {
  ConnectionSettings settings;
  std::unique_ptr<sources::SourcePool> pool;
  std::optional<data::Schema> shown;  // as approved and not private, when it was last read
  // With what is private: names resolve as the database resolves them.
  std::shared_ptr<const data::Schema> approved;
  Steady::time_point shown_at{};
  std::int64_t shown_approvals = -1;  // changes known of at that time
  // Made for `approved` at its first statement; shared with statements being judged on another thread.
  std::shared_ptr<const JudgedBy> judge;
  std::optional<std::size_t> changes = std::nullopt;  // of the schema since its approval, as last looked at
};

class Connections {
 public:
  Connections(asio::io_context& loop, const Settings& settings, Keys& keys, Journal& journal);

  Result<Connection*> find(const std::string& id);  // CONNECTION_NOT_FOUND
  // Before a command: WEAK_GRANTS when its owner has the connection's user refused.
  awaitable<Result<void>> admit(std::string id);
  // A table as approved and not private now. SCHEMA_ACCESS_DENIED: what was not approved does not exist.
  awaitable<Result<ReachedTable>> table(std::string connection, std::string name);
  // The same, and the owner must have listed it for writing: WRITE_NOT_PERMITTED.
  awaitable<Result<ReachedTable>> writable_table(std::string connection, std::string name);
  // What judges statements for the connection now. WRITE_OPERATION_REJECTED when its owner takes intents only.
  awaitable<Result<std::shared_ptr<const JudgedBy>>> judge(std::string connection);
  // APPROVAL_DENIED unless the owner has approved statements of this shape; a new one is kept for the owner to see.
  awaitable<Result<void>> ask_consent(std::string connection, sql::Shape shape);
  // The owner has changed what may be asked, is private, or may be written; the rest takes a restart.
  void take_over(const std::vector<ConnectionSettings>& settings);
  // What discovery finds now, and what is approved.
  struct Found {
    data::Schema approved, found;
  };
  awaitable<Result<std::optional<Found>>> discover(std::string connection);  // nothing where nothing is approved
  awaitable<Result<void>> approve(std::string connection, data::Schema schema);
  // What the last look said of a schema: shown in the status.
  void note_changes(const std::string& connection, std::size_t changes);
  std::vector<ConnectionSettings> settings() const;
  // What is approved has changed: it is read anew. Without this it is, too, after a second.
  void forget_approved() { ++approvals_; }
  // Everything that is approved, to be sent to the cloud.
  awaitable<Result<std::vector<std::pair<std::string, data::Schema>>>> approved();
  Json status() const;  // of each: settings without secrets, the pool's figures, the user's rights
  awaitable<void> close();

 private:
  awaitable<Result<void>> look_up(Connection& connection);

  std::map<std::string, Connection> connections_;
  Grants grants_;
  std::int64_t approvals_ = 0;  // changes we were told of
  Journal& journal_;
};

}  // namespace vmc::agent
