// The data buffer's two routes: agents put sealed chunks and get those a command needs. Stored unopened.
#pragma once

#include <vector>

#include "gateway/gateway.hpp"

namespace vmc::gateway {

// References in `platform` outlive the server that runs the routes.
std::vector<net::Route> buffer_routes(Platform platform);

}  // namespace vmc::gateway
