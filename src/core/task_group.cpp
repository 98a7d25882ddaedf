#include "core/task_group.hpp"

#include <cassert>
#include <utility>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/system/system_error.hpp>

#include "core/log.hpp"

namespace vmc {

TaskGroup::TaskGroup(asio::any_io_executor loop, OnError policy)
    : idle_{std::move(loop), asio::steady_timer::time_point::max()}, policy_{policy} {}

TaskGroup::~TaskGroup() { assert(children_.empty()); }

void TaskGroup::spawn(std::string name, awaitable<void> task) {
  auto child = children_.emplace(children_.end());
  child->name = std::move(name);
  auto done = [this, child](std::exception_ptr error) { finish(child, error); };
  asio::co_spawn(idle_.get_executor(), std::move(task),
                 asio::bind_cancellation_slot(child->stop.slot(), std::move(done)));
}

// A stop stays visible to the waiter after the join: the state is reset only while there is nothing in it.
awaitable<void> TaskGroup::join() {
  auto passed_on = asio::cancellation_type::none;
  if ((co_await asio::this_coro::cancellation_state).cancelled() == asio::cancellation_type::none)
    co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
  co_await asio::this_coro::throw_if_cancelled(false);
  while (!children_.empty()) {
    const auto told = (co_await asio::this_coro::cancellation_state).cancelled();
    if (told != passed_on) {
      passed_on = told;
      emit(told);
      continue;
    }
    co_await idle_.async_wait(as_tuple_awaitable);
  }
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

awaitable<bool> TaskGroup::join_for(Duration limit) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto deadline = Steady::now() + limit;
  while (!children_.empty() && Steady::now() < deadline) {
    idle_.expires_at(deadline);
    co_await idle_.async_wait(as_tuple_awaitable);
  }
  idle_.expires_at(asio::steady_timer::time_point::max());
  co_return children_.empty();
}

awaitable<void> TaskGroup::wait_below(std::size_t limit) {
  while (children_.size() >= limit) {
    const auto [ec] = co_await idle_.async_wait(as_tuple_awaitable);
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) co_return;
    (void)ec;
  }
}

void TaskGroup::emit(asio::cancellation_type type) {
  for (auto it = children_.begin(); it != children_.end();) {
    auto current = it++;  // a child that ends at once erases itself
    current->stop.emit(type);
  }
}

void TaskGroup::finish(Iter child, std::exception_ptr error) {
  const bool real = error && !is_cancellation(error);
  if (real)
    log::error("task", "a task ended with an error", {{"task", child->name}, {"error", describe(error)}});
  children_.erase(child);
  if (real && policy_ == OnError::fail_group && !error_) {
    error_ = error;
    cancel();
  }
  idle_.cancel();
}

bool is_cancellation(std::exception_ptr error) {
  try {
    std::rethrow_exception(std::move(error));
  } catch (const boost::system::system_error& e) {
    return e.code() == asio::error::operation_aborted;
  } catch (...) {
    return false;
  }
}

std::string describe(std::exception_ptr error) {
  try {
    std::rethrow_exception(std::move(error));
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an exception of unknown type";
  }
}

}  // namespace vmc
