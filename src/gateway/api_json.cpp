#include "gateway/api_json.hpp"

#include <charconv>

#include <fmt/format.h>

namespace vmc::gateway {
namespace {

Json or_null(const std::optional<Micros>& time) { return time ? Json(*time) : Json(); }

}  // namespace

Result<Json> body_of(const net::Request& request) {
  if (request.body.empty()) return Json::object();
  auto body = parse_json(as_text(request.body));
  if (body && !body->is_object()) return fail(Code::invalid_request, "the body must be a JSON object");
  return body;
}

Result<void> expect_no_fields(const net::Request& request) {
  VMC_TRY(body, body_of(request));
  return JsonReader{body}.finish_strict();
}

Result<std::int64_t> number_of(const net::Request& request, const char* name, std::int64_t fallback,
                               std::int64_t min, std::int64_t max) {
  const auto found = request.query.find(name);
  if (found == request.query.end()) return fallback;
  const auto& text = found->second;
  const auto* const end = text.data() + text.size();
  std::int64_t value = 0;
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || at != end || value < min || value > max)
    return fail(Code::invalid_request,
                fmt::format("'{}' must be a whole number from {} to {}", name, min, max));
  return value;
}

Json shown(const state::Tenant& tenant) {
  return {{"tenant", tenant.tenant}, {"name", tenant.name}, {"tier", tenant.tier}};
}

Json shown(const state::KeyInfo& key) {
  return {{"keyId", key.key_id},
          {"connectorId", key.connector_id},
          {"connectorName", key.connector_name},
          {"createdAt", key.created_at},
          {"usedAt", or_null(key.used_at)},
          {"revokedAt", or_null(key.revoked_at)}};
}

Json shown(const state::Connector& connector, bool online) {
  return {{"connectorId", connector.connector_id},
          {"name", connector.name},
          {"online", online},
          {"epoch", connector.epoch},
          {"agentVersion", connector.agent_version},
          {"installationId", connector.installation_id},
          {"connectedAt", or_null(connector.connected_at)},
          {"seenAt", or_null(connector.seen_at)}};
}

Json shown(const state::Notice& notice) {
  return {{"noticeId", notice.notice_id},
          {"time", notice.time},
          {"code", notice.code},
          {"message", notice.message}};
}

Json shown(const state::StoredWorkflow& workflow) {
  return {{"workflowId", workflow.workflow_id},
          {"name", workflow.name},
          {"version", workflow.version},
          {"hash", workflow.hash}};
}

Result<Json> shown(store::Tx& tx, const state::Execution& execution) {
  VMC_TRY(last, state::last_seq(tx, execution.execution_id));
  return Json{{"executionId", execution.execution_id},
              {"workflowId", execution.workflow_id},
              {"workflowName", execution.workflow_name},
              {"workflowVersion", execution.workflow_version},
              {"status", execution.status},
              {"waitingOn", execution.waiting_on},
              {"createdAt", execution.created_at},
              {"finishedAt", or_null(execution.finished_at)},
              {"summary", execution.summary},
              {"lastSeq", last}};
}

bool has_ended(const state::Execution& execution) {
  return execution.status == "succeeded" || execution.status == "failed" || execution.status == "cancelled";
}

net::Response list_of(Json items) {
  Json body;
  body["items"] = std::move(items);
  return net::Response::json(200, body);
}

net::Response shown_once(std::string_view field, const crypto::Secret& secret, const Json& others) {
  const auto rest = others.dump();
  const auto head = fmt::format("{{\"{}\":\"", field);
  constexpr std::string_view middle = "\",";
  net::Response response;
  response.status = 201;
  response.headers.emplace_back("Content-Type", "application/json");
  auto& body = response.body;
  body.reserve(head.size() + secret.size() + middle.size() + rest.size());
  const auto add = [&body](std::string_view text) { body.insert(body.end(), text.begin(), text.end()); };
  add(head);
  add(secret.text());  // letters, digits, '_' and '-': nothing to escape
  add(middle);
  add(std::string_view{rest}.substr(1));
  return response;
}

}  // namespace vmc::gateway
