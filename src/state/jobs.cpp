// The job queue: one row an execution, leased with a fencing token.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "state/detail.hpp"
#include "state/executions.hpp"

namespace vmc::state {
namespace {

constexpr std::size_t kSummaryBytesMax = 256u << 10;
constexpr std::size_t kWaitingOnMax = 500;
constexpr int kLeaseTries = 8;
// A step of priority is worth so much waiting time: a job of low priority waits longer, but never for ever.
constexpr auto kPriorityStep = std::chrono::seconds{10};
constexpr std::int64_t kDueWindow = 64;  // of the jobs due longest, so that a backlog is not sorted each time

constexpr std::array<std::string_view, 4> kOpenStatus{"queued", "running", "waiting", "paused"};
constexpr std::array<std::string_view, 3> kFinalStatus{"succeeded", "failed", "cancelled"};

Error lease_lost(const Lease& lease) {
  return fail(Code::conflict, fmt::format("the lease of {} was lost to another worker", lease.execution_id));
}

Result<std::string> summary_text(const Json& summary) {
  auto text = summary.dump();
  if (text.size() > kSummaryBytesMax) return fail(Code::quota_exceeded, "a summary has at most 256 KiB");
  return text;
}

template <std::size_t N>
Result<void> check_status(const std::array<std::string_view, N>& allowed, std::string_view status) {
  if (std::find(allowed.begin(), allowed.end(), status) != allowed.end()) return {};
  return fail(Code::internal, fmt::format("\"{}\" is no status to set here", status));
}

// nullopt: another worker took it first.
std::optional<Lease> take(store::Tx& tx, const store::Row& job, Micros until) {
  Lease lease{job.text(0), job.text(1), 0, 0};
  const auto row = tx.one(
      "UPDATE jobs SET lost_leases = CASE WHEN held = 1 THEN lost_leases + 1 ELSE 0 END, held = 1, woken = "
      "0, "
      "run_at = :until, lease_token = lease_token + 1 "
      "WHERE tenant = :owner AND execution_id = :execution AND lease_token = :token AND held = :held "
      "RETURNING lease_token, lost_leases",
      {{"owner", lease.tenant},
       {"execution", lease.execution_id},
       {"token", job.integer(2)},
       {"held", job.integer(3)},
       {"until", until}});
  if (!row) return std::nullopt;
  lease.token = row->integer(0);
  lease.lost_leases = row->integer(1);
  return lease;
}

}  // namespace

Result<std::optional<Lease>> lease_job(store::Tx& tx, std::string_view tier, Micros now, Micros until) {
  VMC_CHECK(detail::require_platform(tx));
  for (int i = 0; i < kLeaseTries; ++i) {
    const auto job = tx.one(
        "SELECT due.tenant, due.execution_id, due.lease_token, due.held FROM (SELECT tenant, execution_id, "
        "lease_token, held, priority, run_at FROM jobs WHERE tier = :tier AND run_at <= :now ORDER BY run_at "
        "LIMIT :most) AS due ORDER BY due.run_at + due.priority * :step, due.execution_id LIMIT 1",
        {{"tier", tier}, {"now", now}, {"most", kDueWindow}, {"step", micros(kPriorityStep)}});
    if (!job) return std::optional<Lease>{};
    auto lease = take(tx, *job, until);
    if (!lease) continue;
    tx.exec(
        "UPDATE executions SET status = 'running', waiting_on = NULL WHERE tenant = :owner "
        "AND execution_id = :execution",
        {{"owner", lease->tenant}, {"execution", lease->execution_id}});
    return lease;
  }
  return fail(Code::unavailable, "other workers took every job that was due");
}

Result<void> check_lease(store::Tx& tx, const Lease& lease) {
  // An UPDATE, so that the row stays locked until the fenced write is committed.
  const auto held = tx.exec(
      "UPDATE jobs SET held = 1 WHERE tenant = :tenant AND execution_id = :execution AND lease_token = "
      ":token "
      "AND held = 1",
      {{"execution", lease.execution_id}, {"token", lease.token}});
  if (held == 0 || lease.tenant != tx.tenant()) return lease_lost(lease);
  return {};
}

Result<void> renew_lease(store::Tx& tx, const Lease& lease, Micros until) {
  VMC_CHECK(check_lease(tx, lease));
  tx.exec("UPDATE jobs SET run_at = :until WHERE tenant = :tenant AND execution_id = :execution",
          {{"execution", lease.execution_id}, {"until", until}});
  return {};
}

Result<bool> park_job(store::Tx& tx, const Lease& lease, Micros run_at, std::string_view waiting_on,
                      Micros now) {
  VMC_CHECK(check_lease(tx, lease));
  const auto row = tx.one("SELECT woken FROM jobs WHERE tenant = :tenant AND execution_id = :execution",
                          {{"execution", lease.execution_id}});
  const bool woken = row.value().integer(0) != 0;
  tx.exec(
      "UPDATE jobs SET held = 0, run_at = :run_at WHERE tenant = :tenant "
      "AND execution_id = :execution",
      {{"execution", lease.execution_id}, {"run_at", woken ? now : run_at}});
  if (woken) return true;
  tx.exec(
      "UPDATE executions SET status = CASE WHEN control = 'pause' THEN 'paused' ELSE 'waiting' END, "
      "waiting_on = :cause WHERE tenant = :tenant AND execution_id = :execution",
      {{"execution", lease.execution_id},
       {"cause", detail::or_null(detail::clipped(waiting_on, kWaitingOnMax))}});
  return false;
}

Result<void> finish_execution(store::Tx& tx, const Lease& lease, std::string_view status, const Json& summary,
                              Micros now) {
  VMC_CHECK(check_lease(tx, lease));
  VMC_CHECK(check_status(kFinalStatus, status));
  VMC_TRY(text, summary_text(summary));
  tx.exec("DELETE FROM jobs WHERE tenant = :tenant AND execution_id = :execution",
          {{"execution", lease.execution_id}});
  tx.exec(
      "UPDATE executions SET status = :status, summary = :summary, finished_at = :now, waiting_on = NULL "
      "WHERE tenant = :tenant AND execution_id = :execution",
      {{"execution", lease.execution_id}, {"status", status}, {"summary", std::move(text)}, {"now", now}});
  const auto next = tx.one(
      "SELECT execution_id FROM executions WHERE tenant = :tenant AND finished_at IS NULL AND workflow_id = "
      "(SELECT workflow_id FROM executions WHERE tenant = :tenant AND execution_id = :execution) "
      "ORDER BY created_at, execution_id LIMIT 1",
      {{"execution", lease.execution_id}});
  if (next) detail::wake_job_of(tx, tx.tenant(), next->text(0), now);
  return {};
}

Result<void> set_summary(store::Tx& tx, const Lease& lease, std::string_view status, const Json& summary) {
  VMC_CHECK(check_lease(tx, lease));
  VMC_CHECK(check_status(kOpenStatus, status));
  VMC_TRY(text, summary_text(summary));
  tx.exec(
      "UPDATE executions SET status = :status, summary = :summary WHERE tenant = :tenant AND execution_id = "
      ":execution",
      {{"execution", lease.execution_id}, {"status", status}, {"summary", std::move(text)}});
  return {};
}

Result<void> wake_job(store::Tx& tx, std::string_view execution_id, Micros now) {
  detail::wake_job_of(tx, tx.tenant(), execution_id, now);
  return {};
}

Result<std::optional<Micros>> next_due(store::Tx& tx, std::string_view tier) {
  VMC_CHECK(detail::require_platform(tx));
  const auto row = tx.one("SELECT MIN(run_at) FROM jobs WHERE tier = :tier", {{"tier", tier}});
  return row.value().integer_or_null(0);
}

}  // namespace vmc::state
