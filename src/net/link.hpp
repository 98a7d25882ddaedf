// Link: one WebSocket connection, messages of text in both directions, on the loop that made it.
// Beast is hidden in the .cpp: including it costs 15 s a file.
#pragma once

#include <memory>
#include <string>

#include "core/async.hpp"
#include "core/result.hpp"

namespace vmc::net {

struct LinkLimits {
  std::size_t message_bytes = 4u << 20;
  Duration write_timeout = std::chrono::seconds{30};
};

class Link {
 public:
  virtual ~Link() = default;
  // The next whole text message; at most `limit` long waiting. UNAVAILABLE when the connection ended or the
  // time is over ("no message for 90 s"), COMMAND_MALFORMED for a binary or oversized message, CANCELLED.
  // One receiver at a time. After a silence or a cancellation the link is as good as before: nothing is lost,
  // and close() can still say why.
  virtual awaitable<Result<std::string>> receive(Duration limit) = 0;
  // Messages leave in the order of the calls; concurrent senders queue up. UNAVAILABLE when it cannot be sent
  // (or the peer takes nothing for write_timeout, which ends the link), QUEUE_FULL above 1024 messages or
  // 64 MiB, CANCELLED when the wait was cancelled; the message still leaves then.
  virtual awaitable<Result<void>> send(std::string message) = 0;
  // Closes with a WebSocket code and reason; bounded time, never fails.
  virtual awaitable<void> close(std::uint16_t code, std::string reason) = 0;
  // Ends the connection at once; pending calls return UNAVAILABLE. From the loop only.
  virtual void abort() = 0;
  virtual void set_message_limit(std::size_t bytes) = 0;   // small before authentication
  virtual std::string peer() const = 0;                    // address for the log
};

}  // namespace vmc::net
