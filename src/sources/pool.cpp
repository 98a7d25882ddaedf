#include "sources/pool.hpp"

#include <algorithm>
#include <list>
#include <mutex>
#include <optional>

#include "core/log.hpp"
#include "core/offload.hpp"

namespace vmc::sources {
namespace {

// A session idle for longer is tried before it is used: the server may have gone meanwhile.
constexpr Duration kTrustedIdle = std::chrono::seconds{10};

// Counts sessions from the threads that open and close them.
class Tally {
 public:
  void add_opened() {
    std::lock_guard lock{mutex_};
    ++opened_;
    most_open_ = std::max(most_open_, ++open_);
  }
  void add_failure() {
    std::lock_guard lock{mutex_};
    ++failures_;
  }
  void add_closed() {
    std::lock_guard lock{mutex_};
    --open_;
  }
  void fill(PoolFigures& figures) const {
    std::lock_guard lock{mutex_};
    figures.open = open_;
    figures.most_open = most_open_;
    figures.opened = opened_;
    figures.open_failures = failures_;
  }

 private:
  mutable std::mutex mutex_;
  std::size_t open_ = 0, most_open_ = 0;
  std::uint64_t opened_ = 0, failures_ = 0;
};

struct CloseSession {
  Tally* tally = nullptr;
  void operator()(Session* session) const {
    delete session;
    tally->add_closed();
  }
};

struct Opened {
  std::unique_ptr<Session, CloseSession> session;
  Access access = Access::read;
  Steady::time_point opened_at;
  Steady::time_point last_used;
};

// The one place where a loop reaches into a call that runs on a thread.
class Interrupter {
 public:
  void attach(Session& session) {
    std::lock_guard lock{mutex_};
    session_ = &session;
    if (interrupted_) session.interrupt();
  }
  void detach() {
    std::lock_guard lock{mutex_};
    session_ = nullptr;
  }
  void interrupt() {
    std::lock_guard lock{mutex_};
    interrupted_ = true;
    if (session_) session_->interrupt();
  }

 private:
  std::mutex mutex_;
  Session* session_ = nullptr;
  bool interrupted_ = false;
};

struct Attached {
  Attached(Interrupter& interrupter_, Session& session) : interrupter{interrupter_} {
    interrupter.attach(session);
  }
  ~Attached() { interrupter.detach(); }
  Interrupter& interrupter;
};

// All state belongs to the loop; only the jobs run on threads.
class Pooled final : public SourcePool {
 public:
  Pooled(asio::io_context& loop, std::unique_ptr<Source> source, PoolSettings settings)
      : source_{std::move(source)},
        settings_{settings},
        housekeeping_{loop},
        drained_{loop, asio::steady_timer::time_point::max()},
        threads_{"sources", std::max<std::size_t>(settings.max, 1)} {
    settings_.max = std::max<std::size_t>(settings_.max, 1);
    schedule_housekeeping();
  }

  awaitable<Result<void>> use(Access access, std::function<Result<void>(Session&)> work) override {
    VMC_CO_CHECK(co_await acquire());
    const Slot slot{*this};
    used_ = true;
    auto opened = take_idle(access);
    if (co_await is_cancelled()) {
      if (opened) idle_.push_back(std::move(*opened));
      co_return fail(Code::cancelled, "the call was cancelled");
    }
    Interrupter interrupter;
    auto job = [&] { return run(access, opened, interrupter, work); };
    auto interrupt = [&interrupter] { interrupter.interrupt(); };
    auto outcome = co_await offload(threads_, job, interrupt);
    if (opened) idle_.push_back(std::move(*opened));
    co_return outcome;
  }

  awaitable<void> close() override {
    closed_ = true;
    housekeeping_.cancel();
    for (auto* waiter : waiters_) waiter->timer.cancel();
    while (in_use_ > 0) co_await drained_.async_wait(as_tuple_awaitable);
    auto leave = [&] { return idle_.clear(), true; };
    co_await offload(threads_, leave);
  }

  PoolFigures figures() const override {
    auto figures = waits_;
    figures.in_use = in_use_;
    figures.waiting = waiters_.size();
    tally_.fill(figures);
    return figures;
  }

 private:
  struct Waiter {
    asio::steady_timer timer;
    bool granted = false;
  };
  // A place among `max`; giving it back wakes the next in line.
  struct Slot {
    Pooled& pool;
    explicit Slot(Pooled& owner) : pool{owner} {}
    Slot(const Slot&) = delete;
    ~Slot() { pool.release(); }
  };

  static awaitable<bool> is_cancelled() {
    const auto state = co_await asio::this_coro::cancellation_state;
    co_return state.cancelled() != asio::cancellation_type::none;
  }

  awaitable<Result<void>> acquire() {
    if (closed_) co_return fail(Code::unavailable, "the connection is being closed");
    if (in_use_ < settings_.max && waiters_.empty()) {
      ++in_use_;
      co_return Result<void>{};
    }
    Waiter waiter{asio::steady_timer{co_await asio::this_coro::executor, settings_.acquire_timeout}};
    const auto place = waiters_.insert(waiters_.end(), &waiter);
    ++waits_.waited;
    const auto since = Steady::now();
    co_await waiter.timer.async_wait(as_tuple_awaitable);
    waits_.longest_wait =
        std::max(waits_.longest_wait, std::chrono::duration_cast<Duration>(Steady::now() - since));
    if (waiter.granted) co_return Result<void>{};  // the slot is this caller's, whatever else has happened
    waiters_.erase(place);
    if (closed_) co_return fail(Code::unavailable, "the connection is being closed");
    if (co_await is_cancelled()) co_return fail(Code::cancelled, "the call was cancelled");
    ++waits_.exhausted;
    co_return fail(Code::connection_pool_exhausted,
                   "all " + std::to_string(settings_.max) + " connections stayed in use for the whole wait");
  }

