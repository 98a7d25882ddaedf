#include "app/config.hpp"

#include <unistd.h>

#include <cstdlib>

namespace vmc::app {
namespace {

PlatformSettings read_platform(config::Table table) {
  PlatformSettings settings;
  settings.state = table.str("state", settings.state);
  settings.objects = table.str("objects", settings.objects);
  settings.bus = table.choice("bus", settings.bus, {"memory", "local"});
  if (settings.state.rfind("sqlite:", 0) != 0)
    table.complain("state", "must be \"sqlite:FOLDER\": this version keeps its state in embedded SQLite");
  if (settings.objects.rfind("folder:", 0) != 0)
    table.complain("objects", "must be \"folder:FOLDER\": this version keeps objects in a local folder");
  return settings;
}

LogSettings read_log(config::Table table) {
  LogSettings settings;
  const auto level = table.choice("level", "info", {"debug", "info", "warn", "error", "off"});
  log::level_named(level, settings.level);
  if (table.choice("format", "text", {"text", "json"}) == "json") settings.format = log::Format::json;
  return settings;
}

}  // namespace

Result<Config> load_config(const std::optional<std::filesystem::path>& file) {
  Config config;
  if (!file) return config;
  VMC_TRY(document, config::Document::load(*file));
  auto root = document.root();
  if (root.has("gateway")) {
    config.gateway = gateway::read_settings(root.table("gateway"));
    config.gateway_platform = read_platform(root.table("gateway"));
  }
  if (root.has("worker") || root.has("tiers")) config.worker = worker::read_settings(root);
  if (root.has("worker")) config.worker_platform = read_platform(root.table("worker"));
  if (root.has("agent") || root.has("connections")) config.agent = agent::read_settings(root);
  config.agent.reread = [path = *file]() -> Result<std::vector<agent::ConnectionSettings>> {
    VMC_TRY(again, load_config(path));
    return std::move(again.agent.connections);
  };
  config.log = read_log(root.table("log"));
  if (auto complaints = document.finish(); !complaints.empty()) return config::as_error(complaints);
  return config;
}

namespace {

std::filesystem::path folder_of(const char* root_folder, const char* variable, const char* below_home) {
  if (geteuid() == 0) return root_folder;
  if (const char* folder = std::getenv(variable); folder && *folder)
    return std::filesystem::path{folder} / "vmc";
  const char* home = std::getenv("HOME");
  return std::filesystem::path{home ? home : "."} / below_home / "vmc";
}

}  // namespace

std::filesystem::path default_state_folder() {
  return folder_of("/var/lib/vmc", "XDG_STATE_HOME", ".local/state");
}
std::filesystem::path default_config_folder() { return folder_of("/etc/vmc", "XDG_CONFIG_HOME", ".config"); }

}  // namespace vmc::app
