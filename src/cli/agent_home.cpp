#include "cli/agent_home.hpp"

#include <fmt/format.h>

#include "core/text.hpp"

namespace vmc::cli {

namespace fs = std::filesystem;

fs::path agent_config(const Session& session) {
  return session.config.empty() ? app::default_config_folder() / "agent.toml" : fs::path{session.config};
}

Result<app::Config> load_agent(const Session& session) {
  const auto file = agent_config(session);
  if (!fs::exists(file))
    return fail(Code::not_found, fmt::format("there is no agent configuration at {}", file.string()),
                "Set the agent up with 'vmc agent configure', or name its file with --config.");
  return app::load_config(file);
}

Result<agent::Home> home_of(const Session& session) {
  const auto folder = agent_home(session);
  std::error_code ec;
  fs::create_directories(folder, ec);
  if (ec) return fail(Code::unavailable, fmt::format("cannot create folder {}: {}", folder.string(), ec.message()));
  fs::permissions(folder, fs::perms::owner_all, ec);
  return agent::Home{folder};
}

const agent::ConnectionSettings* find_connection(const app::Config& config, const std::string& id) {
  for (const auto& connection : config.agent.connections)
    if (connection.id == id) return &connection;
  return nullptr;
}

Result<agent::ConnectionSettings> connection_of(const Session& session, const std::string& id) {
  VMC_TRY(config, load_agent(session));
  if (const auto* found = find_connection(config, id)) return *found;
  std::vector<std::string> names;
  for (const auto& connection : config.agent.connections) names.push_back(connection.id);
  const auto near = nearest(id, names);
  return fail(Code::connection_not_found, fmt::format("there is no connection '{}'", id),
              near ? fmt::format("Did you mean '{}'?", *near) : "List them with 'vmc agent db list'.");
}

}  // namespace vmc::cli
