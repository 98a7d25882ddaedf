// The worker role: leases jobs of its tier, advances executions one step after the other, parks them.
// Everything runs on one loop; state, objects and bus outlive it.
#pragma once

#include <memory>
#include <string>

#include "core/clock.hpp"
#include "core/config.hpp"
#include "core/offload.hpp"
#include "crypto/secret.hpp"
#include "store/bus.hpp"
#include "store/database.hpp"
#include "store/objects.hpp"

namespace vmc::worker {

struct Settings {
  std::string tier = "free";
  std::size_t executions_at_once = 5;
  Duration lease = std::chrono::seconds{15};  // renewed at a third of it
  Duration sweep = std::chrono::seconds{1};
  Duration command_ttl = std::chrono::hours{4};
  Duration command_timeout = std::chrono::minutes{10};  // of one part on the agent
  std::size_t script_memory = 64u << 20;
  Duration script_cpu = std::chrono::seconds{10};  // of one batch
  Duration script_wall = std::chrono::seconds{30};
};
Settings read_settings(config::Table root);  // [worker]

struct Platform {
  store::Database& db;
  store::Objects& objects;
  store::Bus& bus;
  Pool& cpu;
  const crypto::Secret& master_key;
  const Clock& clock;
};

class Worker {
 public:
  virtual ~Worker() = default;
  // Until cancelled: total lets running jobs reach their next durable point, terminal stops now.
  virtual awaitable<void> run() = 0;
};
std::unique_ptr<Worker> make_worker(asio::io_context& loop, Platform platform, const Settings& settings);

}  // namespace vmc::worker
