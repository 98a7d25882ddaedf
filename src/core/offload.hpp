// Pool and offload: what blocks or burns leaves the loop here and comes back here.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <type_traits>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/thread_pool.hpp>

#include "core/async.hpp"

namespace vmc {

// A named pool of threads. Destruction waits for the work that was started.
class Pool {
 public:
  Pool(std::string name, std::size_t threads);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  asio::thread_pool& threads() { return threads_; }

 private:
  asio::thread_pool threads_;
};

struct NoInterrupt {
  void operator()() const noexcept {}
};

// Runs blocking `work` on `pool` and resumes the caller on its own loop with what it returned or threw.
// Started work is never abandoned: a cancelled caller still waits for it, so `work` may use the caller's
// locals by reference. A cancellation calls `interrupt` (PQcancel, sqlite3_interrupt, a flag) on the loop,
// so that the wait is short. `work` must not return void; name the lambda on the line above.
template <class F, class I = NoInterrupt, class R = std::invoke_result_t<F>>
awaitable<R> offload(Pool& pool, F work, I interrupt = {}) {
  auto start = [&pool, &work, &interrupt](auto handler) {
    auto slot = asio::get_associated_cancellation_slot(handler);
    if constexpr (!std::is_same_v<I, NoInterrupt>) {
      if (slot.is_connected()) {
        slot.assign([&interrupt](asio::cancellation_type type) {
          if ((type & asio::cancellation_type::terminal) != asio::cancellation_type::none) interrupt();
        });
      }
    }
    auto home = asio::make_work_guard(handler);
    auto job = [&work, slot, home = std::move(home), handler = std::move(handler)]() mutable {
      std::exception_ptr error;
      std::optional<R> value;
      try {
        value.emplace(work());
      } catch (...) {
        error = std::current_exception();
      }
      auto executor = home.get_executor();
      auto resume = [slot, home = std::move(home), handler = std::move(handler), error,
                     value = std::move(value)]() mutable {
        if (slot.is_connected()) slot.clear();
        std::move(handler)(error, std::move(value));
      };
      asio::post(executor, std::move(resume));
    };
    asio::post(pool.threads(), std::move(job));
  };
  auto value =
      co_await asio::async_initiate<const asio::use_awaitable_t<>,
                                    void(std::exception_ptr, std::optional<R>)>(start, asio::use_awaitable);
  co_return std::move(*value);
}

}  // namespace vmc
