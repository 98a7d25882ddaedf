#include "state/command_rows.hpp"

#include "state/detail.hpp"
#include "wire/messages.hpp"

namespace vmc::state::detail {
namespace {

constexpr std::string_view kBody = "commands.sealed_body", kResult = "commands.sealed_result";

Error damaged(std::string_view command_id) {
  return fail(Code::internal, "the stored outcome of " + std::string{command_id} + " is not one");
}

// Outcomes are stored as the messages they arrived in.
std::string encode_outcome(const Outcome& outcome) {
  if (const auto* result = std::get_if<wire::CommandResult>(&outcome))
    return wire::encode(wire::AgentMessage{wire::ExecutionResult{*result}});
  return wire::encode(wire::AgentMessage{wire::ExecutionError{std::get<wire::CommandError>(outcome)}});
}

Outcome outcome_without_answer(const FinishedRow& finished) {
  const bool expired = finished.status == "expired";
  wire::CommandError error;
  error.command_id = finished.command_id;
  error.attempt_epoch = finished.attempt_epoch;
  error.code = expired ? Code::command_expired : Code::cancelled;
  error.message =
      expired ? "the command's time ran out before its agent answered" : "the command was cancelled";
  error.retryable = info(error.code).retryable;
  return error;
}

}  // namespace

Bytes seal_command(ByteView tenant_key, std::string_view tenant, std::string_view command_id,
                   std::string_view json) {
  return seal_cell(tenant_key, {kBody, tenant, command_id}, json);
}

Result<wire::Command> open_command(ByteView tenant_key, std::string_view tenant, std::string_view command_id,
                                   ByteView sealed) {
  VMC_TRY(text, open_cell(tenant_key, {kBody, tenant, command_id}, sealed));
  VMC_TRY(json, parse_json(text.text()));
  return wire::command_from_json(json);
}

Result<Bytes> seal_outcome(ByteView tenant_key, std::string_view tenant, std::string_view command_id,
                           const Outcome& outcome) {
  auto text = encode_outcome(outcome);
  if (text.size() > kOutcomeBytesMax) {
    crypto::wipe(text);
    return fail(Code::command_malformed, "the outcome of a command has at most 1 MiB",
                "Send rows as chunks.");
  }
  auto sealed = seal_cell(tenant_key, {kResult, tenant, command_id}, text);
  crypto::wipe(text);
  return sealed;
}

Result<Outcome> outcome_of(ByteView tenant_key, const FinishedRow& finished) {
  if (finished.row.null(finished.sealed_at)) return outcome_without_answer(finished);
  VMC_TRY(text, open_cell(tenant_key, {kResult, finished.tenant, finished.command_id},
                          finished.row.bytes(finished.sealed_at)));
  VMC_TRY(message, wire::decode_agent_message(text.text()));
  if (auto* result = std::get_if<wire::ExecutionResult>(&message)) return Outcome{std::move(result->result)};
  if (auto* error = std::get_if<wire::ExecutionError>(&message)) return Outcome{std::move(error->error)};
  return damaged(finished.command_id);
}

}  // namespace vmc::state::detail
