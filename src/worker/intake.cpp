#include "worker/intake.hpp"

#include <set>

#include <fmt/format.h>

#include "activities/row_digest.hpp"

#include "worker/command_factory.hpp"

namespace vmc::worker {
namespace {

workflow::CommandFailed failed(const RunContext& run, const wire::Command& command,
                               const wire::CommandError& error) {
  const auto chain = run.chain();
  const auto purpose = purpose_of(command);
  const bool at_source = purpose == workflow::Purpose::split || purpose == workflow::Purpose::extract;
  const auto& side = at_source ? run.source : run.destination;
  return {
      command.command_id,
      (at_source ? chain.extract : chain.load).step->id,
      command.part,
      purpose,
      error.code,
      fmt::format("connector '{}', connection '{}': {}{}", side.connector.name, side.connection, error.message,
                  error.hint.empty() ? "" : " (" + error.hint + ")"),
      error.retryable,
      command.attempt};
}

Result<workflow::PartsFixed> parts_fixed(const RunContext& run, const wire::Command& command,
                                         const Json& answer) {
  workflow::PartsFixed event;
  event.step = run.chain().extract.step->id;
  JsonReader reader{answer, "result"};
  const auto* parts = reader.array("parts");
  event.rows_estimate = reader.integer_or("rows", 0);
  VMC_CHECK(reader.finish());
  for (const auto& json : *parts) {
    VMC_TRY(range, data::range_from_json(json));
    if (range.columns != command.payload.split_key)
      return fail(Code::command_malformed, "a part's range is over other columns than were asked for");
    // A range without an end is what an empty source answers: nothing to read, and nothing that could arrive
    // later may slip into this run.
    if (!range.up_to.empty()) event.parts.push_back(std::move(range));
  }
  if (event.parts.empty()) return event;
  // The window's start belongs to the first part: from here on ranges say everything.
  if (!command.payload.intent->ranges.empty())
    event.parts.front().after = command.payload.intent->ranges.front().after;
  if (run.chain().extract_params().mode == workflow::ExtractMode::incremental) {
    event.up_to = event.parts.back().up_to;
    // Where rows of the source may share a key of the destination, only reading back at the end finds it.
    const auto as_set = [](const std::vector<std::string>& key) { return std::set<std::string>{key.begin(), key.end()}; };
    event.in_order = as_set(run.chain().load_params().conflict_key) == as_set(run.source.table.row_key());
  }
  return event;
}

// The digest a table has that holds all rows which were handed to the load, and no other.
Result<activities::RowDigest> whole_of(const RunContext& run) {
  activities::RowDigest sum{digest_seed(run)};
  for (const auto& part : run.state.parts) {
    if (!part.shaped) continue;
    VMC_TRY(one, activities::RowDigest::read(digest_seed(run), part.shaped->rows_out, part.shaped->digest_out));
    sum.add(one);
  }
  return sum;
}

struct Counted {
  std::int64_t rows = 0;
  std::string digest;
};
Result<Counted> counted(const Json& answer) {
  JsonReader reader{answer, "result"};
  Counted out{reader.integer("rows"), reader.str("digest")};
  VMC_CHECK(reader.finish());
  return out;
}

Result<workflow::EventBody> meaning(const RunContext& run, const wire::Command& command,
                                    const wire::CommandResult& result) {
  const auto part = static_cast<std::size_t>(command.part);
  switch (command.operation) {
    case wire::Operation::split: {
      VMC_TRY(event, parts_fixed(run, command, result.inline_result));
      return workflow::EventBody{std::move(event)};
    }
    case wire::Operation::extract: {
      if (result.chunks < 1 || result.buffer_key != command.upload)
        return fail(Code::command_malformed, "the extract left no chunks where they belong");
      VMC_TRY(again, counted(result.inline_result));
      return workflow::EventBody{workflow::PartExtracted{command.part, command.attempt_epoch, command.command_id,
                                                         result.buffer_key, result.chunks, again.rows,
                                                         std::move(again.digest)}};
    }
    case wire::Operation::load:
    case wire::Operation::swap: {
      JsonReader reader{result.inline_result, "result"};
      const auto rows = reader.integer("rows");
      const bool repeated = reader.boolean_or("alreadyApplied", false);
      VMC_CHECK(reader.finish());
      if (command.operation == wire::Operation::swap)
        return workflow::EventBody{
            workflow::TableSwapped{command.attempt_epoch, command.command_id, rows, repeated}};
      return workflow::EventBody{
          workflow::PartLoaded{command.part, command.attempt_epoch, command.command_id, rows, repeated}};
    }
    case wire::Operation::digest: {
      VMC_TRY(again, counted(result.inline_result));
      VMC_TRY(whole, whole_of(run));
      const bool same = again.rows == whole.rows() && again.digest == whole.hex();
      return workflow::EventBody{
          workflow::TableVerified{command.attempt_epoch, command.command_id, again.rows, again.digest, same}};
    }
    case wire::Operation::digest_keys: {
      VMC_TRY(again, counted(result.inline_result));
      if (part >= run.state.parts.size() || !run.state.parts[part].shaped)
        return fail(Code::internal, "a digest of a part that was not shaped");
      const auto& shaped = *run.state.parts[part].shaped;
      const bool same = again.digest == shaped.digest_out && again.rows == shaped.rows_out;
      return workflow::EventBody{workflow::PartVerified{command.part, command.attempt_epoch, command.command_id,
                                                        again.rows, again.digest, same}};
    }
    case wire::Operation::query:
    case wire::Operation::drop_aside:
      break;
  }
  return fail(Code::internal, "no step of an execution waits for this command");
}

}  // namespace

workflow::EventBody event_for(const RunContext& run, const state::FinishedCommand& finished) {
  if (const auto* error = std::get_if<wire::CommandError>(&finished.outcome))
    return failed(run, finished.command, *error);
  auto event = meaning(run, finished.command, std::get<wire::CommandResult>(finished.outcome));
  if (event) return std::move(*event);
  wire::CommandError error;
  error.code = event.error().code;
  error.message = event.error().message;
  return failed(run, finished.command, error);
}

}  // namespace vmc::worker
