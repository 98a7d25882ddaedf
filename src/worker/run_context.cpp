#include "worker/run_context.hpp"

#include <fmt/format.h>

#include "crypto/hash.hpp"
#include "worker/window.hpp"

namespace vmc::worker {
namespace {

Result<Side> load_side(store::Tx& tx, const workflow::Activity& activity, const std::string& table) {
  Side side;
  if (activity.connector == workflow::kOnlyConnector) {
    VMC_TRY(all, state::list_connectors(tx));
    if (all.size() != 1)
      return fail(Code::workflow_invalid,
                  fmt::format("activity '{}' says connector \"mini\", but the tenant has {} connectors",
                              activity.id, all.size()),
                  "Name the connector in the activity.");
    side.connector = std::move(all.front());
  } else {
    VMC_TRY(connector, state::find_connector_named(tx, activity.connector));
    side.connector = std::move(connector);
  }
  side.connection = activity.aggregator;
  auto published = state::find_schema(tx, side.connector.connector_id, side.connection);
  if (!published)
    return fail(Code::not_found,
                fmt::format("connector '{}' has published no schema for connection '{}'", side.connector.name,
                            side.connection),
                fmt::format("Run 'vmc agent schema publish {}' on the agent.", side.connection));
  const auto* found = published->schema.table(table);
  if (!found)
    return fail(Code::schema_access_denied,
                fmt::format("table '{}' is not in the published schema of '{}' on connector '{}'", table,
                            side.connection, side.connector.name));
  side.table = *found;
  return side;
}

Result<void> check_incremental(const RunContext& run) {
  const auto& params = run.chain().extract_params();
  if (params.mode != workflow::ExtractMode::incremental) return {};
  const auto* cursor = run.source.table.column(params.cursor);
  if (!cursor)
    return fail(Code::workflow_invalid,
                fmt::format("cursor column '{}' is not in table '{}'", params.cursor, run.source.table.name));
  if (cursor->nullable)
    return fail(Code::workflow_invalid,
                fmt::format("cursor column '{}' may be NULL: rows without a value would never be found",
                            params.cursor),
                "Declare the column NOT NULL, or use mode \"full\".");
  VMC_CHECK(check_cursor(*cursor, params));
  if (run.source.table.row_key().empty())
    return fail(Code::workflow_invalid,
                fmt::format("table '{}' has no primary or unique key, which an incremental extract needs",
                            run.source.table.name));
  return {};
}

}  // namespace

Result<RunContext> load_context(store::Tx& tx, const state::Lease& lease, ByteView master_key) {
  RunContext run;
  run.lease = lease;
  VMC_TRY(key, state::tenant_key(tx, master_key));
  run.tenant_key = std::move(key);
  VMC_TRY(execution, state::find_execution(tx, lease.execution_id));
  run.execution = std::move(execution);
  VMC_TRY(stored,
          state::find_workflow_version(tx, run.execution.workflow_id, run.execution.workflow_version));
  run.workflow = std::move(stored);
  VMC_TRY(chain, workflow::chain_of(run.workflow.definition));
  VMC_TRY(source, load_side(tx, *chain.extract.activity, chain.extract_params().table));
  run.source = std::move(source);
  VMC_TRY(destination, load_side(tx, *chain.load.activity, chain.load_params().table));
  run.destination = std::move(destination);
  VMC_CHECK(check_incremental(run));
  constexpr std::size_t kPage = 1000;
  for (;;) {
    VMC_TRY(page, state::events_after(tx, lease.execution_id, run.state.last_seq, kPage));
    for (const auto& event : page) workflow::apply(run.state, event);
    if (page.size() < kPage) break;
  }
  return run;
}

std::vector<std::string> source_columns(const RunContext& run) {
  const auto& wanted = run.chain().extract_params().columns;
  if (!wanted.empty()) return wanted;
  std::vector<std::string> all;
  for (const auto& column : run.source.table.columns) all.push_back(column.name);
  return all;
}

std::vector<std::string> part_key(const RunContext& run) {
  const auto& params = run.chain().extract_params();
  auto key = run.source.table.row_key();
  if (params.mode == workflow::ExtractMode::incremental) {
    std::erase(key, params.cursor);
    key.insert(key.begin(), params.cursor);
  }
  return key;
}

data::RowTypePtr destination_type(const RunContext& run) {
  auto type = std::make_shared<data::RowType>();
  for (const auto& column : run.destination.table.columns)
    type->push_back({column.name, column.type, column.nullable});
  return type;
}

std::string digest_seed(const RunContext& run) {
  const auto hash = crypto::sha256(as_bytes("digest " + run.execution.execution_id));
  return to_hex(ByteView{hash}.first(16));
}

}  // namespace vmc::worker
