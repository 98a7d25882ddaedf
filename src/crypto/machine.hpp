// What identifies this machine and this operating system installation. World-readable facts: a speed bump
// against a copied file, never a secret by themselves.
#pragma once

#include <string>

namespace vmc::crypto {

struct MachineFacts {
  std::string machine_id;   // /etc/machine-id, else empty (containers)
  std::string hardware_id;  // DMI product UUID where readable, else empty
  std::string os_id;        // ID and VERSION_ID of os-release
};

MachineFacts machine_facts();

}  // namespace vmc::crypto
