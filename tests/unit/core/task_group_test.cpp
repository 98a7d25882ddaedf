#include <catch2/catch.hpp>

#include "core/event.hpp"
#include "core/task_group.hpp"
#include "unit/core/run_coroutine.hpp"

using namespace vmc;
using namespace std::chrono_literals;
using test::run_coroutine;

namespace {

awaitable<void> wait_forever(int& ended) {
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await pause_for(24h);
  ++ended;
}

// Finishes what it has begun when it is asked to drain.
awaitable<void> drainable(int& drained) {
  co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
  co_await asio::this_coro::throw_if_cancelled(false);
  for (bool stop = false; !stop;) {
    co_await pause_for(24h);
    stop = co_await stopping();
  }
  ++drained;
}

awaitable<void> count_one(int& count) {
  ++count;
  co_return;
}

awaitable<void> break_down() {
  throw std::runtime_error{"broken"};
  co_return;
}

}  // namespace

TEST_CASE("join waits for every child") {
  asio::io_context loop;
  int count = 0;
  auto body = [&]() -> awaitable<void> {
    TaskGroup group{loop.get_executor(), TaskGroup::OnError::fail_group};
    for (int i = 0; i < 10; ++i) group.spawn("counter", count_one(count));
    co_await group.join();
    CHECK(count == 10);
    CHECK(group.size() == 0);
  };
  run_coroutine(loop, body());
  CHECK(count == 10);
}

TEST_CASE("cancel stops children at what they wait for") {
  asio::io_context loop;
  int ended = 0;
  auto body = [&]() -> awaitable<void> {
    TaskGroup group{loop.get_executor(), TaskGroup::OnError::fail_group};
    group.spawn("one", wait_forever(ended));
    group.spawn("two", wait_forever(ended));
    co_await asio::post(asio::use_awaitable);
    group.cancel();
    co_await group.join();
  };
  run_coroutine(loop, body());
  CHECK(ended == 2);
}

TEST_CASE("drain reaches only children that opted in") {
  asio::io_context loop;
  int drained = 0, ended = 0;
  auto body = [&]() -> awaitable<void> {
    TaskGroup group{loop.get_executor(), TaskGroup::OnError::fail_group};
    group.spawn("drainable", drainable(drained));
    group.spawn("stubborn", wait_forever(ended));
    co_await asio::post(asio::use_awaitable);
    group.drain();
    co_await group.wait_below(2);
    CHECK(drained == 1);
    CHECK(ended == 0);
    group.cancel();
    co_await group.join();
  };
  run_coroutine(loop, body());
  CHECK(ended == 1);
}

TEST_CASE("under fail_group the first error stops the others and reaches the joiner") {
  asio::io_context loop;
  int ended = 0;
  std::string caught;
  auto body = [&]() -> awaitable<void> {
    TaskGroup group{loop.get_executor(), TaskGroup::OnError::fail_group};
    group.spawn("waiting", wait_forever(ended));
    group.spawn("breaking", break_down());
    try {
      co_await group.join();
    } catch (const std::runtime_error& e) {
      caught = e.what();
    }
  };
  run_coroutine(loop, body());
  CHECK(caught == "broken");
  CHECK(ended == 1);
}

TEST_CASE("under keep_going an error ends only its own child") {
  asio::io_context loop;
  int ended = 0;
  auto body = [&]() -> awaitable<void> {
    TaskGroup group{loop.get_executor(), TaskGroup::OnError::keep_going};
    group.spawn("waiting", wait_forever(ended));
    group.spawn("breaking", break_down());
    co_await group.wait_below(2);
    CHECK(ended == 0);
    group.cancel();
    co_await group.join();
  };
  run_coroutine(loop, body());
  CHECK(ended == 1);
}

TEST_CASE("a stop that reaches the joiner is passed on to the children") {
  asio::io_context loop;
  int ended = 0;
  auto inner = [&]() -> awaitable<void> {
    TaskGroup group{loop.get_executor(), TaskGroup::OnError::fail_group};
    group.spawn("waiting", wait_forever(ended));
    co_await group.join();
  };
  auto body = [&]() -> awaitable<void> {
    TaskGroup outer{loop.get_executor(), TaskGroup::OnError::fail_group};
    outer.spawn("inner", inner());
    co_await asio::post(asio::use_awaitable);
    outer.cancel();
    co_await outer.join();
  };
  run_coroutine(loop, body());
  CHECK(ended == 1);
}

TEST_CASE("a stop that came before join is passed on as well") {
  asio::io_context loop;
  int ended = 0;
  auto inner = [&]() -> awaitable<void> {
    co_await asio::this_coro::throw_if_cancelled(false);
    TaskGroup group{loop.get_executor(), TaskGroup::OnError::fail_group};
    group.spawn("waiting", wait_forever(ended));
    {
      const auto got = co_await pause_for(24h);
      CHECK_FALSE(got);
    }
    co_await group.join();
  };
  auto body = [&]() -> awaitable<void> {
    TaskGroup outer{loop.get_executor(), TaskGroup::OnError::fail_group};
    outer.spawn("inner", inner());
    co_await asio::post(asio::use_awaitable);
    outer.cancel();
    co_await outer.join();
  };
  run_coroutine(loop, body());
  CHECK(ended == 1);
}

TEST_CASE("join_for gives up at its limit and says so") {
  asio::io_context loop;
  int ended = 0;
  auto body = [&]() -> awaitable<void> {
    TaskGroup group{loop.get_executor(), TaskGroup::OnError::fail_group};
    group.spawn("waiting", wait_forever(ended));
    {
      const auto got = co_await group.join_for(1ms);
      CHECK_FALSE(got);
    }
    group.cancel();
    {
      const auto got = co_await group.join_for(1h);
      CHECK(got);
    }
  };
  run_coroutine(loop, body());
  CHECK(ended == 1);
}

TEST_CASE("an exception is told from the echo of a cancellation") {
  const auto aborted = std::make_exception_ptr(boost::system::system_error{asio::error::operation_aborted});
  const auto other = std::make_exception_ptr(boost::system::system_error{asio::error::eof});
  CHECK(is_cancellation(aborted));
  CHECK_FALSE(is_cancellation(other));
  CHECK_FALSE(is_cancellation(std::make_exception_ptr(5)));
  CHECK(describe(std::make_exception_ptr(std::runtime_error{"why"})) == "why");
  CHECK(describe(std::make_exception_ptr(5)) == "an exception of unknown type");
}
