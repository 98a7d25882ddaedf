// A pool hands out sessions one user at a time, in order, within its bounds, and always gets them back clean.
#include <catch2/catch.hpp>

#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "core/task_group.hpp"
#include "sources/pool.hpp"
#include "support/show_result.hpp"

using namespace vmc;
using sources::Access;
using sources::Session;

namespace {

// What happened to the sessions of a source, seen from outside.
struct Diary {
  std::mutex mutex;
  std::condition_variable changed;
  int opened = 0, alive = 0, most_alive = 0, resets = 0;
  bool resettable = true;
  bool openable = true;
  void note(int& count, int by) {
    std::lock_guard lock{mutex};
    count += by;
    most_alive = std::max(most_alive, alive);
    changed.notify_all();
  }
  int read(const int& count) {
    std::lock_guard lock{mutex};
    return count;
  }
};

// The least a Session can be: it waits where a test tells it to, and notices interrupts.
class PaperSession final : public Session {
 public:
  explicit PaperSession(Diary& diary) : diary_{diary} { diary_.note(diary_.alive, 1); }
  ~PaperSession() override { diary_.note(diary_.alive, -1); }
  Result<data::Schema> discover() override { return data::Schema{}; }
  Result<sources::RightsReport> rights() override { return sources::RightsReport{}; }
  Result<void> read(const data::Intent&, const data::TableInfo&, const sources::ReadLimits&,
                    const sources::BatchSink&) override {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return interrupted_; });
    return fail(Code::cancelled, "interrupted");
  }
  Result<data::RowTypePtr> query(const sources::SqlQuery&, const sources::ReadLimits&,
                                 const sources::BatchSink&) override {
    return data::RowTypePtr{};
  }
  Result<void> probe(const std::string&) override { return {}; }
  Result<sources::Split> split(const data::Intent&, const data::TableInfo&, const std::vector<std::string>&,
                               std::int64_t, const sources::ReadLimits&) override {
    return sources::Split{};
  }
  Result<void> read_keys(const data::TableInfo&, const std::vector<std::string>&,
                         const std::vector<std::string>&, const sources::BatchSource&,
                         const sources::ReadLimits&, const sources::BatchSink&) override {
    return {};
  }
  Result<sources::LoadOutcome> load(const sources::LoadRequest&, const data::TableInfo&,
                                    const sources::BatchSource&) override {
    return sources::LoadOutcome{};
  }
  bool reset() override {
    diary_.note(diary_.resets, 1);
    return diary_.resettable;
  }
  bool alive() override { return true; }
  void interrupt() noexcept override {
    std::lock_guard lock{mutex_};
    interrupted_ = true;
    changed_.notify_all();
  }

 private:
  Diary& diary_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool interrupted_ = false;
};

class PaperSource final : public sources::Source {
 public:
  explicit PaperSource(Diary& diary) : diary_{diary} {}
  Result<std::unique_ptr<Session>> open(Access, Duration) override {
    if (!diary_.openable) return fail(Code::unavailable, "nothing listens");
    diary_.note(diary_.opened, 1);
    return std::unique_ptr<Session>{std::make_unique<PaperSession>(diary_)};
  }
  std::string_view type() const override { return "paper"; }

 private:
  Diary& diary_;
};

struct House {
  Diary diary;
  asio::io_context loop;
  std::unique_ptr<sources::SourcePool> pool;
  explicit House(sources::PoolSettings settings)
      : pool{sources::make_source_pool(loop, std::make_unique<PaperSource>(diary), settings)} {}

  template <class F>
  void run(F test) {
    auto whole = [&]() -> awaitable<void> {
      co_await test();
      co_await pool->close();
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
    CHECK(house.diary.read(house.diary.opened) == 1);
    CHECK(house.diary.read(house.diary.resets) == 5);
  });
  CHECK(house.diary.alive == 0);
}

TEST_CASE("a session that cannot be reset is replaced") {
  House house{settings(4)};
  house.diary.resettable = false;
  house.run([&]() -> awaitable<void> {
    for (int i = 0; i < 3; ++i) (void)co_await house.pool->use(Access::read, kNothing);
    CHECK(house.diary.read(house.diary.opened) == 3);
    CHECK(house.diary.read(house.diary.alive) == 0);
  });
}

TEST_CASE("reading and loading never share a session, and together they keep the maximum") {
  House house{settings(1)};
  house.run([&]() -> awaitable<void> {
    for (int i = 0; i < 4; ++i) {
      auto outcome = co_await house.pool->use(i % 2 ? Access::load : Access::read, kNothing);
      CHECK(outcome);
    }
    CHECK(house.diary.read(house.diary.opened) == 4);
  });
}

TEST_CASE("no more than the maximum work at once, and who comes first is served first") {
  House house{settings(2)};
  std::mutex mutex;
  int at_once = 0, most = 0;
  std::vector<int> order;
  house.run([&]() -> awaitable<void> {
    TaskGroup group{house.loop.get_executor(), TaskGroup::OnError::fail_group};
    auto one = [&](int number) -> awaitable<void> {
      std::function<Result<void>(Session&)> work = [&, number](Session&) -> Result<void> {
        std::lock_guard lock{mutex};
        most = std::max(most, ++at_once);
        order.push_back(number);
        --at_once;
        return {};
      };
      auto outcome = co_await house.pool->use(Access::read, work);
      CHECK(outcome);
    };
    for (int i = 0; i < 50; ++i) group.spawn("user", one(i));
    co_await group.join();
  });
  CHECK(order.size() == 50);
  CHECK(most <= 2);
  CHECK(house.diary.most_alive <= 2);
  // Two may overtake each other by one on their threads; the queue itself keeps its order.
  for (std::size_t i = 0; i < order.size(); ++i) CHECK(std::abs(order[i] - static_cast<int>(i)) <= 2);
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
        started.set_value();
        auto outcome = session.read({}, {}, {}, {});
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
  house.diary.openable = false;
  house.run([&]() -> awaitable<void> {
    for (int i = 0; i < 3; ++i) {
      auto outcome = co_await house.pool->use(Access::read, kNothing);
      CHECK_FALSE(outcome);
      if (!outcome) CHECK(outcome.error().code == Code::unavailable);
    }
    house.diary.openable = true;
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
    CHECK(house.diary.read(house.diary.opened) == 2);
  });
}

TEST_CASE("idle sessions above the minimum are closed while nobody asks") {
  auto hurried = settings(3);
  hurried.min = 0;
  hurried.idle_timeout = std::chrono::milliseconds{1};
  House house{hurried};
  house.run([&]() -> awaitable<void> {
    (void)co_await house.pool->use(Access::read, kNothing);
    while (house.diary.read(house.diary.alive) > 0) co_await asio::post(house.loop, asio::use_awaitable);
    CHECK(house.diary.read(house.diary.opened) == 1);
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
    CHECK(house.diary.read(house.diary.opened) == 2);
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
  CHECK(house.diary.alive == 0);
}
