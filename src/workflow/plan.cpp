#include "workflow/plan.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "workflow/chain.hpp"

namespace vmc::workflow {
namespace {

// Spread over ±20 % by what failed, so that parts which failed together do not come back together.
Micros retry_at(const Attempts& attempts, const PlanLimits& limits) {
  auto delay = limits.backoff;
  for (int i = 1; i < attempts.failures + attempts.waits && delay < limits.backoff_max; ++i) delay *= 2;
  delay = std::min(delay, limits.backoff_max);
  std::uint64_t hash = 1469598103934665603u;
  for (char c : fmt::format("{}/{}/{}", attempts.command_id, attempts.epoch, attempts.failed_at))
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  const auto permille = 800 + static_cast<std::int64_t>((hash >> 20) % 401);
  return attempts.failed_at + delay.count() / 1000 * permille;
}

// What makes the run end before its work is done.
std::optional<Failure> fatal(const Definition& definition, const ExecutionState& state, const Chain& chain,
                             const PlanLimits& limits) {
  if (state.started && state.started->definition_hash != hash(definition))
    return Failure{Code::workflow_hash_mismatch,
                   "the definition is not the one this execution was started with", "", 0};
  if (state.failure) {
    const auto& f = *state.failure;
    return Failure{f.code, fmt::format("step '{}', part {}: {}", f.step, f.part, f.message), f.step, f.part};
  }
  const auto exhausted = [&](const Attempts& attempts, const Step* step,
                             std::size_t part) -> std::optional<Failure> {
    if (attempts.failures < limits.attempts && attempts.waits < limits.waits) return std::nullopt;
    const auto message = fmt::format("step '{}', part {} failed {} times, the last time with: {}", step->id,
                                     part, attempts.failures + attempts.waits, attempts.message);
    return Failure{attempts.code.value_or(Code::internal), message, step->id,
                   static_cast<std::int64_t>(part)};
  };
  if (!state.parts_fixed) return exhausted(state.split, chain.extract.step, 0);
  if (!state.swapped)
    if (auto failure = exhausted(state.swap, chain.load.step, 0)) return failure;
  if (!state.table)
    if (auto failure = exhausted(state.digest_table, chain.load.step, 0)) return failure;

  const Step* shaping = chain.transforms.empty() ? chain.load.step : chain.transforms.front().step;
  std::int64_t rows_in = 0, refused = 0;
  bool all_shaped = true;
  for (std::size_t i = 0; i < state.parts.size(); ++i) {
    const auto& part = state.parts[i];
    if (!part.extracted)
      if (auto failure = exhausted(part.extract, chain.extract.step, i)) return failure;
    if (!part.shaped)
      if (auto failure = exhausted(part.shape, shaping, i)) return failure;
    if (!part.loaded)
      if (auto failure = exhausted(part.load, chain.load.step, i)) return failure;
    if (!part.destination)
      if (auto failure = exhausted(part.digest_keys, chain.load.step, i)) return failure;
    all_shaped = all_shaped && part.shaped;
    if (part.shaped) rows_in += part.shaped->rows_in;
    if (part.shaped) refused += part.shaped->refused;
  }
  const auto base = all_shaped ? rows_in : std::max(rows_in, state.parts_fixed->rows_estimate);
  const auto allowed = refused_limit(chain).allowed_of(base);
  if (refused > allowed)
    return Failure{Code::script_error,
                   fmt::format("{} of {} rows were refused, {} are allowed", refused, rows_in, allowed),
                   shaping->id, 0};
  return std::nullopt;
}

class Planner {
 public:
  Planner(const Chain& chain, const ExecutionState& state, const PlanLimits& limits, Micros now)
      : chain_{chain}, state_{state}, limits_{limits}, now_{now}, read_back_{chain.load_params().read_back()} {}

  Plan make() {
    if (!state_.parts_fixed)
      split();
    else if (!state_.all_loaded())
      move_parts();
    else if (read_back_ == ReadBack::table && !state_.swapped)
      swap();
    else
      verify();
    if (plan_.actions.empty()) plan_.actions.push_back(Park{cause(), until_});
    return std::move(plan_);
  }

 private:
  void split() {
    if (state_.split.open) return wait_for("split");
    if (!due(state_.split)) return;
    plan_.actions.push_back(IssueSplit{state_.split.epoch + 1});
  }

  void move_parts() {
    auto in_flight = std::count_if(state_.parts.begin(), state_.parts.end(),
                                   [](const PartState& p) { return p.in_flight(); });
    const bool in_order = state_.in_order();
    bool may_read = true, may_load = true;  // nothing before this part keeps it from that
    for (std::size_t i = 0; i < state_.parts.size(); ++i) {
      const auto& part = state_.parts[i];
      const auto number = static_cast<std::int64_t>(i);
      const bool to_load = std::exchange(may_load, may_load && (!in_order || settled(part)));
      const bool to_read = std::exchange(may_read, may_read && (!in_order || part.extracted));
      if (part.loaded) {
        int open = 0;
        if (in_order && !settled(part)) check_part(part.digest_keys, i, open);
        continue;
      }
      if (part.shaped) {
        if (part.load.open)
          wait_for("load");
        else if (due(part.load))
          plan_.actions.push_back(IssueLoad{number, part.load.epoch + 1});
      } else if (part.extracted) {
        if (!to_load) continue;
        const bool shape_due = due(part.shape), load_due = due(part.load);
        if (shape_due && load_due)
          plan_.actions.push_back(Shape{number, part.load.epoch + 1, part.shape.failures + 1});
      } else if (part.extract.open) {
        wait_for("extract");
      } else if (to_read && (part.started() || in_flight < limits_.parts_in_flight)) {
        if (!part.started()) ++in_flight;
        if (due(part.extract)) plan_.actions.push_back(IssueExtract{number, part.extract.epoch + 1});
      }
    }
  }

