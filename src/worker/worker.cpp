#include "worker/worker.hpp"

#include "core/event.hpp"
#include "core/log.hpp"
#include "core/task_group.hpp"
#include "state/commands.hpp"
#include "state/executions.hpp"
#include "worker/execution_run.hpp"

namespace vmc::worker {
namespace {

class WorkerRole final : public Worker {
 public:
  WorkerRole(asio::io_context& loop, Platform platform, const Settings& settings)
      : loop_{loop}, platform_{platform}, settings_{settings}, wake_{loop.get_executor()} {}

  awaitable<void> run() override;

 private:
  awaitable<void> run_job(state::Lease lease);
  awaitable<Result<std::optional<state::Lease>>> lease();

  asio::io_context& loop_;
  Platform platform_;
  Settings settings_;
  Event wake_;
  bool draining_ = false;
};

awaitable<Result<std::optional<state::Lease>>> WorkerRole::lease() {
  const auto now = platform_.clock.now();
  auto due = [&](store::Tx& tx) -> Result<bool> {
    VMC_TRY(next, state::next_due(tx, settings_.tier));
    return next && *next <= now;
  };
  auto something = co_await platform_.db.read(std::string{store::kPlatform}, due);
  if (!something) co_return something.error();
  if (!*something) co_return std::optional<state::Lease>{};
  auto take = [&](store::Tx& tx) {
    return state::lease_job(tx, settings_.tier, now, now + micros(settings_.lease));
  };
  co_return co_await platform_.db.transact(std::string{store::kPlatform}, take);
}

awaitable<void> WorkerRole::run_job(state::Lease lease) {
  ExecutionRun execution{loop_, platform_, settings_, draining_, std::move(lease)};
  co_await execution.run();
  wake_.notify();
}

awaitable<void> WorkerRole::run() {
  co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
  co_await asio::this_coro::throw_if_cancelled(false);
  TaskGroup jobs{loop_.get_executor(), TaskGroup::OnError::keep_going};
  auto wake = [this] { wake_.notify(); };
  auto subscription = platform_.bus.subscribe(std::string{state::kJobsTopic}, loop_.get_executor(), wake);
  log::info("worker", "ready", {{"tier", settings_.tier}, {"executions", settings_.executions_at_once}});
  while (!co_await stopping()) {
    if (jobs.size() < settings_.executions_at_once) {
      auto leased = co_await lease();
      if (!leased) log::warn("worker", "cannot lease", {{"error", leased.error().text()}});
      if (leased && *leased) {
        jobs.spawn("execution", run_job(std::move(**leased)));
        continue;
      }
    }
    co_await wake_.wait_for(settings_.sweep);
  }
  draining_ = true;
  co_await jobs.join();
}

}  // namespace

std::unique_ptr<Worker> make_worker(asio::io_context& loop, Platform platform, const Settings& settings) {
  return std::make_unique<WorkerRole>(loop, platform, settings);
}

}  // namespace vmc::worker
