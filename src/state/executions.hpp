// Workflows, their executions, the event log, the job queue with leases, and cursors of incremental runs.
//
// One job row an execution. A lease gives its holder a token; every write of the holder carries it, and a
// token that is no longer the row's is CONFLICT: a worker that lost its lease changes nothing. Only the
// holder appends events, so the log has one writer at a time.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "state/platform.hpp"
#include "workflow/definition.hpp"
#include "workflow/events.hpp"

namespace vmc::state {

struct StoredWorkflow {
  std::string workflow_id, name, hash;
  std::int64_t version = 0;
  workflow::Definition definition;
};
// A new version unless the definition is the newest one's; the workflow is found by its name.
Result<StoredWorkflow> save_workflow(store::Tx& tx, const workflow::Definition& definition, Micros now);
// By id or name, newest version; WORKFLOW_HASH_MISMATCH when the stored text is not what was hashed.
Result<StoredWorkflow> find_workflow(store::Tx& tx, std::string_view id_or_name);
Result<StoredWorkflow> find_workflow_version(store::Tx& tx, std::string_view workflow_id,
                                             std::int64_t version);
Result<std::vector<StoredWorkflow>> list_workflows(store::Tx& tx);

struct Execution {
  std::string execution_id, workflow_id, workflow_name;
  std::int64_t workflow_version = 0;
  std::string status;      // queued running waiting paused succeeded failed cancelled
  std::string waiting_on;  // a sentence, while waiting; the agent's own where one of its commands has told
  std::string control;     // "", "cancel", "pause"
  Micros created_at = 0;
  std::optional<Micros> finished_at;
  Json summary;  // null until something is known: rows read, shaped, written, refused, proof …
};
struct StartOptions {
  std::string idempotency_key;  // "": none; the same key returns the execution it started
  std::string tier = "free";
  std::int64_t priority = 5;  // 0 goes first, 9 last
};
// Execution and job in one transaction; the first event is the worker's.
// IDEMPOTENCY_MISMATCH when the key has started another workflow.
Result<Execution> start_execution(store::Tx& tx, const StoredWorkflow& workflow, const StartOptions& options,
                                  Micros now);
Result<Execution> find_execution(store::Tx& tx, std::string_view execution_id);
// Where the next run of an incremental workflow goes on; none: from the start, or the workflow is not incremental.
Result<std::optional<std::vector<data::Value>>> watermark(store::Tx& tx, const StoredWorkflow& workflow);
// An execution of the same workflow that was submitted earlier and is not over.
Result<std::optional<std::string>> run_before(store::Tx& tx, const Execution& execution);
Result<std::vector<Execution>> list_executions(store::Tx& tx, std::size_t limit);
// Sets control ("cancel", "pause", "" to go on) and wakes the job; CONFLICT when it has finished, or when it
// is being cancelled and shall do something else.
Result<void> request_control(store::Tx& tx, std::string_view execution_id, std::string_view control,
                             Micros now);
// Pages of the log: events with seq > after.
Result<std::vector<workflow::Event>> events_after(store::Tx& tx, std::string_view execution_id,
                                                  std::int64_t after, std::size_t limit);
// Number of the newest event; 0 when there is none, or no such execution.
Result<std::int64_t> last_seq(store::Tx& tx, std::string_view execution_id);

struct Lease {
  std::string tenant, execution_id;
  std::int64_t token = 0;
  std::int64_t lost_leases = 0;  // that ran out in a row before this one: a job that takes its workers down
};
// Platform transaction: the most urgent due job that nobody holds (or whose lease ran out), now held until
// `until`, its execution `running`. nullopt: nothing is due.
Result<std::optional<Lease>> lease_job(store::Tx& tx, std::string_view tier, Micros now, Micros until);
// CONFLICT when the lease was lost. Every fenced write calls this first.
Result<void> check_lease(store::Tx& tx, const Lease& lease);
Result<void> renew_lease(store::Tx& tx, const Lease& lease, Micros until);
// Gives the job back: due at `run_at`, or at once when it was woken meanwhile (returns true then). Otherwise
// the execution is `waiting` on `waiting_on`, or `paused` when that was asked for.
Result<bool> park_job(store::Tx& tx, const Lease& lease, Micros run_at, std::string_view waiting_on,
                      Micros now);
// The execution is over: job removed, status and summary written, and the workflow's next execution woken.
Result<void> finish_execution(store::Tx& tx, const Lease& lease, std::string_view status, const Json& summary,
                              Micros now);
Result<void> set_summary(store::Tx& tx, const Lease& lease, std::string_view status, const Json& summary);
// Makes the job due at once; called in the transaction of whatever happened.
Result<void> wake_job(store::Tx& tx, std::string_view execution_id, Micros now);
// When the next job of the tier is due, for the sweep.
Result<std::optional<Micros>> next_due(store::Tx& tx, std::string_view tier);

// Fenced; assigns seq and time.
Result<void> append_event(store::Tx& tx, const Lease& lease, workflow::Event event, Micros now);

// Bus topic: something about this execution changed.
inline std::string execution_topic(std::string_view tenant, std::string_view execution_id) {
  return "execution/" + std::string{tenant} + "/" + std::string{execution_id};
}

// How far an incremental extract has got: the values of PartsFixed::up_to, each as data::to_json, in an
// array. Whoever saves one holds the lease and has checked it in this transaction.
Result<std::optional<Json>> find_cursor(store::Tx& tx, std::string_view workflow_id, std::string_view step);
Result<void> save_cursor(store::Tx& tx, std::string_view workflow_id, std::string_view step,
                         const Json& position, std::string_view execution_id, Micros now);

}  // namespace vmc::state
