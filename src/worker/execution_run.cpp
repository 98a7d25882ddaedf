#include "worker/execution_run.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "core/crash_point.hpp"
#include "core/event.hpp"
#include "core/ids.hpp"
#include "core/log.hpp"
#include "crypto/hash.hpp"
#include "state/commands.hpp"
#include "worker/intake.hpp"

namespace vmc::worker {
namespace {

constexpr auto kParkedForever = std::chrono::hours{24 * 365};
constexpr auto kRetryAfter = std::chrono::seconds{5};  // after an error that has nothing to do with the run

// Trying again cannot help; but a lost lease or a stop says nothing about the run.
bool ends_the_run(const Error& error) {
  return !error.retryable() && error.code != Code::conflict && error.code != Code::cancelled;
}

wire::Input input_of(const wire::Command& command, const workflow::PartExtracted& extracted,
                     const Side& source) {
  return {extracted.buffer_key,          extracted.chunks,     command.data_key, command.command_id,
          source.connector.connector_id, command.attempt_epoch};
}

}  // namespace

ExecutionRun::ExecutionRun(asio::io_context& loop, Platform& platform, const Settings& settings,
                           const bool& draining, state::Lease lease)
    : loop_{loop}, platform_{platform}, settings_{settings}, draining_{draining}, lease_{std::move(lease)} {}

awaitable<void> ExecutionRun::run() {
  co_await asio::this_coro::throw_if_cancelled(false);
  TaskGroup keeper{loop_.get_executor(), TaskGroup::OnError::keep_going};
  keeper.spawn("lease", keep_lease());
  auto outcome = co_await advance();
  if (!outcome && ends_the_run(outcome.error())) outcome = co_await give_up(outcome.error());
  if (!outcome) {
    log::warn("worker", "an execution could not go on",
              {{"execution", lease_.execution_id}, {"error", outcome.error().text()}});
    const auto now = platform_.clock.now();
    auto retry = [&](store::Tx& tx) -> Result<bool> {
      return state::park_job(tx, lease_, now + micros(kRetryAfter), outcome.error().message, now);
    };
    auto parked = co_await platform_.db.transact(lease_.tenant, retry);
    if (!parked)
      log::warn("worker", "the lease runs out by itself",
                {{"execution", lease_.execution_id}, {"error", parked.error().text()}});
  }
  keeper.cancel();
  co_await keeper.join();
}

awaitable<void> ExecutionRun::keep_lease() {
  co_await asio::this_coro::throw_if_cancelled(false);
  while (co_await pause_for(settings_.lease / 3)) {
    const auto until = platform_.clock.now() + micros(settings_.lease);
    auto renew = [&](store::Tx& tx) { return state::renew_lease(tx, lease_, until); };
    auto renewed = co_await platform_.db.transact(lease_.tenant, renew);
    if (!renewed) {
      log::warn("worker", "a lease was lost",
                {{"execution", lease_.execution_id}, {"error", renewed.error().text()}});
      done_ = true;
      co_return;
    }
  }
}

awaitable<Result<void>> ExecutionRun::advance() {
  auto load = [&](store::Tx& tx) { return load_context(tx, lease_, platform_.master_key.view()); };
  auto loaded = co_await platform_.db.read(lease_.tenant, load);
  if (!loaded) {
    if (loaded.error().retryable()) co_return loaded.error();
    co_return co_await give_up(loaded.error());
  }
  run_ = std::move(*loaded);
  crash_point("worker.leased");
  while (!done_ && !draining_ && !co_await stopping()) {
    VMC_CO_CHECK(co_await take_in());
    if (!run_.state.started && !run_.state.cancel_requested && !run_.state.paused) {
      VMC_CO_TRY(cause, co_await start());
      if (cause.empty()) continue;
      const workflow::Park behind{std::move(cause), std::nullopt};
      VMC_CO_TRY(woken, co_await park(behind));
      if (!woken) co_return Result<void>{};
      continue;
    }
    const auto plan =
        workflow::next(run_.workflow.definition, run_.state, workflow::PlanLimits{}, platform_.clock.now());
    if (const auto* parked = plan.park()) {
      VMC_CO_TRY(woken, co_await park(*parked));
      if (!woken) co_return Result<void>{};
      continue;
    }
    VMC_CO_TRY(acted, co_await act(plan));
    if (!acted) co_return fail(Code::internal, "the plan has neither something to do nor a reason to wait");
  }
  if (done_) co_return Result<void>{};
  // Told to stop: hand the job back at once, so that another worker goes on from here.
  const auto now = platform_.clock.now();
  auto release = [&](store::Tx& tx) { return state::park_job(tx, lease_, now, "", now); };
  auto released = co_await platform_.db.transact(lease_.tenant, release);
  if (!released) co_return released.error();
  platform_.bus.publish(state::kJobsTopic);
  co_return Result<void>{};
}

Result<void> ExecutionRun::record(store::Tx& tx, workflow::EventBody body,
                                  std::vector<workflow::Event>& recorded) const {
  workflow::Event event;
  event.seq = run_.state.last_seq + static_cast<std::int64_t>(recorded.size()) + 1;
  event.time = platform_.clock.now();
  event.body = std::move(body);
  VMC_CHECK(state::append_event(tx, lease_, event, event.time));
  recorded.push_back(std::move(event));
  return {};
}

void ExecutionRun::apply(const std::vector<workflow::Event>& events) {
  for (const auto& event : events) workflow::apply(run_.state, event);
  if (!events.empty()) platform_.bus.publish(state::execution_topic(lease_.tenant, lease_.execution_id));
}

awaitable<Result<void>> ExecutionRun::take_in() {
  std::vector<workflow::Event> recorded;
  const auto read_back = run_.chain().load_params().read_back();
  auto look = [&](store::Tx& tx) -> Result<bool> {
    VMC_TRY(execution, state::find_execution(tx, lease_.execution_id));
    VMC_TRY(finished, state::finished_commands(tx, lease_.execution_id, run_.tenant_key.view()));
    run_.execution.control = execution.control;
    const bool asked = (execution.control == "cancel" && !run_.state.cancel_requested) ||
                       ((execution.control == "pause") != run_.state.paused);
    return asked || !finished.empty();
  };
  VMC_CO_TRY(something, co_await platform_.db.read(lease_.tenant, look));
  if (!something) co_return Result<void>{};
  auto work = [&](store::Tx& tx) -> Result<bool> {
    recorded.clear();
    VMC_CHECK(state::check_lease(tx, lease_));
    const auto& control = run_.execution.control;
    if (control == "cancel" && !run_.state.cancel_requested)
      VMC_CHECK(record(tx, workflow::CancelRequested{}, recorded));
    if (control == "pause" && !run_.state.paused) VMC_CHECK(record(tx, workflow::PauseRequested{}, recorded));
    if (control.empty() && run_.state.paused) VMC_CHECK(record(tx, workflow::Resumed{}, recorded));
    VMC_TRY(finished, state::finished_commands(tx, lease_.execution_id, run_.tenant_key.view()));
    auto after = run_.state;
    for (const auto& command : finished) {
      VMC_CHECK(record(tx, event_for(run_, command), recorded));
      VMC_CHECK(state::consume_command(tx, command.command.command_id));
    }
    for (const auto& event : recorded) workflow::apply(after, event);
    VMC_CHECK(state::set_summary(tx, lease_, after.paused ? "paused" : "running",
                                 workflow::to_json(workflow::summarise(after, read_back))));
    return true;
  };
  VMC_CO_TRY(taken, co_await platform_.db.transact(lease_.tenant, work));
  (void)taken;
  apply(recorded);
  crash_point("worker.results_taken");
  co_return Result<void>{};
}

// Two runs of one incremental workflow would load each other's rows in any order: they go one after the other, and each
// goes on where the one before has ended.
awaitable<Result<std::string>> ExecutionRun::start() {
  const bool incremental = run_.chain().extract_params().mode == workflow::ExtractMode::incremental;
  std::vector<workflow::Event> recorded;
  std::string cause;
  auto work = [&](store::Tx& tx) -> Result<bool> {
    recorded.clear();
    cause.clear();
    VMC_CHECK(state::check_lease(tx, lease_));
    if (incremental) {
      VMC_TRY(before, state::run_before(tx, run_.execution));
      if (before) cause = fmt::format("an earlier run of this workflow is under way: {}", *before);
      if (before) return true;
    }
    VMC_TRY(after, state::watermark(tx, run_.workflow));
    VMC_CHECK(record(tx, workflow::Started{run_.workflow.hash, std::move(after)}, recorded));
    return true;
  };
  VMC_CO_TRY(written, co_await platform_.db.transact(lease_.tenant, work));
  (void)written;
  apply(recorded);
  co_return cause;
}

awaitable<Result<bool>> ExecutionRun::act(const workflow::Plan& plan) {
  bool issues = false;
  const workflow::Shape* shape_action = nullptr;
  for (const auto& action : plan.actions) {
    if (const auto* end = std::get_if<workflow::Finish>(&action)) {
      VMC_CO_CHECK(co_await finish(*end));
      co_return true;
    }
    if (const auto* s = std::get_if<workflow::Shape>(&action)) {
      if (!shape_action) shape_action = s;
    } else if (!std::holds_alternative<workflow::Park>(action)) {
      issues = true;
    }
  }
  if (issues) VMC_CO_CHECK(co_await issue(plan));
  // One part at a time: what agents answer meanwhile is taken in before the next.
  if (shape_action) VMC_CO_CHECK(co_await shape(*shape_action));
  co_return issues || shape_action != nullptr;
}

awaitable<Result<void>> ExecutionRun::issue(const workflow::Plan& plan) {
  std::vector<workflow::Event> recorded;
  std::set<std::string> connectors;
  const auto chain = run_.chain();
  auto work = [&](store::Tx& tx) -> Result<bool> {
    recorded.clear();
    connectors.clear();
    VMC_CHECK(state::check_lease(tx, lease_));
    const CommandFactory factory{run_, settings_, platform_.clock.now()};
    auto send = [&](const Side& side, const workflow::Link& link, wire::Command command) -> Result<void> {
      VMC_CHECK(state::enqueue_command(tx, side.connector.connector_id, command, run_.tenant_key.view(),
                                       platform_.clock.now()));
      connectors.insert(side.connector.connector_id);
      return record(tx,
                    workflow::CommandIssued{command.command_id, link.step->id, command.part,
                                            purpose_of(command), command.attempt_epoch},
                    recorded);
    };
    for (const auto& action : plan.actions) {
      if (const auto* split = std::get_if<workflow::IssueSplit>(&action)) {
        if (part_key(run_).empty()) {
          workflow::PartsFixed single;
          single.step = chain.extract.step->id;
          single.single = true;
          VMC_CHECK(record(tx, std::move(single), recorded));
          continue;
        }
        VMC_CHECK(send(run_.source, chain.extract, factory.split(*split)));
      } else if (const auto* extract = std::get_if<workflow::IssueExtract>(&action)) {
        VMC_CHECK(send(run_.source, chain.extract, factory.extract(*extract)));
      } else if (const auto* swap = std::get_if<workflow::IssueSwap>(&action)) {
        VMC_CHECK(send(run_.destination, chain.load, factory.swap(*swap)));
      } else if (const auto* whole = std::get_if<workflow::IssueDigestTable>(&action)) {
        VMC_CHECK(send(run_.destination, chain.load, factory.digest_table(*whole)));
      } else if (const auto* again = std::get_if<workflow::IssueLoad>(&action)) {
        const auto& shaped = *run_.state.parts.at(static_cast<std::size_t>(again->part)).shaped;
        VMC_TRY(first, state::find_any_command(tx, shaped.load_command_id, run_.tenant_key.view()));
        VMC_CHECK(send(
            run_.destination, chain.load,
            factory.load(again->part, again->epoch, *first.input, new_id("cmd", platform_.clock.now()))));
      } else if (const auto* keys = std::get_if<workflow::IssueDigestKeys>(&action)) {
        const auto& shaped = *run_.state.parts.at(static_cast<std::size_t>(keys->part)).shaped;
        VMC_TRY(first, state::find_any_command(tx, shaped.load_command_id, run_.tenant_key.view()));
        VMC_CHECK(send(run_.destination, chain.load, factory.digest_keys(*keys, *first.input)));
      }
    }
    return true;
  };
  VMC_CO_TRY(issued, co_await platform_.db.transact(lease_.tenant, work));
  (void)issued;
  apply(recorded);
  crash_point("worker.commands_issued");
  for (const auto& connector : connectors)
    platform_.bus.publish(state::connector_topic(lease_.tenant, connector));
  co_return Result<void>{};
}

awaitable<Result<void>> ExecutionRun::prepare_script() {
  const auto chain = run_.chain();
  if (chain.transforms.empty() || script_loaded_) co_return Result<void>{};
  const auto& params = std::get<workflow::TransformParams>(chain.transforms.front().activity->params);
  if (!sandbox_) sandbox_ = script::make_sandbox(loop_, platform_.cpu);
  script::Script script;
  script.name = chain.transforms.front().activity->id;
  script.source = params.function;
  script.output = destination_type(run_);
  script.limits.memory_bytes = settings_.script_memory;
  script.limits.cpu = settings_.script_cpu;
  script.limits.wall = settings_.script_wall;
  auto entry = co_await sandbox_->load(std::move(script));
  if (!entry) co_return entry.error();
  script_loaded_ = true;
  co_return Result<void>{};
}

awaitable<Result<void>> ExecutionRun::shape(const workflow::Shape& action) {
  const auto chain = run_.chain();
  const auto extracted = *run_.state.parts.at(static_cast<std::size_t>(action.part)).extracted;
  auto find = [&](store::Tx& tx) {
    return state::find_any_command(tx, extracted.command_id, run_.tenant_key.view());
  };
  VMC_CO_TRY(extract, co_await platform_.db.read(lease_.tenant, find));
  const CommandFactory factory{run_, settings_, platform_.clock.now()};
  const auto load_id = new_id("cmd", platform_.clock.now());
  std::optional<Result<Shaped>> shaped;
  auto prepared = co_await prepare_script();
  if (!prepared) {
    shaped = prepared.error();
  } else {
    Shaper shaper{loop_.get_executor(), platform_, run_, sandbox_.get(), seen_};
    auto input = input_of(extract, extracted, run_.source);
    auto data_key = crypto::random_bytes(32);
    shaped = co_await shaper.run(action.part, action.epoch, std::move(input), load_id, std::move(data_key));
  }
  if (co_await stopping()) co_return fail(Code::cancelled, "the worker is stopping");
  if (!*shaped) script_loaded_ = false;  // whatever state the script is in, the next attempt starts afresh
  std::vector<workflow::Event> recorded;
  auto work = [&](store::Tx& tx) -> Result<bool> {
    recorded.clear();
    VMC_CHECK(state::check_lease(tx, lease_));
    if (!*shaped) {
      const auto& error = shaped->error();
      workflow::CommandFailed failed{
          "",
          chain.transforms.empty() ? chain.load.step->id : chain.transforms.front().step->id,
          action.part,
          workflow::Purpose::shape,
          error.code,
          error.message,
          error.retryable(),
          action.attempt};
      VMC_CHECK(record(tx, std::move(failed), recorded));
      return true;
    }
    const auto& event = (*shaped)->event;
    if (event.rows_in != extracted.rows || event.digest_in != extracted.digest) {
      workflow::PartDiffers differs{action.part, extracted.epoch, extracted.command_id, event.rows_in, event.digest_in};
      VMC_CHECK(record(tx, std::move(differs), recorded));
      return true;
    }
    VMC_CHECK(record(tx, event, recorded));
    if (event.chunks > 0)
      VMC_CHECK(state::enqueue_command(tx, run_.destination.connector.connector_id,
                                       factory.load(action.part, action.epoch, (*shaped)->input, load_id),
                                       run_.tenant_key.view(), platform_.clock.now()));
    return true;
  };
  VMC_CO_TRY(written, co_await platform_.db.transact(lease_.tenant, work));
  (void)written;
  apply(recorded);
  crash_point("worker.part_shaped");
  platform_.bus.publish(state::connector_topic(lease_.tenant, run_.destination.connector.connector_id));
  co_return Result<void>{};
}

awaitable<Result<bool>> ExecutionRun::park(const workflow::Park& park) {
  const auto now = platform_.clock.now();
  const auto until = park.until.value_or(now + micros(kParkedForever));
  auto work = [&](store::Tx& tx) { return state::park_job(tx, lease_, until, park.cause, now); };
  VMC_CO_TRY(woken, co_await platform_.db.transact(lease_.tenant, work));
  crash_point("worker.parked");
  if (!woken) platform_.bus.publish(state::execution_topic(lease_.tenant, lease_.execution_id));
  // Woken meanwhile: the row is due, and any worker, this one included, may lease it.
  if (woken) platform_.bus.publish(state::kJobsTopic);
  co_return false;
}

// The set is named after the watermark it belongs to, so that it counts from the moment the watermark does.
awaitable<Result<void>> ExecutionRun::merge_seen() {
  std::vector<RowHash> all;
  for (const auto& part : run_.state.parts) {
    if (!part.shaped) continue;
    auto name = seen_part_object(run_, part.shaped->part, part.shaped->epoch);
    auto sealed = co_await platform_.objects.get(std::move(name));
    if (!sealed && sealed.error().code == Code::not_found) continue;
    if (!sealed) co_return sealed.error();
    VMC_CO_TRY(hashes, unpack_seen(*sealed, run_));
    all.insert(all.end(), hashes.begin(), hashes.end());
  }
  if (all.size() > kSeenRowsMax) co_return Result<void>{};  // those rows are moved again
  auto packed = pack_seen(all, run_);
  VMC_CO_CHECK(co_await platform_.objects.put(seen_object(run_, run_.state.parts_fixed->up_to), std::move(packed)));
  co_return co_await platform_.objects.sync(
      fmt::format("cursors/{}/{}/", lease_.tenant, run_.execution.workflow_id));
}

// The set says which states of rows the destination has. A run that has loaded others over them and does not move the
// watermark makes it wrong; where a row may be applied again, it is given up. Rows that are only inserted come once.
awaitable<Result<void>> ExecutionRun::forget_seen() {
  const auto& state = run_.state;
  if (!state.started || !state.started->after) co_return Result<void>{};
  if (run_.chain().load_params().mode == workflow::LoadMode::insert) co_return Result<void>{};
  if (!state.started_loading()) co_return Result<void>{};
  co_return co_await platform_.objects.remove(seen_object(run_, *state.started->after));
}

// Nobody waits for it: where it does not come through, the table's next swap clears away.
Result<void> ExecutionRun::drop_aside(store::Tx& tx, Micros now) const {
  const CommandFactory factory{run_, settings_, now};
  auto queued = state::enqueue_command(tx, run_.destination.connector.connector_id, factory.drop_aside(),
                                       run_.tenant_key.view(), now);
  if (!queued) return queued.error();
  return {};
}

awaitable<Result<void>> ExecutionRun::finish(const workflow::Finish& action) {
  const auto chain = run_.chain();
  const bool moves_cursor = action.status == workflow::FinalStatus::succeeded && run_.state.parts_fixed &&
                            !run_.state.parts_fixed->up_to.empty();
  Json position = Json::array();
  if (moves_cursor) {
    VMC_CO_CHECK(co_await merge_seen());
    for (const auto& value : run_.state.parts_fixed->up_to) position.push_back(data::to_json(value));
  }
  if (action.status != workflow::FinalStatus::succeeded) VMC_CO_CHECK(co_await forget_seen());
  const bool leaves_rows_aside = chain.load_params().read_back() == workflow::ReadBack::table && !run_.state.swapped &&
                                 run_.state.started_loading();
  crash_point("worker.before_finish");
  std::vector<workflow::Event> recorded;
  std::vector<std::pair<std::string, std::string>> cancelled;
  Result<void> told;
  auto work = [&](store::Tx& tx) -> Result<bool> {
    recorded.clear();
    VMC_CHECK(state::check_lease(tx, lease_));
    const auto now = platform_.clock.now();
    workflow::Finished finished{action.status, action.code, action.message, action.summary};
    if (moves_cursor)
      VMC_CHECK(state::save_cursor(tx, run_.execution.workflow_id, chain.extract.step->id, position,
                                   run_.execution.execution_id, now));
    VMC_CHECK(record(tx, finished, recorded));
    auto open = state::cancel_commands(tx, lease_.execution_id, now);
    if (!open) return open.error();
    cancelled = std::move(*open);
    if (leaves_rows_aside) told = drop_aside(tx, now);
    Json summary = action.summary;
    summary["message"] = action.message;
    if (action.code) summary["code"] = info(*action.code).name;
    VMC_CHECK(state::finish_execution(tx, lease_, workflow::to_string(action.status), summary, now));
    return true;
  };
  VMC_CO_TRY(written, co_await platform_.db.transact(lease_.tenant, work));
  (void)written;
  done_ = true;
  apply(recorded);
  crash_point("worker.finished");
  platform_.bus.publish(state::kJobsTopic);  // the workflow's next run may wait for this
  for (const auto& [connector, command] : cancelled)
    platform_.bus.publish(state::connector_topic(lease_.tenant, connector));
  if (!told)
    log::warn("worker", "what an execution has laid aside stays until the table's next swap",
              {{"execution", lease_.execution_id}, {"error", told.error().text()}});
  if (leaves_rows_aside)
    platform_.bus.publish(state::connector_topic(lease_.tenant, run_.destination.connector.connector_id));
  // The rows are where they belong; what is left of them here goes at once.
  auto cleaned =
      co_await platform_.objects.remove_all(fmt::format("buffer/{}/{}/", lease_.tenant, lease_.execution_id));
  if (!cleaned)
    log::warn("worker", "the buffer of a finished execution stays until its time is over",
              {{"execution", lease_.execution_id}, {"error", cleaned.error().text()}});
  log::info("worker", "execution finished",
            {{"execution", lease_.execution_id},
             {"workflow", run_.workflow.name},
             {"status", workflow::to_string(action.status)},
             {"message", action.message}});
  co_return Result<void>{};
}

awaitable<Result<void>> ExecutionRun::give_up(Error error) {
  if (run_.state.started) VMC_CO_CHECK(co_await forget_seen());
  const auto now = platform_.clock.now();
  auto work = [&](store::Tx& tx) -> Result<bool> {
    VMC_CHECK(state::check_lease(tx, lease_));
    Json summary{
        {"message", error.message}, {"code", error.name()}, {"next", error.next()}, {"proof", false}};
    VMC_CHECK(state::finish_execution(tx, lease_, "failed", summary, now));
    return true;
  };
  VMC_CO_TRY(written, co_await platform_.db.transact(lease_.tenant, work));
  (void)written;
  done_ = true;
  platform_.bus.publish(state::execution_topic(lease_.tenant, lease_.execution_id));
  platform_.bus.publish(state::kJobsTopic);
  log::warn("worker", "an execution was given up",
            {{"execution", lease_.execution_id}, {"error", error.text()}});
  co_return Result<void>{};
}

}  // namespace vmc::worker
