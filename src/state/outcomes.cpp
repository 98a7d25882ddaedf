// How commands end: with an answer, cancelled, expired; and how their executions learn of it.
#include <map>

#include <fmt/format.h>

#include "state/command_rows.hpp"
#include "state/commands.hpp"
#include "state/detail.hpp"

namespace vmc::state {
namespace {


struct Finisher {
  std::string status;
  std::string_view command_id;
  std::int64_t attempt_epoch = 0;
};

Finisher finisher_of(const Outcome& outcome) {
  if (const auto* result = std::get_if<wire::CommandResult>(&outcome))
    return {"done", result->command_id, result->attempt_epoch};
  const auto& error = std::get<wire::CommandError>(outcome);
  return {"failed", error.command_id, error.attempt_epoch};
}

// One notice a connector, however many of its commands expired at once.
void tell_of_expiry(store::Tx& tx, const std::map<std::pair<std::string, std::string>, std::int64_t>& expired,
                    Micros now) {
  for (const auto& [connector, count] : expired) {
    const auto& [owner, connector_id] = connector;
    const auto name =
        tx.one("SELECT name FROM connectors WHERE tenant = :owner AND connector_id = :connector",
               {{"owner", owner}, {"connector", connector_id}});
    detail::add_notice_for(
        tx, owner, info(Code::command_expired).name,
        fmt::format("{} for connector \"{}\" expired before the agent answered.",
                    count == 1 ? "A command" : fmt::format("{} commands", count), name.value().text(0)),
        now);
  }
}

}  // namespace

Result<bool> finish_command(store::Tx& tx, std::string_view connector_id, std::string_view command_id,
                            const Outcome& outcome, ByteView tenant_key, Micros now) {
  const auto finisher = finisher_of(outcome);
  if (finisher.command_id != command_id)
    return fail(Code::command_malformed, "the outcome belongs to another command");
  VMC_TRY(sealed, detail::seal_outcome(tenant_key, tx.tenant(), command_id, outcome));
  const auto row = tx.one(
      "UPDATE commands SET status = :status, sealed_result = :result, finished_at = :now, waiting_on = NULL "
      "WHERE tenant = :tenant AND command_id = :command AND connector_id = :connector "
      "AND status IN ('queued', 'acked') AND attempt_epoch = :epoch RETURNING execution_id",
      {{"status", finisher.status},
       {"result", std::move(sealed)},
       {"now", now},
       {"command", command_id},
       {"connector", connector_id},
       {"epoch", finisher.attempt_epoch}});
  if (!row) return false;
  detail::wake_job_of(tx, tx.tenant(), row->text(0), now);
  return true;
}

Result<std::vector<std::pair<std::string, std::string>>> cancel_commands(store::Tx& tx,
                                                                         std::string_view execution_id,
                                                                         Micros now) {
  const auto rows = tx.query(
      "UPDATE commands SET status = 'cancelled', finished_at = :now, waiting_on = NULL WHERE tenant = "
      ":tenant "
      "AND execution_id = :execution AND status IN ('queued', 'acked') RETURNING connector_id, command_id",
      {{"execution", execution_id}, {"now", now}});
  std::vector<std::pair<std::string, std::string>> cancelled;
  for (const auto& row : rows) cancelled.emplace_back(row.text(0), row.text(1));
  if (!cancelled.empty()) detail::wake_job_of(tx, tx.tenant(), execution_id, now);
  return cancelled;
}

Result<std::vector<std::pair<std::string, std::string>>> expire_commands(store::Tx& tx, Micros now) {
  VMC_CHECK(detail::require_platform(tx));
  const auto rows = tx.query(
      "UPDATE commands SET status = 'expired', finished_at = :now, waiting_on = NULL WHERE (tenant, "
      "command_id) IN "
      "(SELECT tenant, command_id FROM commands WHERE status IN ('queued', 'acked') AND expires_at <= :now "
      "ORDER BY expires_at LIMIT :most) RETURNING tenant, command_id, connector_id, execution_id",
      {{"now", now}, {"most", kExpireBatchMax}});
  std::vector<std::pair<std::string, std::string>> expired;
  std::map<std::pair<std::string, std::string>, std::int64_t> counts;
  for (const auto& row : rows) {
    expired.emplace_back(row.text(0), row.text(1));
    ++counts[{row.text(0), row.text(2)}];
    detail::wake_job_of(tx, row.text(0), row.text(3), now);
  }
  tell_of_expiry(tx, counts, now);
  return expired;
}

Result<std::vector<FinishedCommand>> finished_commands(store::Tx& tx, std::string_view execution_id,
                                                       ByteView tenant_key) {
  const auto rows = tx.query(
      "SELECT command_id, status, sealed_body, sealed_result, attempt_epoch FROM commands WHERE tenant = "
      ":tenant "
      "AND execution_id = :execution AND consumed = 0 AND finished_at IS NOT NULL "
      "ORDER BY finished_at, ordinal, command_id LIMIT :most",
      {{"execution", execution_id}, {"most", kFinishedBatchMax}});
  std::vector<FinishedCommand> list;
  for (const auto& row : rows) {
    VMC_TRY(command, detail::open_command(tenant_key, tx.tenant(), row.text(0), row.bytes(2)));
    VMC_TRY(outcome,
            detail::outcome_of(tenant_key, {tx.tenant(), row.text(0), row.text(1), row.integer(4), row, 3}));
    list.push_back({std::move(command), std::move(outcome)});
  }
  return list;
}

Result<void> consume_command(store::Tx& tx, std::string_view command_id) {
  const auto consumed = tx.exec(
      "UPDATE commands SET consumed = 1 WHERE tenant = :tenant AND command_id = :command AND finished_at IS "
      "NOT NULL",
      {{"command", command_id}});
  if (consumed == 0) return fail(Code::not_found, "there is no such finished command");
  return {};
}

Result<std::optional<Outcome>> command_outcome(store::Tx& tx, std::string_view command_id,
                                               ByteView tenant_key) {
  const auto row = tx.one(
      "SELECT status, attempt_epoch, sealed_result, finished_at FROM commands "
      "WHERE tenant = :tenant AND command_id = :command",
      {{"command", command_id}});
  if (!row) return fail(Code::not_found, "there is no such command");
  if (row->null(3)) return std::optional<Outcome>{};
  VMC_TRY(outcome,
          detail::outcome_of(tenant_key, {tx.tenant(), command_id, row->text(0), row->integer(1), *row, 2}));
  return std::optional{std::move(outcome)};
}

Result<std::int64_t> purge_commands(store::Tx& tx, Micros finished_before) {
  VMC_CHECK(detail::require_platform(tx));
  // An execution that still has a job may yet want to read them (it may be paused).
  return tx.exec(
      "DELETE FROM commands WHERE (tenant, command_id) IN (SELECT c.tenant, c.command_id FROM commands c "
      "WHERE c.finished_at IS NOT NULL AND c.finished_at < :before AND NOT EXISTS "
      "(SELECT 1 FROM jobs j WHERE j.tenant = c.tenant AND j.execution_id = c.execution_id) "
      "ORDER BY c.finished_at LIMIT :most)",
      {{"before", finished_before}, {"most", kPurgeBatch}});
}

}  // namespace vmc::state
