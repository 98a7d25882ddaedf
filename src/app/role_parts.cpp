#include "app/role_parts.hpp"

#include <fmt/format.h>

#include "app/secrets.hpp"
#include "core/log.hpp"
#include "core/text.hpp"

namespace vmc::app {
namespace {

// A std::function must be copyable, hence the shared_ptr; the thread holds the only one.
template <class Role>
void give(RoleThread& thread, std::unique_ptr<Role> made) {
  std::shared_ptr<Role> role{std::move(made)};
  thread.set_role([role] { return role->run(); });
}

// Names a certificate made at first start is good for: this machine's loopback and the listen address.
std::vector<std::string> certificate_names(const std::string& listen) {
  std::vector<std::string> names{"localhost", "127.0.0.1", "::1"};
  const auto host = listen.substr(0, listen.rfind(':'));
  if (!host.empty() && host != "0.0.0.0" && host != "[::]" && host != "127.0.0.1" && host != "localhost")
    names.push_back(host);
  return names;
}

}  // namespace

Result<std::unique_ptr<RoleThread>> make_agent_part(const agent::Settings& settings,
                                                    const std::filesystem::path& home) {
  std::error_code ec;
  std::filesystem::create_directories(home, ec);
  if (ec)
    return fail(Code::unavailable, fmt::format("cannot create folder {}: {}", home.string(), ec.message()));
  std::filesystem::permissions(home, std::filesystem::perms::owner_all, ec);
  auto thread = std::make_unique<RoleThread>("agent");
  VMC_TRY(made, agent::make_agent(thread->loop(), settings, agent::Home{home}, make_secret_resolver(),
                                  system_clock()));
  give(*thread, std::move(made));
  return thread;
}

Result<GatewayPart> make_gateway_part(Platform& platform, gateway::Settings settings) {
  if (settings.certificate_file.empty()) {
    VMC_TRY(files, ensure_certificate(platform.state_folder, certificate_names(settings.listen)));
    settings.certificate_file = files.certificate_file.string();
    settings.private_key_file = files.private_key_file.string();
  }
  GatewayPart part;
  part.thread = std::make_unique<RoleThread>("gateway");
  VMC_TRY(made, gateway::make_gateway(part.thread->loop(), platform.for_gateway(), settings));
  part.port = made->port();
  give(*part.thread, std::move(made));
  return part;
}

std::unique_ptr<RoleThread> make_worker_part(Platform& platform, const worker::Settings& settings) {
  auto thread = std::make_unique<RoleThread>("worker");
  give(*thread, worker::make_worker(thread->loop(), platform.for_worker(), settings));
  return thread;
}

}  // namespace vmc::app
