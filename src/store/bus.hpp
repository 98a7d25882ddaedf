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
  // Dropping it ends the subscription.
  class Subscription {
   public:
    virtual ~Subscription() = default;
  };

  virtual ~Bus() = default;
  // From any thread. Reaches every subscriber of `topic`, in this process and, by kind, in others.
  virtual void publish(std::string_view topic) = 0;
  // `wake` runs on `loop`. A topic ending in '*' subscribes to every topic with that prefix.
  virtual std::unique_ptr<Subscription> subscribe(std::string topic, asio::any_io_executor loop,
                                                  std::function<void()> wake) = 0;
};

// Within one process.
std::unique_ptr<Bus> make_memory_bus();
// Between processes on one host: a Unix datagram socket a process in `folder`; owns one thread.
Result<std::unique_ptr<Bus>> make_local_bus(std::string folder);

}  // namespace vmc::store
