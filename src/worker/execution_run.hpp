// One leased execution, advanced until it is finished or parked.
//
// Each turn: take in what agents answered, ask the plan, do what it says. Every write carries the lease's
// fencing token, and an effect and the event that records it stand in one transaction.
#pragma once

#include "script/sandbox.hpp"
#include "worker/command_factory.hpp"
#include "worker/run_context.hpp"
#include "worker/shaper.hpp"

namespace vmc::worker {

class ExecutionRun {
 public:
  // `draining`: the role was asked to stop; looked at between two turns.
  ExecutionRun(asio::io_context& loop, Platform& platform, const Settings& settings, const bool& draining,
               state::Lease lease);

  // Returns when the execution is finished, parked, or the lease was lost.
  awaitable<void> run();

 private:
  awaitable<Result<void>> advance();
  awaitable<Result<void>> take_in();
  awaitable<Result<std::string>> start();  // why not yet; "": it has started
  awaitable<Result<bool>> act(const workflow::Plan& plan);  // true: something was done
  awaitable<Result<void>> issue(const workflow::Plan& plan);
  awaitable<Result<void>> shape(const workflow::Shape& action);
  awaitable<Result<bool>> park(const workflow::Park& park);  // true: woken meanwhile
  awaitable<Result<void>> finish(const workflow::Finish& action);
  Result<void> drop_aside(store::Tx& tx, Micros now) const;
  awaitable<Result<void>> give_up(Error error);                    // trying again cannot help
  awaitable<Result<void>> prepare_script();
  awaitable<Result<void>> merge_seen();
  awaitable<Result<void>> forget_seen();
  awaitable<void> keep_lease();

  Result<void> record(store::Tx& tx, workflow::EventBody body, std::vector<workflow::Event>& recorded) const;
  void apply(const std::vector<workflow::Event>& events);

  asio::io_context& loop_;
  Platform& platform_;
  const Settings& settings_;
  const bool& draining_;
  state::Lease lease_;
  RunContext run_;
  std::unique_ptr<script::Sandbox> sandbox_;
  bool script_loaded_ = false;
  SeenRows seen_;
  bool done_ = false;
};

}  // namespace vmc::worker
