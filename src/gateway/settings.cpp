#include "gateway/gateway.hpp"

namespace vmc::gateway {

Settings read_settings(config::Table table) {
  Settings settings;
  settings.listen = table.str("listen", settings.listen);
  settings.certificate_file = table.str("certificate_file");
  settings.private_key_file = table.str("private_key_file");
  settings.heartbeat_timeout = table.duration("heartbeat_timeout", settings.heartbeat_timeout);
  settings.command_ttl = table.duration("command_ttl", settings.command_ttl);
  settings.sweep = table.duration("sweep", settings.sweep);
  settings.authentication_timeout = table.duration("authentication_timeout", settings.authentication_timeout);
  settings.grace = table.duration("grace", settings.grace);
  if (settings.certificate_file.empty() != settings.private_key_file.empty())
    table.complain("certificate_file", "and private_key_file go together");
  return settings;
}

}  // namespace vmc::gateway
