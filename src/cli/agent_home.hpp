// Where an agent keeps its state, and the verbs of 'vmc agent' that have a file of their own.
#pragma once

#include <filesystem>

#include "cli/session.hpp"

namespace vmc::cli {

inline std::filesystem::path agent_home(const Session& session) {
  return session.state.empty() ? session.state_folder() / "agent" : session.state_folder();
}

void add_agent_status(CLI::App& noun, Session& session);

}  // namespace vmc::cli
