#include "gateway/switchboard.hpp"

namespace vmc::gateway {

Switchboard::Line Switchboard::connect_session(std::string tenant, std::string connector_id, TakeCommand take) {
  const Name name{std::move(tenant), std::move(connector_id)};
  const auto number = ++next_;
  sessions_[name] = {std::move(take), number};
  return Line{[this, name, number] {
    const auto found = sessions_.find(name);
    if (found != sessions_.end() && found->second.number == number) sessions_.erase(found);
  }};
}

Switchboard::Line Switchboard::await_outcome(std::string tenant, std::string command_id, TakeOutcome take) {
  const Name name{std::move(tenant), std::move(command_id)};
  waiting_[name] = std::move(take);
  return Line{[this, name] { waiting_.erase(name); }};
}

bool Switchboard::committed(const std::string& tenant, const std::string& connector_id, std::int64_t epoch,
                            const state::QueuedCommand& command) {
  const auto found = sessions_.find({tenant, connector_id});
  return found != sessions_.end() && found->second.take(command, epoch);
}

bool Switchboard::finished(const std::string& tenant, const std::string& command_id, Told outcome) {
  const auto found = waiting_.find({tenant, command_id});
  if (found == waiting_.end()) return false;
  found->second(std::move(outcome));
  return true;
}

}  // namespace vmc::gateway
