// The whole configuration of a process: every role's section, each read by the part it configures.
// A role's file holds only the sections it needs; all-in-one may hold all of them.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "agent/agent.hpp"
#include "core/config.hpp"
#include "core/log.hpp"
#include "gateway/gateway.hpp"
#include "worker/worker.hpp"

namespace vmc::app {

// Where a gateway or worker keeps what it shares with the others. Relative paths stand below --state.
struct PlatformSettings {
  std::string state = "sqlite:state";  // folder of the embedded database
  std::string objects = "folder:objects";
  std::string bus = "local";  // memory | local
};

struct LogSettings {
  log::Level level = log::Level::info;
  log::Format format = log::Format::text;
};

struct Config {
  agent::Settings agent;
  gateway::Settings gateway;
  worker::Settings worker;
  PlatformSettings gateway_platform;
  PlatformSettings worker_platform;
  LogSettings log;
};

// Defaults when no file is given. INVALID_REQUEST lists every complaint with file and line.
Result<Config> load_config(const std::optional<std::filesystem::path>& file);

// $XDG_STATE_HOME/vmc, ~/.local/state/vmc, or /var/lib/vmc for root.
std::filesystem::path default_state_folder();
// $XDG_CONFIG_HOME/vmc, ~/.config/vmc, or /etc/vmc for root.
std::filesystem::path default_config_folder();

}  // namespace vmc::app
