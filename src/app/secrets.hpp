// Resolves references to secrets: file:PATH, env:NAME, cred:NAME (systemd credentials). "vault:" is the
// agent's own business, which has its vault open.
#pragma once

#include "agent/agent.hpp"

namespace vmc::app {

// What it returns blocks on files.
agent::SecretResolver make_secret_resolver();

}  // namespace vmc::app
