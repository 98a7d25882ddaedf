// A pool hands out sessions one user at a time, in order, within its bounds, and always gets them back clean.
#include <sqlite3.h>
#include <catch2/catch.hpp>

#include <filesystem>
#include <future>
#include <mutex>

#include "core/task_group.hpp"
#include "sources/pool.hpp"
#include "support/rows.hpp"
#include "support/temp_dir.hpp"

using namespace vmc;
using sources::Access;
using sources::Session;

namespace {

struct House {
  test::TempDir directory;
  std::string file = directory.path() / "shop.db";
  asio::io_context loop;
  std::unique_ptr<sources::SourcePool> pool;
  explicit House(sources::PoolSettings settings) {
    create();
    pool = sources::make_source_pool(loop, sources::make_sqlite_source({file}), settings);
  }

  void create() {
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open(file.c_str(), &db) == SQLITE_OK);
    CHECK(sqlite3_exec(db,
                       "CREATE TABLE seed (n INTEGER); CREATE VIEW endless AS WITH RECURSIVE c(n) AS "
                       "(SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c",
                       nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(db);
  }

  template <class F>
  void run(F test) {
    auto whole = [&]() -> awaitable<void> {
      co_await test();
      co_await pool->close();
      CHECK(pool->figures().open == 0);
    };
    auto done = [](std::exception_ptr error) {
      if (error) std::rethrow_exception(error);
    };
    asio::co_spawn(loop, whole, done);
    loop.run();
  }
};

sources::PoolSettings settings(std::size_t max, Duration acquire = std::chrono::seconds{30}) {
  sources::PoolSettings out;
  out.min = 1;
  out.max = max;
  out.acquire_timeout = acquire;
  return out;
}

const auto kNothing = [](Session&) -> Result<void> { return {}; };

}  // namespace

TEST_CASE("a session is used again, once it has been reset") {
  House house{settings(4)};
  house.run([&]() -> awaitable<void> {
    for (int i = 0; i < 5; ++i) {
      auto outcome = co_await house.pool->use(Access::read, kNothing);
      CHECK(outcome);
    }
    CHECK(house.pool->figures().opened == 1);
  });
}

TEST_CASE("reading and loading never share a session, and together they keep the maximum") {
  House house{settings(1)};
  house.run([&]() -> awaitable<void> {
    for (int i = 0; i < 4; ++i) {
      auto outcome = co_await house.pool->use(i % 2 ? Access::load : Access::read, kNothing);
      CHECK(outcome);
    }
    CHECK(house.pool->figures().opened == 4);
    CHECK(house.pool->figures().most_open == 1);
  });
}

TEST_CASE("no more than the maximum work at once") {
  House house{settings(2)};
  std::mutex mutex;
  int at_once = 0, most = 0, served = 0;
  house.run([&]() -> awaitable<void> {
    TaskGroup group{house.loop.get_executor(), TaskGroup::OnError::fail_group};
    auto one = [&]() -> awaitable<void> {
      std::function<Result<void>(Session&)> work = [&](Session&) -> Result<void> {
        std::lock_guard lock{mutex};
        most = std::max(most, ++at_once);
        ++served;
        --at_once;
        return {};
      };
      auto outcome = co_await house.pool->use(Access::read, work);
      CHECK(outcome);
    };
    for (int i = 0; i < 50; ++i) group.spawn("user", one());
    co_await group.join();
  });
  CHECK(served == 50);
  CHECK(most <= 2);
  CHECK(house.pool->figures().most_open == 2);
  CHECK(house.pool->figures().waited == 48);
}

TEST_CASE("who comes first is served first") {
  House house{settings(1)};
  std::vector<int> order, all;
  house.run([&]() -> awaitable<void> {
    TaskGroup group{house.loop.get_executor(), TaskGroup::OnError::fail_group};
    auto one = [&](int number) -> awaitable<void> {
      std::function<Result<void>(Session&)> work = [&order, number](Session&) -> Result<void> {
        order.push_back(number);
        return {};
      };
      (void)co_await house.pool->use(Access::read, work);
    };
    for (int i = 0; i < 50; ++i) {
      all.push_back(i);
      group.spawn("user", one(i));
    }
    co_await group.join();
  });
  CHECK(order == all);
}

TEST_CASE("who waits longer than the acquire timeout is told that the pool is exhausted") {
  House house{settings(1, std::chrono::milliseconds{20})};
  std::promise<void> release;
  house.run([&]() -> awaitable<void> {
    TaskGroup group{house.loop.get_executor(), TaskGroup::OnError::fail_group};
    auto busy = [&]() -> awaitable<void> {
      std::function<Result<void>(Session&)> work = [&](Session&) -> Result<void> {
        release.get_future().wait();
        return {};
      };
      (void)co_await house.pool->use(Access::read, work);
    };
    group.spawn("busy", busy());
    auto late = [&]() -> awaitable<void> {
      auto outcome = co_await house.pool->use(Access::read, kNothing);
      CHECK_FALSE(outcome);
      if (!outcome) CHECK(outcome.error().code == Code::connection_pool_exhausted);
      CHECK(house.pool->figures().exhausted == 1);
      CHECK(house.pool->figures().in_use == 1);
      release.set_value();
    };
    group.spawn("late", late());
    co_await group.join();
    auto after = co_await house.pool->use(Access::read, kNothing);
    CHECK(after);
  });
}

TEST_CASE("cancelling the caller interrupts its session and still waits for the work") {
  House house{settings(1)};
  bool finished = false;
  std::promise<void> started;
  house.run([&]() -> awaitable<void> {
    TaskGroup group{house.loop.get_executor(), TaskGroup::OnError::keep_going};
    auto user = [&]() -> awaitable<void> {
      std::function<Result<void>(Session&)> work = [&](Session& session) -> Result<void> {
        const sources::BatchSink sink = [&, told = false](data::Batch) mutable -> Result<void> {
          if (!std::exchange(told, true)) started.set_value();
          return {};
        };
        const auto endless = test::table_named(session, "endless");
        auto outcome = session.read(test::intent_for(endless, {"n"}), endless, {}, sink);
        finished = true;
        return outcome;
      };
      auto outcome = co_await house.pool->use(Access::read, work);
      CHECK_FALSE(outcome);
      if (!outcome) CHECK(outcome.error().code == Code::cancelled);
    };
    group.spawn("user", user());
    auto waited = started.get_future();
    while (waited.wait_for(std::chrono::seconds{0}) != std::future_status::ready)
      co_await asio::post(house.loop, asio::use_awaitable);
    group.cancel();
    co_await group.join();
    CHECK(finished);
  });
}

TEST_CASE("a cancelled waiter leaves the queue and the next one is served") {
  House house{settings(1)};
  std::promise<void> release;
  int served = 0;
  house.run([&]() -> awaitable<void> {
    TaskGroup busy{house.loop.get_executor(), TaskGroup::OnError::keep_going};
    TaskGroup impatient{house.loop.get_executor(), TaskGroup::OnError::keep_going};
    auto hold = [&]() -> awaitable<void> {
      std::function<Result<void>(Session&)> work = [&](Session&) -> Result<void> {
        release.get_future().wait();
        return {};
      };
      (void)co_await house.pool->use(Access::read, work);
    };
    auto next = [&]() -> awaitable<void> {
      auto outcome = co_await house.pool->use(Access::read, kNothing);
      if (outcome) ++served;
    };
    busy.spawn("hold", hold());
    co_await asio::post(house.loop, asio::use_awaitable);
    impatient.spawn("impatient", next());
    busy.spawn("patient", next());
    co_await asio::post(house.loop, asio::use_awaitable);
    impatient.cancel();
    co_await impatient.join();
    CHECK(served == 0);
    release.set_value();
    co_await busy.join();
    CHECK(served == 1);
  });
}

TEST_CASE("an error while opening reaches the caller and costs no slot") {
  House house{settings(1)};
  std::filesystem::remove(house.file);
  house.run([&]() -> awaitable<void> {
    for (int i = 0; i < 3; ++i) {
      auto outcome = co_await house.pool->use(Access::read, kNothing);
      CHECK_FALSE(outcome);
      if (!outcome) CHECK(outcome.error().code == Code::not_found);
    }
    CHECK(house.pool->figures().open_failures == 3);
    house.create();
    auto outcome = co_await house.pool->use(Access::read, kNothing);
    CHECK(outcome);
  });
}

TEST_CASE("a session past its lifetime is replaced before it is used") {
  auto short_lived = settings(1);
  short_lived.lifetime = Duration{0};
  House house{short_lived};
  house.run([&]() -> awaitable<void> {
    (void)co_await house.pool->use(Access::read, kNothing);
    (void)co_await house.pool->use(Access::read, kNothing);
    CHECK(house.pool->figures().opened == 2);
  });
}

TEST_CASE("idle sessions above the minimum are closed while nobody asks") {
  auto hurried = settings(3);
  hurried.min = 0;
  hurried.idle_timeout = std::chrono::milliseconds{1};
  House house{hurried};
  house.run([&]() -> awaitable<void> {
    (void)co_await house.pool->use(Access::read, kNothing);
    while (house.pool->figures().open > 0) co_await asio::post(house.loop, asio::use_awaitable);
    CHECK(house.pool->figures().opened == 1);
  });
}

TEST_CASE("a pool that is used grows to its minimum, and stays there") {
  auto hurried = settings(4);
  hurried.min = 3;
  hurried.idle_timeout = std::chrono::milliseconds{1};
  hurried.ping = std::chrono::milliseconds{1};
  House house{hurried};
  house.run([&]() -> awaitable<void> {
    CHECK(house.pool->figures().open == 0);
    (void)co_await house.pool->use(Access::read, kNothing);
    while (house.pool->figures().open < 3 || house.pool->figures().in_use > 0)
      co_await asio::post(house.loop, asio::use_awaitable);
    CHECK(house.pool->figures().most_open == 3);
  });
}

TEST_CASE("an exception of the work passes on and the session is not used again") {
  House house{settings(1)};
  house.run([&]() -> awaitable<void> {
    std::function<Result<void>(Session&)> broken = [](Session&) -> Result<void> {
      throw std::logic_error{"a bug"};
    };
    bool thrown = false;
    try {
      (void)co_await house.pool->use(Access::read, broken);
    } catch (const std::logic_error&) {
      thrown = true;
    }
    CHECK(thrown);
    auto outcome = co_await house.pool->use(Access::read, kNothing);
    CHECK(outcome);
    CHECK(house.pool->figures().opened == 2);
  });
}

TEST_CASE("a closed pool takes nobody in") {
  House house{settings(1)};
  auto twice = [&]() -> awaitable<void> {
    (void)co_await house.pool->use(Access::read, kNothing);
    co_await house.pool->close();
    auto outcome = co_await house.pool->use(Access::read, kNothing);
    CHECK_FALSE(outcome);
    if (!outcome) CHECK(outcome.error().code == Code::unavailable);
  };
  auto done = [](std::exception_ptr error) { CHECK_FALSE(error); };
  asio::co_spawn(house.loop, twice, done);
  house.loop.run();
  CHECK(house.pool->figures().open == 0);
}
