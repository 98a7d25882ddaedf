#include "worker/worker.hpp"

namespace vmc::worker {

Settings read_settings(config::Table root) {
  Settings settings;
  auto worker = root.table("worker");
  settings.tier = worker.str("tier", settings.tier);
  settings.lease = worker.duration("lease", settings.lease);
  settings.sweep = worker.duration("sweep", settings.sweep);
  settings.command_ttl = worker.duration("command_ttl", settings.command_ttl);
  settings.command_timeout = worker.duration("command_timeout", settings.command_timeout);
  settings.script_memory = worker.size("script_memory", settings.script_memory);
  settings.script_cpu = worker.duration("script_cpu", settings.script_cpu);
  settings.script_wall = worker.duration("script_wall", settings.script_wall);
  if (settings.lease < std::chrono::seconds{1}) worker.complain("lease", "must be at least \"1s\"");
  for (auto& [name, tier] : root.named_tables("tiers")) {
    const auto workers =
        tier.integer("workers", static_cast<std::int64_t>(settings.executions_at_once), 1, 1000);
    if (name == settings.tier) settings.executions_at_once = static_cast<std::size_t>(workers);
  }
  return settings;
}

}  // namespace vmc::worker
