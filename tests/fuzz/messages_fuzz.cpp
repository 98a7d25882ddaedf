// Any bytes as a message: decoding answers or refuses, and what it accepts survives a round trip.
#include <cstdlib>

#include "wire/messages.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  using namespace vmc;
  const std::string_view text{reinterpret_cast<const char*>(input), size};
  if (const auto message = wire::decode_agent_message(text)) {
    const auto again = wire::decode_agent_message(wire::encode(*message));
    if (!again || !(*again == *message)) std::abort();
  }
  if (const auto message = wire::decode_gateway_message(text)) {
    const auto again = wire::decode_gateway_message(wire::encode(*message));
    if (!again || !(*again == *message)) std::abort();
  }
  return 0;
}