  void release() {
    if (!waiters_.empty() && !closed_) {
      auto* next = waiters_.front();
      waiters_.pop_front();
      next->granted = true;
      next->timer.cancel();
      return;
    }
    --in_use_;
    if (in_use_ == 0) drained_.cancel();
  }

  bool expired(const Opened& opened) const { return Steady::now() - opened.opened_at >= settings_.lifetime; }

  bool stale(const Opened& opened) const {
    if (expired(opened) || !opened.session->alive()) return true;
    return Steady::now() - opened.last_used > kTrustedIdle && !opened.session->reset();
  }

  // On a thread.
  Result<Opened> open(Access access) {
    auto session = source_->open(access, settings_.open_timeout);
    if (!session) {
      tally_.add_failure();
      return session.error();
    }
    tally_.add_opened();
    return Opened{{session->release(), CloseSession{&tally_}}, access, Steady::now(), Steady::now()};
  }

  // The one used last, so that the others can grow old. At the maximum, one of the other kind makes room.
  std::optional<Opened> take_idle(Access access) {
    for (auto it = idle_.rbegin(); it != idle_.rend(); ++it) {
      if (it->access != access) continue;
      std::optional<Opened> out{std::move(*it)};
      idle_.erase(std::next(it).base());
      return out;
    }
    if (in_use_ + idle_.size() > settings_.max && !idle_.empty()) {
      discard(std::move(idle_.front()));
      idle_.erase(idle_.begin());
    }
    return std::nullopt;
  }

  // On a thread. `opened` is empty afterwards when the session cannot be used again.
  Result<void> run(Access access, std::optional<Opened>& opened, Interrupter& interrupter,
                   const std::function<Result<void>(Session&)>& work) {
    auto current = std::exchange(opened, std::nullopt);
    if (current && stale(*current)) current.reset();
    if (!current) {
      VMC_TRY(fresh, open(access));
      current = std::move(fresh);
    }
    auto& session = *current->session;
    const auto outcome = [&] {
      const Attached attached{interrupter, session};
      return work(session);
    }();
    if (session.reset()) {
      current->last_used = Steady::now();
      opened = std::move(current);
    }
    return outcome;
  }

  // Closing may speak with a server, which no loop waits for.
  void discard(Opened opened) {
    auto close = [session = std::move(opened.session)]() mutable { session.reset(); };
    asio::post(threads_.threads(), std::move(close));
  }

  void schedule_housekeeping() {
    housekeeping_.expires_after(std::max<Duration>(std::min(settings_.ping, settings_.idle_timeout / 2),
                                                   std::chrono::milliseconds{10}));
    housekeeping_.async_wait([this](const boost::system::error_code& stopped) {
      if (stopped || closed_) return;
      keep_house();
      schedule_housekeeping();
    });
  }

  // Old ones go, idle ones go down to the minimum, the rest is pinged; a session that fails is dropped. Then
  // there are as many as the minimum again, if ever one was used.
  void keep_house() {
    const auto now = Steady::now();
    std::list<Opened> keep;
    for (auto& opened : idle_) {
      const bool spare =
          in_use_ + keep.size() >= settings_.min && now - opened.last_used >= settings_.idle_timeout;
      if (expired(opened) || spare)
        discard(std::move(opened));
      else
        keep.push_back(std::move(opened));
    }
    idle_.clear();
    for (auto& opened : keep) {
      if (now - opened.last_used < settings_.ping || in_use_ >= settings_.max)
        idle_.push_back(std::move(opened));
      else
        ping(std::move(opened));
    }
    while (used_ && in_use_ + idle_.size() < settings_.min) warm();
  }

  void warm() {
    auto job = [this]() -> std::optional<Opened> {
      auto fresh = open(Access::read);
      if (fresh) return std::move(*fresh);
      log::warn("sources", "a spare connection cannot be opened", {{"error", fresh.error().text()}});
      return std::nullopt;
    };
    on_a_thread(std::move(job));
  }

  void ping(Opened opened) {
    auto job = [opened = std::move(opened)]() mutable -> std::optional<Opened> {
      if (!opened.session->reset()) return std::nullopt;
      return std::move(opened);
    };
    on_a_thread(std::move(job));
  }

  // `job` has a place among `max`; the session it returns becomes idle.
  template <class Job>
  void on_a_thread(Job job) {
    ++in_use_;
    auto home = asio::make_work_guard(housekeeping_.get_executor());
    auto run = [this, home, job = std::move(job)]() mutable {
      auto opened = job();
      auto back = [this, opened = std::move(opened)]() mutable {
        if (opened) idle_.push_back(std::move(*opened));
        release();
      };
      asio::post(home.get_executor(), std::move(back));
    };
    asio::post(threads_.threads(), std::move(run));
  }

  std::unique_ptr<Source> source_;
  PoolSettings settings_;
  Tally tally_;
  PoolFigures waits_;  // only what is counted here
  bool used_ = false;
  std::list<Opened> idle_;      // the longest idle first
  std::list<Waiter*> waiters_;  // first come, first served
  std::size_t in_use_ = 0;
  bool closed_ = false;
  asio::steady_timer housekeeping_;
  asio::steady_timer drained_;
  Pool threads_;  // last: its destruction waits for jobs that use what stands above
};

}  // namespace

std::unique_ptr<SourcePool> make_source_pool(asio::io_context& loop, std::unique_ptr<Source> source,
                                             PoolSettings settings) {
  return std::make_unique<Pooled>(loop, std::move(source), settings);
}

}  // namespace vmc::sources
