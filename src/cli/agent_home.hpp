// Where an agent keeps its state and its configuration, and the verbs of 'vmc agent' that have a file of their own.
#pragma once

#include <filesystem>

#include "cli/session.hpp"

namespace vmc::cli {

inline std::filesystem::path agent_home(const Session& session) {
  return session.state.empty() ? session.state_folder() / "agent" : session.state_folder();
}
std::filesystem::path agent_config(const Session& session);
Result<app::Config> load_agent(const Session& session);
Result<agent::Home> home_of(const Session& session);  // makes the folder
const agent::ConnectionSettings* find_connection(const app::Config& config, const std::string& id);
Result<agent::ConnectionSettings> connection_of(const Session& session, const std::string& id);

void add_agent_approvals(CLI::App& noun, Session& session);
void add_agent_audit(CLI::App& noun, Session& session);
void add_agent_schema(CLI::App& noun, Session& session);
void add_agent_status(CLI::App& noun, Session& session);

}  // namespace vmc::cli
