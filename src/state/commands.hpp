// The durable command queue of each connector. Body (with its data keys) and result are sealed at rest.
//
// queued -> acked (the agent has stored it) -> done | failed | expired | cancelled. Finishing a command wakes
// its execution's job in the same transaction; the worker then consumes it.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "state/platform.hpp"
#include "wire/command.hpp"

namespace vmc::state {

inline constexpr std::int64_t kCommandsPerConnectorMax = 10'000;
inline constexpr std::size_t kCommandBytesMax = 1u << 20;  // as JSON
inline constexpr std::int64_t kQueuedBatchMax = 500;       // of one queued_commands()
inline constexpr std::size_t kFinishedBatchMax = 256;      // of one finished_commands()
inline constexpr std::int64_t kPurgeBatch = 1000;          // of one purge_commands()
inline constexpr std::size_t kExpireBatchMax = 500;        // of one expire_commands()

using Outcome = std::variant<wire::CommandResult, wire::CommandError>;

// QUEUE_FULL at kCommandsPerConnectorMax open ones, CONFLICT when the id exists, NOT_FOUND without the
// connector. Fills in nothing: ids, keys and times are the caller's. Returns the ordinal: each command of a connector
// has the one after the last one's.
Result<std::int64_t> enqueue_command(store::Tx& tx, std::string_view connector_id, const wire::Command& command,
                                     ByteView tenant_key, Micros now);
// Oldest queued first, from `after_ordinal` on: what a session has not sent yet. Those past their time are
// left out.
struct QueuedCommand {
  std::int64_t ordinal = 0;
  wire::Command command;
};
Result<std::vector<QueuedCommand>> queued_commands(store::Tx& tx, std::string_view connector_id,
                                                   std::int64_t after_ordinal, std::int64_t limit,
                                                   ByteView tenant_key, Micros now);
// The open command, for checks on uploads and results: NOT_FOUND unless it is this connector's and still
// open.
struct OpenCommand {
  wire::Command command;
  std::string status;  // queued, acked
};
Result<OpenCommand> find_command(store::Tx& tx, std::string_view connector_id, std::string_view command_id,
                                 ByteView tenant_key);
// Any command of the tenant, finished ones included: what a worker needs to open chunks again.
Result<wire::Command> find_any_command(store::Tx& tx, std::string_view command_id, ByteView tenant_key);
// NOT_FOUND unless it is this connector's; a repeat changes nothing.
Result<void> ack_command(store::Tx& tx, std::string_view connector_id, std::string_view command_id,
                         Micros now);
// What an open command waits for, as its agent says; "" clears it. Shown as its execution's cause.
Result<void> mark_waiting(store::Tx& tx, std::string_view connector_id, std::string_view command_id,
                          std::string_view waiting_on);
// False when it is not open (a repeat, cancelled, expired, not this connector's) or the attempt epoch is not
// the command's: nothing changed, and the agent may drop its result.
Result<bool> finish_command(store::Tx& tx, std::string_view connector_id, std::string_view command_id,
                            const Outcome& outcome, ByteView tenant_key, Micros now);
// Open commands of an execution become `cancelled`; returns (connector id, command id), to tell the agents.
Result<std::vector<std::pair<std::string, std::string>>> cancel_commands(store::Tx& tx,
                                                                         std::string_view execution_id,
                                                                         Micros now);
// Platform transaction: open commands past their time become `expired`, their executions are woken, each
// connector's tenant gets a notice. Returns (tenant, command id); a full batch means: ask again.
Result<std::vector<std::pair<std::string, std::string>>> expire_commands(store::Tx& tx, Micros now);

struct FinishedCommand {
  wire::Command command;
  Outcome outcome;  // expired -> CommandError COMMAND_EXPIRED
};
// Finished and not yet consumed, in order of finishing; consume_command marks them. At most
// kFinishedBatchMax: whoever gets that many consumes them and asks again before parking.
Result<std::vector<FinishedCommand>> finished_commands(store::Tx& tx, std::string_view execution_id,
                                                       ByteView tenant_key);
Result<void> consume_command(store::Tx& tx, std::string_view command_id);
// For a caller that waits for one command (queries by hand): nullopt while it is open.
Result<std::optional<Outcome>> command_outcome(store::Tx& tx, std::string_view command_id,
                                               ByteView tenant_key);

// Platform transaction: forgets commands that finished before `finished_before`, at most 1,000; how many it
// were.
Result<std::int64_t> purge_commands(store::Tx& tx, Micros finished_before);

// Bus topics.
std::string connector_topic(std::string_view tenant,
                            std::string_view connector_id);  // a command was queued or cancelled
std::string command_topic(std::string_view tenant, std::string_view command_id);    // it finished
std::string revoked_topic(std::string_view tenant, std::string_view connector_id);  // its key was revoked
inline constexpr std::string_view kJobsTopic = "jobs";                              // a job is due

// Where chunks live in object storage; the same path stands below /buffer/v1/.
std::string buffer_prefix(std::string_view tenant, std::string_view execution_id, std::string_view command_id,
                          std::int64_t attempt_epoch);                   // "T/E/C/1/"
std::string buffer_object(std::string_view prefix, std::int64_t index);  // "buffer/T/E/C/1/00000007"

}  // namespace vmc::state
