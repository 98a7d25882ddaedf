// Looks at the databases' schemas at start and every so often: what has changed since its approval is logged and shown
// in the status, and additions are approved where the connection's owner wants that. Runs on the agent's loop.
#pragma once

#include <functional>
#include <map>

#include "agent/connections.hpp"

namespace vmc::agent {

class SchemaWatch {
 public:
  // `approved`: called when something was.
  SchemaWatch(Duration every, Connections& connections, std::function<void()> approved)
      : every_{every}, connections_{connections}, approved_{std::move(approved)} {}
  awaitable<void> run();  // until cancelled

 private:
  awaitable<Result<void>> look(ConnectionSettings connection);

  Duration every_;
  Connections& connections_;
  std::function<void()> approved_;
  std::map<std::string, std::string> told_;  // by connection, not to be told again
};

}  // namespace vmc::agent
