// Each role built on a thread of its own, ready to be run by run_process().
//
// The thread owns its role: a role lives on the thread's loop and dies before it.
#pragma once

#include <filesystem>
#include <memory>

#include "app/config.hpp"
#include "app/platform.hpp"
#include "app/role_thread.hpp"

namespace vmc::app {

inline constexpr auto kAgentGrace = std::chrono::seconds{10};
inline constexpr auto kWorkerGrace = std::chrono::seconds{10};

struct GatewayPart {
  std::unique_ptr<RoleThread> thread;
  std::uint16_t port = 0;
};

// `home`: the agent's own folder, created 0700.
Result<std::unique_ptr<RoleThread>> make_agent_part(const agent::Settings& settings,
                                                    const std::filesystem::path& home);
// Makes the certificate at first start unless the settings name one. Writes gateway.address into the state
// folder.
Result<GatewayPart> make_gateway_part(Platform& platform, gateway::Settings settings);
std::unique_ptr<RoleThread> make_worker_part(Platform& platform, const worker::Settings& settings);

}  // namespace vmc::app