  void swap() {
    if (state_.swap.open) return wait_for("swap");
    if (due(state_.swap)) plan_.actions.push_back(IssueSwap{state_.swap.epoch + 1});
  }

  void verify() {
    int open = state_.digest_table.open;
    for (const auto& part : state_.parts) open += part.digest_keys.open;
    bool complete = true;
    for (std::size_t i = 0; i < state_.parts.size(); ++i) {
      const auto& part = state_.parts[i];
      if (!settled(part)) complete = false, check_part(part.digest_keys, i, open);
    }
    if (read_back_ == ReadBack::table && !state_.table) complete = false, check_table(open);
    if (complete) finish();
  }

  // Loaded, and read back where that can be done.
  bool settled(const PartState& part) const {
    const bool to_read_back = read_back_ == ReadBack::keys && part.loaded && !part.shaped->load_command_id.empty();
    return part.loaded && (!to_read_back || part.destination);
  }

  void check_table(int open) {
    if (state_.digest_table.open) return wait_for("digest");
    if (due(state_.digest_table) && open < limits_.parts_in_flight)
      plan_.actions.push_back(IssueDigestTable{state_.digest_table.epoch + 1});
  }

  void check_part(const Attempts& attempts, std::size_t part, int& open) {
    if (attempts.open) return wait_for("digest");
    if (!due(attempts) || open >= limits_.parts_in_flight) return;
    ++open;
    plan_.actions.push_back(IssueDigestKeys{static_cast<std::int64_t>(part), attempts.epoch + 1});
  }

  void finish() {
    const auto summary = summarise(state_, read_back_);
    if (summary.failed_parts.empty() && !summary.table_differs) {
      plan_.actions.push_back(Finish{FinalStatus::succeeded, std::nullopt, "", to_json(summary)});
      return;
    }
    std::string which = summary.table_differs ? "the replaced table as a whole" : "";
    for (std::size_t i = 0; i < std::min<std::size_t>(summary.failed_parts.size(), 20); ++i)
      which +=
          fmt::format("{}{}", which.empty() ? "" : ", ", describe(static_cast<std::size_t>(summary.failed_parts[i])));
    if (summary.failed_parts.size() > 20)
      which += fmt::format(" and {} more", summary.failed_parts.size() - 20);
    plan_.actions.push_back(Finish{FinalStatus::failed, Code::buffer_integrity,
                                   "the proof of completeness does not hold: " + which, to_json(summary)});
  }

  std::string describe(std::size_t number) const {
    const auto& part = state_.parts[number];
    const bool source = part.source && !part.source->ok,
               destination = part.destination && !part.destination->ok;
    return fmt::format("part {} ({})", number,
                       source && destination ? "source and destination"
                       : source              ? "source"
                                             : "destination");
  }

  // False until its backoff is over, which the plan then waits for.
  bool due(const Attempts& attempts) {
    if (attempts.failures + attempts.waits == 0) return true;
    const auto at = retry_at(attempts, limits_);
    if (at <= now_) return true;
    ++backing_off_;
    until_ = until_ ? std::min(*until_, at) : at;
    return false;
  }

  void wait_for(std::string_view what) {
    ++waiting_;
    what_ = what;
  }

  std::string cause() const {
    const auto times = [](int n, std::string_view one, std::string_view many) {
      return fmt::format("{} {}", n, n == 1 ? one : many);
    };
    std::string text;
    if (waiting_ > 0)
      text = times(waiting_, fmt::format("{} command at its agent", what_), "commands at their agents");
    if (backing_off_ > 0)
      text += (text.empty() ? "" : "; ") +
              times(backing_off_, "failed command to be tried again", "failed commands to be tried again");
    return text;
  }

  const Chain& chain_;
  const ExecutionState& state_;
  const PlanLimits& limits_;
  Micros now_;
  ReadBack read_back_;
  Plan plan_;
  std::optional<Micros> until_;
  int waiting_ = 0, backing_off_ = 0;
  std::string_view what_;
};

Plan finish_early(const ExecutionState& state, ReadBack read_back, FinalStatus status, Code code,
                  std::string message) {
  Plan plan;
  plan.actions.push_back(Finish{status, code, std::move(message), to_json(summarise(state, read_back))});
  return plan;
}

}  // namespace

const Park* Plan::park() const { return actions.size() == 1 ? std::get_if<Park>(&actions.front()) : nullptr; }

Plan next(const Definition& definition, const ExecutionState& state, const PlanLimits& limits, Micros now) {
  if (state.finished) return {};
  const auto chain = chain_of(definition);
  if (!chain)
    return finish_early(state, ReadBack::nothing, FinalStatus::failed, chain.error().code, chain.error().message);
  const auto read_back = chain->load_params().read_back();
  if (state.cancel_requested)
    return finish_early(state, read_back, FinalStatus::cancelled, Code::cancelled,
                        "cancelled on request");
  if (auto failure = fatal(definition, state, *chain, limits))
    return finish_early(state, read_back, FinalStatus::failed, failure->code,
                        std::move(failure->message));
  if (state.paused) {
    Plan plan;
    plan.actions.push_back(Park{"paused on request", std::nullopt});
    return plan;
  }
  return Planner{*chain, state, limits, now}.make();
}

}  // namespace vmc::workflow
