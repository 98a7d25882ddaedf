// What a worker knows about the execution it has leased: definition, both sides, state so far.
#pragma once

#include <optional>
#include <string>

#include "data/schema.hpp"
#include "state/connectors.hpp"
#include "state/executions.hpp"
#include "worker/worker.hpp"
#include "workflow/chain.hpp"
#include "workflow/state.hpp"

namespace vmc::worker {

// One end of the workflow: a table behind a connector.
struct Side {
  state::Connector connector;
  std::string connection;
  data::TableInfo table;
};

struct RunContext {
  state::Lease lease;
  crypto::Secret tenant_key;
  state::Execution execution;
  state::StoredWorkflow workflow;
  Side source, destination;
  workflow::ExecutionState state;

  // Points into `workflow`, so it is made where it is used.
  workflow::Chain chain() const { return *workflow::chain_of(workflow.definition); }
};

// Reads everything; blocking, in a snapshot. An error that is not retryable ends the execution.
Result<RunContext> load_context(store::Tx& tx, const state::Lease& lease, ByteView master_key);

// The columns the extract reads, in order.
std::vector<std::string> source_columns(const RunContext& run);
// Key columns of the source: empty when its rows cannot be told apart.
std::vector<std::string> part_key(const RunContext& run);
// Every column of the destination table, as rows are handed to the load.
data::RowTypePtr destination_type(const RunContext& run);
// 32 hex digits, the same for every read of this execution.
std::string digest_seed(const RunContext& run);

}  // namespace vmc::worker
