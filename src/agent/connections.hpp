// The agent's connections: a pool each, and what of each database is approved.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "agent/agent.hpp"
#include "agent/journal.hpp"
#include "agent/keys.hpp"
#include "sources/pool.hpp"

namespace vmc::agent {

std::unique_ptr<sources::Source> make_source(const ConnectionSettings& connection,
                                             std::function<Result<crypto::Secret>()> password);

struct Connection {
  ConnectionSettings settings;
  std::unique_ptr<sources::SourcePool> pool;
};

class Connections {
 public:
  Connections(asio::io_context& loop, const std::vector<ConnectionSettings>& settings, Keys& keys,
              Journal& journal);

  Result<Connection*> find(const std::string& id);  // CONNECTION_NOT_FOUND
  // A table as approved and not private now. SCHEMA_ACCESS_DENIED: what was not approved does not exist.
  awaitable<Result<data::TableInfo>> table(std::string connection, std::string name);
  // The same, and the owner must have listed it for writing: WRITE_NOT_PERMITTED.
  awaitable<Result<data::TableInfo>> writable_table(std::string connection, std::string name);
  // Everything that is approved, to be sent to the cloud.
  awaitable<Result<std::vector<std::pair<std::string, data::Schema>>>> approved();
  awaitable<void> close();

 private:
  std::map<std::string, Connection> connections_;
  Journal& journal_;
};

}  // namespace vmc::agent
