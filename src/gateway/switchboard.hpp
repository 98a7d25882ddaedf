// What the parts of one gateway process tell each other without asking the state: a committed command goes straight to
// the session of its connector, its answer straight to who waits for it. Only a shortcut: the command stands in the
// state already and the answer is about to, where other processes (and those who were not reached) find them.
// On the gateway's loop only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "state/commands.hpp"

namespace vmc::gateway {

class Switchboard {
 public:
  // True when the session has sent (or will send) the command.
  using TakeCommand = std::function<bool(const state::QueuedCommand&, std::int64_t epoch)>;
  // Shared by who answers with it and who records it: it may be large.
  using Told = std::shared_ptr<const state::Outcome>;
  using TakeOutcome = std::function<void(Told)>;

  // Ends when destroyed.
  class Line {
   public:
    Line(std::function<void()> end) : end_{std::move(end)} {}
    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;
    ~Line() { end_(); }

   private:
    std::function<void()> end_;
  };

  // A newer session of a connector takes an older one's place.
  [[nodiscard]] Line connect_session(std::string tenant, std::string connector_id, TakeCommand take);
  [[nodiscard]] Line await_outcome(std::string tenant, std::string command_id, TakeOutcome take);

  // `epoch`: the connector's when the command was committed.
  bool committed(const std::string& tenant, const std::string& connector_id, std::int64_t epoch,
                 const state::QueuedCommand& command);
  bool finished(const std::string& tenant, const std::string& command_id, Told outcome);

 private:
  using Name = std::pair<std::string, std::string>;  // tenant, and whose it is
  struct Session {
    TakeCommand take;
    std::int64_t number = 0;
  };
  std::map<Name, Session> sessions_;
  std::map<Name, TakeOutcome> waiting_;
  std::int64_t next_ = 0;
};

}  // namespace vmc::gateway
