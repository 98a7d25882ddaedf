// Identifiers: a prefix that says what it is, and a UUIDv7, so that ids sort by time.
#pragma once

#include <string>
#include <string_view>

#include "core/clock.hpp"

namespace vmc {

// "exe_018f…": prefix, '_', 32 hex digits. The random part comes from the kernel.
std::string new_id(std::string_view prefix, Micros now);

// Letters, digits, '_' and '-', 1 to 64 characters: what may stand in paths, topics and object names.
bool is_plain_id(std::string_view text);

}  // namespace vmc
