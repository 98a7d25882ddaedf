// Who waits for which topic within this process: what both kinds of bus are made of.
//
// A subscription is dropped on its loop (or before the loop runs), so a wake that is still posted finds it
// ended and does nothing. Wakes of one subscription that have not run yet are one.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "store/bus.hpp"

namespace vmc::store {

class Subscriptions : public std::enable_shared_from_this<Subscriptions> {
 public:
  std::unique_ptr<Bus::Subscription> add(std::string topic, asio::any_io_executor loop,
                                         std::function<void()> wake);
  // From any thread.
  void wake(std::string_view topic);

 private:
  struct Entry {
    asio::any_io_executor loop;
    std::function<void()> wake;
    std::atomic<bool> posted{false};
    bool ended = false;  // read and written on the loop
  };
  using Entries = std::multimap<std::string, std::shared_ptr<Entry>, std::less<>>;
  class Handle;

  static void post(const std::shared_ptr<Entry>& entry);

  std::mutex mutex_;
  Entries exact_;
  Entries prefixes_;
};

}  // namespace vmc::store
