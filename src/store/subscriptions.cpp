#include "store/subscriptions.hpp"

namespace vmc::store {

class Subscriptions::Handle final : public Bus::Subscription {
 public:
  // Shared: a subscription may outlive its bus.
  Handle(std::shared_ptr<Subscriptions> owner, Entries& entries, Entries::iterator at)
      : owner_{std::move(owner)}, entries_{entries}, at_{at} {}
  ~Handle() override {
    std::lock_guard lock{owner_->mutex_};
    at_->second->ended = true;
    entries_.erase(at_);
  }

 private:
  std::shared_ptr<Subscriptions> owner_;
  Entries& entries_;
  Entries::iterator at_;
};

std::unique_ptr<Bus::Subscription> Subscriptions::add(std::string topic, asio::any_io_executor loop,
                                                      std::function<void()> wake) {
  auto entry = std::make_shared<Entry>();  // shared with wakes that are still posted when the handle goes
  entry->loop = std::move(loop);
  entry->wake = std::move(wake);
  const bool prefix = topic.ends_with('*');
  if (prefix) topic.pop_back();
  auto& entries = prefix ? prefixes_ : exact_;
  std::lock_guard lock{mutex_};
  return std::make_unique<Handle>(shared_from_this(), entries,
                                  entries.emplace(std::move(topic), std::move(entry)));
}

void Subscriptions::wake(std::string_view topic) {
  std::lock_guard lock{mutex_};
  const auto [first, last] = exact_.equal_range(topic);
  for (auto it = first; it != last; ++it) post(it->second);
  // The prefixes of a topic are at most as many as it has characters.
  for (std::size_t size = 0; size <= topic.size(); ++size) {
    const auto [from, to] = prefixes_.equal_range(topic.substr(0, size));
    for (auto it = from; it != to; ++it) post(it->second);
  }
}

void Subscriptions::post(const std::shared_ptr<Entry>& entry) {
  if (entry->posted.exchange(true)) return;
  asio::post(entry->loop, [entry] {
    entry->posted = false;
    if (entry->ended) return;
    const auto wake = entry->wake;  // survives a wake that drops its own subscription
    wake();
  });
}

}  // namespace vmc::store
