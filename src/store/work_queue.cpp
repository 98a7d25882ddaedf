#include "store/work_queue.hpp"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/executor_work_guard.hpp>

namespace vmc::store {
namespace {

constexpr std::size_t kQueueMax = 65'536;  // requests; more than a role has coroutines

using Outcome =
    std::optional<Result<void>>;  // a completion value has to be default constructible and movable

template <class Handler>
class Waiting final : public Request {
 public:
  Waiting(const std::string& t, const Work& w, Handler handler)
      : Request{t, w},
        slot_{asio::get_associated_cancellation_slot(handler)},
        home_{asio::make_work_guard(handler)},
        handler_{std::move(handler)} {
    if (slot_.is_connected()) {
      slot_.assign([this](asio::cancellation_type type) {
        if ((type & asio::cancellation_type::terminal) != asio::cancellation_type::none) cancelled = true;
      });
    }
  }

  void release() override {
    auto executor = home_.get_executor();
    auto resume = [self = std::unique_ptr<Waiting>{this}]() mutable {
      if (self->slot_.is_connected()) self->slot_.clear();
      auto home = std::move(self->home_);
      auto handler = std::move(self->handler_);
      auto failure = std::move(self->bug);
      Outcome value{std::move(self->outcome)};
      self.reset();
      std::move(handler)(failure, std::move(value));
    };
    asio::post(executor, std::move(resume));
  }

 private:
  decltype(asio::get_associated_cancellation_slot(std::declval<Handler&>())) slot_;
  decltype(asio::make_work_guard(std::declval<Handler&>())) home_;
  Handler handler_;
};

}  // namespace

bool WorkQueue::push(Request& request) {
  {
    std::lock_guard lock{mutex_};
    if (closed_ || waiting_.size() >= kQueueMax) return false;
    waiting_.push_back(&request);
  }
  filled_.notify_one();
  return true;
}

bool WorkQueue::take(std::vector<Request*>& out, std::size_t max) {
  std::unique_lock lock{mutex_};
  filled_.wait(lock, [&] { return closed_ || !waiting_.empty(); });
  while (!waiting_.empty() && out.size() < max) {
    out.push_back(waiting_.front());
    waiting_.pop_front();
  }
  return !out.empty();
}

void WorkQueue::close() {
  {
    std::lock_guard lock{mutex_};
    closed_ = true;
  }
  filled_.notify_all();
}

awaitable<Result<void>> submit(WorkQueue& queue, std::string tenant, Work work) {
  auto start = [&queue, &tenant, &work](auto handler) {
    auto* request =
        new Waiting<decltype(handler)>{tenant, work, std::move(handler)};  // deleted when released
    if (queue.push(*request)) return;
    request->outcome = fail(Code::unavailable, "the database's queue is full");
    request->release();
  };
  auto outcome =
      co_await asio::async_initiate<const asio::use_awaitable_t<>, void(std::exception_ptr, Outcome)>(
          start, asio::use_awaitable);
  co_return std::move(*outcome);
}

}  // namespace vmc::store
