#include <condition_variable>
#include <mutex>
#include <thread>

#include <catch2/catch.hpp>

#include "core/event.hpp"
#include "core/offload.hpp"
#include "core/task_group.hpp"
#include "unit/core/run_coroutine.hpp"

using namespace vmc;
using namespace std::chrono_literals;
using test::run_coroutine;

TEST_CASE("offload works on another thread and resumes on the caller's") {
  asio::io_context loop;
  Pool pool{"test", 2};
  const auto home = std::this_thread::get_id();
  std::thread::id worker;
  auto body = [&]() -> awaitable<void> {
    auto work = [&] {
      worker = std::this_thread::get_id();
      return std::string{"done"};
    };
    {
      const auto got = co_await offload(pool, work);
      CHECK(got == "done");
    }
    CHECK(std::this_thread::get_id() == home);
  };
  run_coroutine(loop, body());
  CHECK(worker != home);
}

TEST_CASE("what the work throws reaches the caller") {
  asio::io_context loop;
  Pool pool{"test", 1};
  std::string caught;
  auto body = [&]() -> awaitable<void> {
    auto work = []() -> int { throw std::runtime_error{"broken"}; };
    try {
      co_await offload(pool, work);
    } catch (const std::runtime_error& e) {
      caught = e.what();
    }
  };
  run_coroutine(loop, body());
  CHECK(caught == "broken");
}

TEST_CASE("many offloads at once all come back with their own value") {
  asio::io_context loop;
  Pool pool{"test", 4};
  int sum = 0;
  auto one = [&](int number) -> awaitable<void> {
    auto work = [number] { return std::make_unique<int>(number); };
    auto value = co_await offload(pool, work);
    sum += *value;
  };
  auto body = [&]() -> awaitable<void> {
    TaskGroup group{loop.get_executor(), TaskGroup::OnError::fail_group};
    for (int i = 1; i <= 1000; ++i) group.spawn("one", one(i));
    co_await group.join();
  };
  run_coroutine(loop, body());
  CHECK(sum == 500'500);
}

namespace {

// Blocks as a database driver would, until somebody interrupts it.
struct SlowQuery {
  std::mutex mutex;
  std::condition_variable changed;
  bool interrupted = false;

  int run() {
    std::unique_lock lock{mutex};
    changed.wait(lock, [&] { return interrupted; });
    return 42;
  }
  void interrupt() {
    std::lock_guard lock{mutex};
    interrupted = true;
    changed.notify_all();
  }
};

}  // namespace

TEST_CASE("a cancelled caller interrupts the work and still waits for it") {
  asio::io_context loop;
  Pool pool{"test", 1};
  SlowQuery query;
  Event started{loop.get_executor()};
  int result = 0, interrupts = 0;
  auto caller = [&]() -> awaitable<void> {
    auto work = [&] {
      asio::post(loop, [&] { started.notify(); });
      return query.run();
    };
    auto interrupt = [&] {
      ++interrupts;
      query.interrupt();
    };
    result = co_await offload(pool, work, interrupt);
  };
  auto body = [&]() -> awaitable<void> {
    TaskGroup group{loop.get_executor(), TaskGroup::OnError::fail_group};
    group.spawn("caller", caller());
    co_await started.wait_for(1h);
    group.drain();  // a drain lets the query finish
    CHECK(interrupts == 0);
    group.cancel();
    co_await group.join();
  };
  run_coroutine(loop, body());
  CHECK(interrupts == 1);
  CHECK(result == 42);
}
