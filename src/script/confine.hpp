// The walls the operating system gives the script's process. Set up by the child itself, before it has seen
// a byte of any script; nothing inside can take them down again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace vmc::script {

// Resource limits, no new privileges, no core dumps, death with the parent, and a list of the few system
// calls that are left; any other kills the process. `address_space`: bytes to be mapped beyond the program's.
// What went wrong, or nothing.
std::optional<std::string> confine(std::uint64_t address_space);

}  // namespace vmc::script
