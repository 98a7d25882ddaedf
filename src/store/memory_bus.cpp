#include "store/bus.hpp"
#include "store/subscriptions.hpp"

namespace vmc::store {
namespace {

class MemoryBus final : public Bus {
 public:
  void publish(std::string_view topic) override { subscriptions_->wake(topic); }
  std::unique_ptr<Subscription> subscribe(std::string topic, asio::any_io_executor loop,
                                          std::function<void()> wake) override {
    return subscriptions_->add(std::move(topic), std::move(loop), std::move(wake));
  }

 private:
  std::shared_ptr<Subscriptions> subscriptions_ =
      std::make_shared<Subscriptions>();  // subscriptions may outlive us
};

}  // namespace

std::unique_ptr<Bus> make_memory_bus() { return std::make_unique<MemoryBus>(); }

}  // namespace vmc::store
