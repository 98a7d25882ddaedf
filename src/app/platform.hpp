// What gateway and worker share, opened in dependency order: database, objects, bus, master key, cpu pool.
#pragma once

#include <filesystem>
#include <memory>

#include "app/config.hpp"
#include "core/offload.hpp"
#include "crypto/secret.hpp"
#include "store/bus.hpp"
#include "store/database.hpp"
#include "store/objects.hpp"

namespace vmc::app {

struct Platform {
  crypto::Secret master_key;
  std::unique_ptr<Pool> cpu;
  std::unique_ptr<Pool> files;  // object storage's blocking work
  std::unique_ptr<store::Database> db;
  std::unique_ptr<store::Objects> objects;
  std::unique_ptr<store::Bus> bus;
  std::filesystem::path state_folder;

  gateway::Platform for_gateway() const;
  worker::Platform for_worker() const;
};

// Creates the folders (0700) when they are missing. `folder` is --state.
Result<std::unique_ptr<Platform>> open_platform(const std::filesystem::path& folder,
                                                const PlatformSettings& settings);

// Certificate and key for the gateway, made in the state folder at first start; `names` go into the
// certificate.
struct GatewayCertificate {
  std::filesystem::path authority_file, certificate_file, private_key_file;
};
Result<GatewayCertificate> ensure_certificate(const std::filesystem::path& state_folder,
                                              const std::vector<std::string>& names);

}  // namespace vmc::app
