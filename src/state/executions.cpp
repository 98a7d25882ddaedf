// Executions and their event log. jobs.cpp has the queue they are worked from.
#include "state/executions.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "core/ids.hpp"
#include "core/text.hpp"
#include "data/value.hpp"
#include "state/detail.hpp"

namespace vmc::state {
namespace {

constexpr std::size_t kIdempotencyKeyMax = 200;
constexpr std::size_t kEventBytesMax = 4u << 20;
constexpr std::size_t kEventsPageMax = 1000;
constexpr std::int64_t kPriorityLast = 9;

// What one of its commands waits for is nearer to the cause than what the worker could say.
constexpr std::string_view kColumns =
    "e.execution_id, e.workflow_id, w.name, e.workflow_version, e.status, "
    "COALESCE((SELECT MIN(c.waiting_on) FROM commands c WHERE c.tenant = e.tenant AND c.execution_id = "
    "e.execution_id "
    "AND c.consumed = 0 AND e.status = 'waiting'), e.waiting_on), e.control, e.created_at, e.finished_at, "
    "e.summary";
constexpr std::string_view kFrom =
    "executions e JOIN workflows w ON w.tenant = e.tenant AND w.workflow_id = e.workflow_id "
    "AND w.version = e.workflow_version";

Result<Execution> execution_from(const store::Row& row) {
  Execution e;
  e.execution_id = row.text(0);
  e.workflow_id = row.text(1);
  e.workflow_name = row.text(2);
  e.workflow_version = row.integer(3);
  e.status = row.text(4);
  e.waiting_on = detail::text_or_empty(row, 5);
  e.control = detail::text_or_empty(row, 6);
  e.created_at = row.integer(7);
  e.finished_at = row.integer_or_null(8);
  if (!row.null(9)) {
    VMC_TRY(summary, parse_json(row.text(9)));
    e.summary = std::move(summary);
  }
  return e;
}

Error no_execution() { return fail(Code::not_found, "there is no such execution"); }

// The step whose cursor the workflow goes by, when it is incremental.
const workflow::Step* incremental_step(const workflow::Definition& definition) {
  for (const auto& step : definition.steps) {
    const auto* activity = definition.activity(step.activity_id);
    if (activity == nullptr) continue;
    const auto* extract = std::get_if<workflow::ExtractParams>(&activity->params);
    if (extract != nullptr && extract->mode == workflow::ExtractMode::incremental) return &step;
  }
  return nullptr;
}

Result<void> check_options(const StartOptions& options) {
  if (options.idempotency_key.size() > kIdempotencyKeyMax || !is_utf8(options.idempotency_key))
    return fail(Code::invalid_request, "an idempotency key has at most 200 bytes");
  if (!is_plain_id(options.tier)) return fail(Code::invalid_request, "there is no such tier");
  if (options.priority < 0 || options.priority > kPriorityLast)
    return fail(Code::invalid_request, "a priority is 0 (first) to 9 (last)");
  return {};
}

// The execution this key has started before.
Result<Execution> find_started(store::Tx& tx, const StoredWorkflow& workflow, std::string_view key) {
  const auto row = tx.one(
      "SELECT execution_id, workflow_id FROM executions WHERE tenant = :tenant AND idempotency_key = :key",
      {{"key", key}});
  if (!row) return fail(Code::unavailable, "two starts with one idempotency key met; try again");
  if (row->text(1) != workflow.workflow_id) {
    return fail(Code::idempotency_mismatch, "this idempotency key has started another workflow",
                "Use a new key for another request.");
  }
  return find_execution(tx, row->text(0));
}

void insert_event(store::Tx& tx, std::string_view execution_id, Micros now, std::string body) {
  tx.exec(
      "INSERT INTO events (tenant, execution_id, seq, time, body) VALUES (:tenant, :execution, "
      "(SELECT COALESCE(MAX(seq), 0) + 1 FROM events WHERE tenant = :tenant AND execution_id = :execution), "
      ":now, :body)",
      {{"execution", execution_id}, {"now", now}, {"body", std::move(body)}});
}

// Columns, not the text, say an event's place and time.
Result<std::string> event_text(const workflow::Event& event) {
  auto json = workflow::to_json(event);
  json.erase("seq");
  json.erase("time");
  auto text = json.dump();
  if (text.size() > kEventBytesMax) return fail(Code::quota_exceeded, "an event has at most 4 MiB");
  return text;
}

}  // namespace

Result<Execution> start_execution(store::Tx& tx, const StoredWorkflow& workflow, const StartOptions& options,
                                  Micros now) {
  VMC_CHECK(check_options(options));
  VMC_CHECK(find_workflow_version(tx, workflow.workflow_id, workflow.version));
  const auto execution_id = new_id("exe", now);
  const auto added = tx.exec(
      "INSERT INTO executions (tenant, execution_id, workflow_id, workflow_version, idempotency_key, status, "
      "created_at) VALUES (:tenant, :execution, :workflow, :version, :key, 'queued', :now) "
      "ON CONFLICT (tenant, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING",
      {{"execution", execution_id},
       {"workflow", workflow.workflow_id},
       {"version", workflow.version},
       {"key", detail::or_null(options.idempotency_key)},
       {"now", now}});
  if (added == 0) return find_started(tx, workflow, options.idempotency_key);

  tx.exec(
      "INSERT INTO jobs (tenant, execution_id, tier, priority, run_at, held, lease_token, woken, "
      "lost_leases) "
      "VALUES (:tenant, :execution, :tier, :priority, :now, 0, 0, 0, 0)",
      {{"execution", execution_id}, {"tier", options.tier}, {"priority", options.priority}, {"now", now}});
  return find_execution(tx, execution_id);
}

Result<std::optional<std::vector<data::Value>>> watermark(store::Tx& tx, const StoredWorkflow& workflow) {
  std::optional<std::vector<data::Value>> values;
  const auto* step = incremental_step(workflow.definition);
  if (step == nullptr) return values;
  VMC_TRY(position, find_cursor(tx, workflow.workflow_id, step->id));
  if (!position || position->empty()) return values;
  // The worker keeps more beside the values: {"watermark": [...], "seen": ...}.
  const auto watermark = position->is_object() ? position->value("watermark", Json{}) : *position;
  if (!watermark.is_array()) return fail(Code::internal, "a cursor's watermark is an array of values");
  values.emplace();
  for (const auto& item : watermark) {
    VMC_TRY(value, data::value_from_json(item));
    values->push_back(std::move(value));
  }
  return values;
}

Result<std::optional<std::string>> run_before(store::Tx& tx, const Execution& execution) {
  const auto row = tx.one(
      "SELECT execution_id FROM executions WHERE tenant = :tenant AND workflow_id = :workflow AND finished_at IS NULL "
      "AND (created_at < :created OR (created_at = :created AND execution_id < :execution)) "
      "ORDER BY created_at, execution_id LIMIT 1",
      {{"workflow", execution.workflow_id}, {"created", execution.created_at}, {"execution", execution.execution_id}});
  return row ? std::optional{row->text(0)} : std::nullopt;
}

Result<Execution> find_execution(store::Tx& tx, std::string_view execution_id) {
  const auto sql = fmt::format("SELECT {} FROM {} WHERE e.tenant = :tenant AND e.execution_id = :execution",
                               kColumns, kFrom);
  const auto row = tx.one(sql, {{"execution", execution_id}});
  if (!row) return no_execution();
  return execution_from(*row);
}

Result<std::vector<Execution>> list_executions(store::Tx& tx, std::size_t limit) {
  const auto sql = fmt::format(
      "SELECT {} FROM {} WHERE e.tenant = :tenant ORDER BY e.created_at DESC, e.execution_id DESC LIMIT "
      ":most",
      kColumns, kFrom);
  std::vector<Execution> list;
  for (const auto& row : tx.query(sql, {{"most", detail::bounded(limit)}})) {
    VMC_TRY(execution, execution_from(row));
    list.push_back(std::move(execution));
  }
  return list;
}

Result<void> request_control(store::Tx& tx, std::string_view execution_id, std::string_view control,
                             Micros now) {
  if (control != "" && control != "cancel" && control != "pause")
    return fail(Code::invalid_request, "an execution can be paused, cancelled or told to go on");
  const auto changed = tx.exec(
      "UPDATE executions SET control = :control WHERE tenant = :tenant AND execution_id = :execution "
      "AND finished_at IS NULL AND (control IS NULL OR control <> 'cancel' OR :asked = 'cancel')",
      {{"execution", execution_id}, {"control", detail::or_null(control)}, {"asked", control}});
  if (changed == 0) {
    VMC_TRY(execution, find_execution(tx, execution_id));
    return fail(Code::conflict, execution.finished_at
                                    ? fmt::format("the execution has {} already", execution.status)
                                    : std::string{"the execution is being cancelled"});
  }
  detail::wake_job_of(tx, tx.tenant(), execution_id, now);
  return {};
}

Result<std::vector<workflow::Event>> events_after(store::Tx& tx, std::string_view execution_id,
                                                  std::int64_t after, std::size_t limit) {
  const auto rows = tx.query(
      "SELECT seq, time, body FROM events WHERE tenant = :tenant AND execution_id = :execution AND seq > "
      ":after "
      "ORDER BY seq LIMIT :most",
      {{"execution", execution_id}, {"after", after}, {"most", std::min(limit, kEventsPageMax)}});
  std::vector<workflow::Event> events;
  for (const auto& row : rows) {
    VMC_TRY(json, parse_json(row.text(2), kEventBytesMax));
    if (!json.is_object()) return fail(Code::internal, "a stored event is not one");
    json["seq"] = row.integer(0);
    json["time"] = row.integer(1);
    VMC_TRY(event, workflow::event_from_json(json));
    events.push_back(std::move(event));
  }
  return events;
}

Result<std::int64_t> last_seq(store::Tx& tx, std::string_view execution_id) {
  const auto row =
      tx.one("SELECT COALESCE(MAX(seq), 0) FROM events WHERE tenant = :tenant AND execution_id = :execution",
             {{"execution", execution_id}});
  return row.value().integer(0);
}

Result<void> append_event(store::Tx& tx, const Lease& lease, workflow::Event event, Micros now) {
  VMC_CHECK(check_lease(tx, lease));
  VMC_TRY(text, event_text(event));
  insert_event(tx, lease.execution_id, now, std::move(text));
  return {};
}

}  // namespace vmc::state
