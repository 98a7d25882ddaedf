// Memory for secrets: pages locked into RAM and left out of core dumps, given out in small pieces. Mapping and locking
// pages for each secret anew costs more than all that is done with a short one.
// Best effort: the lock limit of the user may be used up, and the secret is needed anyway.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vmc::crypto {

// Zeroed. What is given back is wiped and kept for the next secret. From any thread.
std::uint8_t* take_secret_memory(std::size_t size);
void give_secret_memory(std::uint8_t* memory, std::size_t size) noexcept;

}  // namespace vmc::crypto
