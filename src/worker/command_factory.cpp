#include "worker/command_factory.hpp"

#include <fmt/format.h>

#include "core/ids.hpp"
#include "crypto/hash.hpp"
#include "state/commands.hpp"
#include "worker/window.hpp"

namespace vmc::worker {
namespace {

constexpr auto kWholeTable = std::chrono::minutes{10};  // at least, for reading a replaced table back

}  // namespace

workflow::Purpose purpose_of(const wire::Command& command) {
  switch (command.operation) {
    case wire::Operation::split:
      return workflow::Purpose::split;
    case wire::Operation::extract:
      return workflow::Purpose::extract;
    case wire::Operation::load:
      return workflow::Purpose::load;
    case wire::Operation::digest:
      return workflow::Purpose::digest_table;
    case wire::Operation::digest_keys:
      return workflow::Purpose::digest_keys;
    case wire::Operation::swap:
      return workflow::Purpose::swap;
    case wire::Operation::query:
    case wire::Operation::drop_aside:
      break;
  }
  throw std::logic_error{"no step of an execution waits for this command"};
}

wire::Command CommandFactory::base(const workflow::Link& link, wire::Operation operation, const Side& side,
                                   std::int64_t part, std::int64_t epoch) const {
  wire::Command command;
  command.command_id = new_id("cmd", now_);
  command.execution_id = run_.execution.execution_id;
  command.activity_id = link.activity->id;
  command.workflow_id = run_.workflow.workflow_id;
  command.workflow_name = run_.workflow.name;
  command.attempt = static_cast<int>(epoch);
  command.attempt_epoch = epoch;
  command.part = static_cast<int>(part);
  command.operation = operation;
  command.payload.connection = side.connection;
  command.payload.timeout_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(settings_.command_timeout).count();
  command.payload.idempotency_key = fmt::format("{}-{}-{}-{}-{}", run_.execution.execution_id, link.step->id,
                                                to_string(operation), part, epoch);
  command.payload.expires_at = now_ + settings_.command_ttl.count();
  command.data_key = crypto::random_bytes(32);
  return command;
}

data::Intent CommandFactory::part_intent(std::int64_t part) const {
  const auto chain = run_.chain();
  data::Intent intent;
  intent.table = run_.source.table.name;
  intent.columns = source_columns(run_);
  intent.filter = chain.extract_params().where;
  if (const auto& range = run_.state.parts.at(static_cast<std::size_t>(part)).range) {
    intent.ranges.push_back(*range);
    for (const auto& column : range->columns) intent.order.push_back({column, false});
  }
  return intent;
}

wire::Command CommandFactory::split(const workflow::IssueSplit& action) const {
  const auto chain = run_.chain();
  auto command = base(chain.extract, wire::Operation::split, run_.source, 0, action.epoch);
  data::Intent intent;
  intent.table = run_.source.table.name;
  intent.columns = part_key(run_);
  intent.filter = chain.extract_params().where;
  auto start = window_start(run_);
  if (!start.empty()) intent.ranges.push_back({part_key(run_), std::move(start), {}});
  command.payload.intent = std::move(intent);
  command.payload.split_key = part_key(run_);
  command.payload.rows_per_part = chain.extract_params().rows_per_part;
  return command;
}

wire::Command CommandFactory::extract(const workflow::IssueExtract& action) const {
  auto command = base(run_.chain().extract, wire::Operation::extract, run_.source, action.part, action.epoch);
  command.payload.intent = part_intent(action.part);
  command.payload.digest_seed = digest_seed(run_);
  command.upload =
      state::buffer_prefix(run_.lease.tenant, run_.execution.execution_id, command.command_id, action.epoch);
  return command;
}

wire::Command CommandFactory::load(std::int64_t part, std::int64_t epoch, const wire::Input& input,
                                   std::string command_id) const {
  const auto chain = run_.chain();
  auto command = base(chain.load, wire::Operation::load, run_.destination, part, epoch);
  command.command_id = std::move(command_id);
  command.payload.load = load_spec();
  command.input = input;
  return command;
}

wire::LoadSpec CommandFactory::load_spec() const {
  const auto chain = run_.chain();
  wire::LoadSpec spec;
  spec.table = run_.destination.table.name;
  spec.mode = *wire::load_mode_named(workflow::to_string(chain.load_params().mode));
  spec.key = chain.load_params().conflict_key;
  for (const auto& column : run_.destination.table.columns) spec.columns.push_back(column.name);
  return spec;
}

wire::Command CommandFactory::swap(const workflow::IssueSwap& action) const {
  auto command = base(run_.chain().load, wire::Operation::swap, run_.destination, 0, action.epoch);
  command.payload.load = load_spec();
  command.payload.load->rows = run_.state.rows_out();
  return command;
}

wire::Command CommandFactory::digest_table(const workflow::IssueDigestTable& action) const {
  auto command = base(run_.chain().load, wire::Operation::digest, run_.destination, 0, action.epoch);
  data::Intent whole;
  whole.table = run_.destination.table.name;
  whole.columns = load_spec().columns;
  command.payload.intent = std::move(whole);
  command.payload.digest_seed = digest_seed(run_);
  command.payload.timeout_ms =
      std::max<std::int64_t>(command.payload.timeout_ms, std::chrono::milliseconds{kWholeTable}.count());
  return command;
}

wire::Command CommandFactory::drop_aside() const {
  auto command = base(run_.chain().load, wire::Operation::drop_aside, run_.destination, 0, 1);
  command.payload.load = load_spec();
  return command;
}

wire::Command CommandFactory::digest_keys(const workflow::IssueDigestKeys& action,
                                          const wire::Input& input) const {
  auto command = load(action.part, action.epoch, input, new_id("cmd", now_));
  command.operation = wire::Operation::digest_keys;
  data::Intent read_back;
  read_back.table = command.payload.load->table;
  read_back.columns = command.payload.load->columns;
  command.payload.intent = std::move(read_back);
  command.payload.idempotency_key = fmt::format("{}-{}-digest-keys-{}-{}", run_.execution.execution_id,
                                                run_.chain().load.step->id, action.part, action.epoch);
  command.payload.digest_seed = digest_seed(run_);
  return command;
}

}  // namespace vmc::worker
