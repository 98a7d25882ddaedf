#include "app/roles.hpp"

#include <fmt/format.h>

#include "app/platform.hpp"
#include "app/process.hpp"
#include "app/role_parts.hpp"
#include "crypto/secret.hpp"

namespace vmc::app {
namespace {

// Declared before the platform, and so destroyed after it: a loop outlives the database whose threads post to it.
using Roles = std::vector<std::unique_ptr<RoleThread>>;

}  // namespace

Result<int> run_agent(const RoleOptions& options) {
  crypto::harden_process();
  VMC_TRY(agent, make_agent_part(options.config.agent, options.state));
  Roles roles;
  roles.push_back(std::move(agent));
  return run_process(roles, kAgentGrace);
}

Result<int> run_gateway(const RoleOptions& options) {
  crypto::harden_process();
  Roles roles;
  VMC_TRY(platform, open_platform(options.state, options.config.gateway_platform));
  VMC_TRY(part, make_gateway_part(*platform, options.config.gateway));
  roles.push_back(std::move(part.thread));
  return run_process(roles, options.config.gateway.grace);
}

Result<int> run_worker(const RoleOptions& options) {
  crypto::harden_process();
  Roles roles;
  VMC_TRY(platform, open_platform(options.state, options.config.worker_platform));
  roles.push_back(make_worker_part(*platform, options.config.worker));
  return run_process(roles, kWorkerGrace);
}

Result<int> run_all_in_one(const RoleOptions& options) {
  crypto::harden_process();
  Roles roles;
  VMC_TRY(platform, open_platform(options.state, options.config.gateway_platform));
  VMC_TRY(gateway, make_gateway_part(*platform, options.config.gateway));
  // The agent stops first, the gateway last: what is on its way still arrives.
  if (!options.config.agent.cloud_url.empty()) {
    VMC_TRY(agent, make_agent_part(options.config.agent, options.state / "agent"));
    roles.push_back(std::move(agent));
  }
  roles.push_back(make_worker_part(*platform, options.config.worker));
  roles.push_back(std::move(gateway.thread));
  return run_process(roles, options.config.gateway.grace);
}

}  // namespace vmc::app
