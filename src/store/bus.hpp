// The bus: wake-ups between parts and processes. A wake-up carries no data and may be lost; whoever waits
// also sweeps at an interval, so that a lost one costs latency and nothing else.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/async.hpp"
#include "core/result.hpp"

namespace vmc::store {

class Bus {
 public:
  // Dropping it, on its loop, ends the subscription: a wake already posted does nothing. It may outlive the
  // bus, not the loop.
  class Subscription {
   public:
    virtual ~Subscription() = default;
  };

  virtual ~Bus() = default;
  // From any thread; never blocks. Reaches every subscriber of `topic` (1 to 256 bytes), in this process and,
  // by kind, in others. Wakes of a subscription that have not run yet are one.
  virtual void publish(std::string_view topic) = 0;
  // `wake` runs on `loop`. A topic ending in '*' subscribes to every topic with that prefix.
  virtual std::unique_ptr<Subscription> subscribe(std::string topic, asio::any_io_executor loop,
                                                  std::function<void()> wake) = 0;
};

// Within one process.
std::unique_ptr<Bus> make_memory_bus();
// Between processes of one user on one host: a Unix datagram socket a process in `folder`, which is created
// 0700 and refused (FORBIDDEN) when others may write it; owns one thread.
Result<std::unique_ptr<Bus>> make_local_bus(std::string folder);

}  // namespace vmc::store
