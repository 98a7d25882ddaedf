#include <thread>

#include <catch2/catch.hpp>

#include "core/pipe.hpp"
#include "core/task_group.hpp"
#include "unit/core/run_coroutine.hpp"

using namespace vmc;
using namespace std::chrono_literals;
using test::run_coroutine;

TEST_CASE("an event remembers one notify that nobody waited for") {
  asio::io_context loop;
  Event event{loop.get_executor()};
  auto body = [&]() -> awaitable<void> {
    event.notify();
    event.notify();
    {
      const auto got = co_await event.wait_for(1h);
      CHECK(got);
    }
    {
      const auto got = co_await event.wait_for(1us);
      CHECK_FALSE(got);
    }
  };
  run_coroutine(loop, body());
}

TEST_CASE("a notify wakes the waiter") {
  asio::io_context loop;
  Event event{loop.get_executor()};
  bool woken = false;
  auto waiter = [&]() -> awaitable<void> { woken = co_await event.wait_for(1h); };
  auto body = [&]() -> awaitable<void> {
    TaskGroup group{loop.get_executor(), TaskGroup::OnError::fail_group};
    group.spawn("waiter", waiter());
    co_await asio::post(asio::use_awaitable);
    event.notify();
    co_await group.join();
  };
  run_coroutine(loop, body());
  CHECK(woken);
}

TEST_CASE("a cancelled wait and a cancelled pause end early with false") {
  asio::io_context loop;
  Event event{loop.get_executor()};
  int ended = 0;
  auto waiter = [&]() -> awaitable<void> {
    const auto got = co_await event.wait_for(24h);
    ended += got ? 0 : 1;
  };
  auto pauser = [&]() -> awaitable<void> {
    const auto got = co_await pause_for(24h);
    ended += got ? 0 : 1;
  };
  auto body = [&]() -> awaitable<void> {
    TaskGroup group{loop.get_executor(), TaskGroup::OnError::fail_group};
    group.spawn("waiter", waiter());
    group.spawn("pauser", pauser());
    co_await asio::post(asio::use_awaitable);
    group.cancel();
    co_await group.join();
    {
      const auto got = co_await pause_for(1us);
      CHECK(got);
    }
  };
  run_coroutine(loop, body());
  CHECK(ended == 2);
}

TEST_CASE("a thread fills a small pipe and a coroutine drains it in order") {
  asio::io_context loop;
  Pipe<int> pipe{loop.get_executor(), 3};
  std::thread producer{[&] {
    for (int i = 0; i < 5000; ++i)
      if (!pipe.push(i)) return;
    pipe.close();
  }};
  int expected = 0;
  auto body = [&]() -> awaitable<void> {
    for (;;) {
      auto item = co_await pipe.async_pop();
      if (!item) break;
      if (*item != expected) FAIL("out of order at " << expected);
      ++expected;
    }
  };
  run_coroutine(loop, body());
  producer.join();
  CHECK(expected == 5000);
}

TEST_CASE("a coroutine fills a small pipe and a thread drains it in order") {
  asio::io_context loop;
  Pipe<std::unique_ptr<int>> pipe{loop.get_executor(), 3};
  int sum = 0;
  std::thread consumer{[&] {
    while (auto item = pipe.pop()) sum += **item;
  }};
  auto body = [&]() -> awaitable<void> {
    for (int i = 1; i <= 1000; ++i) {
      auto item = std::make_unique<int>(i);
      const bool pushed = co_await pipe.async_push(std::move(item));
      if (!pushed) FAIL("closed");
    }
    pipe.close();
  };
  run_coroutine(loop, body());
  consumer.join();
  CHECK(sum == 500'500);
}

TEST_CASE("closing lets the other side have what is queued, then ends it") {
  asio::io_context loop;
  Pipe<int> pipe{loop.get_executor(), 2};
  REQUIRE(pipe.push(1));
  REQUIRE(pipe.push(2));
  pipe.close();
  CHECK_FALSE(pipe.push(3));
  CHECK(pipe.pop() == 1);
  auto body = [&]() -> awaitable<void> {
    {
      const auto got = co_await pipe.async_pop();
      CHECK(got == 2);
    }
    {
      const auto got = co_await pipe.async_pop();
      CHECK_FALSE(got);
    }
    {
      const auto got = co_await pipe.async_push(4);
      CHECK_FALSE(got);
    }
  };
  run_coroutine(loop, body());
  CHECK_FALSE(pipe.pop());
}

TEST_CASE("a consumer that closes releases a producer blocked on a full pipe") {
  asio::io_context loop;
  Pipe<int> pipe{loop.get_executor(), 1};
  bool refused = false;
  std::thread producer{[&] {
    while (pipe.push(1)) {
    }
    refused = true;
  }};
  auto body = [&]() -> awaitable<void> {
    {
      const auto got = co_await pipe.async_pop();
      CHECK(got == 1);
    }
    pipe.close();
  };
  run_coroutine(loop, body());
  producer.join();
  CHECK(refused);
}

TEST_CASE("a thread that closes releases a coroutine blocked on an empty or a full pipe") {
  asio::io_context loop;
  Pipe<int> empty{loop.get_executor(), 1}, full{loop.get_executor(), 1};
  REQUIRE(full.push(1));
  std::thread closer;
  auto body = [&]() -> awaitable<void> {
    closer = std::thread{[&] { empty.close(); }};
    {
      const auto got = co_await empty.async_pop();
      CHECK_FALSE(got);
    }
    closer.join();
    closer = std::thread{[&] { full.close(); }};
    {
      const auto got = co_await full.async_push(2);
      CHECK_FALSE(got);
    }
    closer.join();
  };
  run_coroutine(loop, body());
}

TEST_CASE("abort drops what is queued") {
  asio::io_context loop;
  Pipe<std::shared_ptr<int>> pipe{loop.get_executor(), 2};
  auto item = std::make_shared<int>(1);
  REQUIRE(pipe.push(item));
  pipe.abort();
  CHECK(item.use_count() == 1);
  CHECK_FALSE(pipe.pop());
}

TEST_CASE("a cancelled coroutine leaves a pipe without an item and without an exception") {
  asio::io_context loop;
  Pipe<int> empty{loop.get_executor(), 1}, full{loop.get_executor(), 1};
  REQUIRE(full.push(1));
  int ended = 0;
  auto popper = [&]() -> awaitable<void> {
    const auto got = co_await empty.async_pop();
    ended += got ? 0 : 1;
  };
  auto pusher = [&]() -> awaitable<void> {
    const auto got = co_await full.async_push(2);
    ended += got ? 0 : 1;
  };
  auto body = [&]() -> awaitable<void> {
    TaskGroup group{loop.get_executor(), TaskGroup::OnError::fail_group};
    group.spawn("popper", popper());
    group.spawn("pusher", pusher());
    // A push from before makes its wake-up first; let it pass so that both really wait.
    for (int i = 0; i < 5; ++i) co_await asio::post(asio::use_awaitable);
    group.cancel();
    co_await group.join();
  };
  run_coroutine(loop, body());
  CHECK(ended == 2);
}

TEST_CASE("a pipe may die while its wake-up is still on the way") {
  asio::io_context loop;
  {
    Pipe<int> pipe{loop.get_executor(), 1};
    REQUIRE(pipe.push(1));
  }
  CHECK(loop.run() == 1);
}
