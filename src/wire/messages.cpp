#include "wire/messages.hpp"

#include <array>

#include <fmt/format.h>

#include "core/ids.hpp"
#include "wire/fields.hpp"

namespace vmc::wire {
namespace {

constexpr std::array<std::string_view, std::variant_size_v<AgentMessage>> kAgentTypes{"auth",
                                                                                      "heartbeat",
                                                                                      "schema_discovery",
                                                                                      "ready",
                                                                                      "command_ack",
                                                                                      "command_waiting",
                                                                                      "execution_result",
                                                                                      "execution_error",
                                                                                      "status",
                                                                                      "error"};
constexpr std::array<std::string_view, std::variant_size_v<GatewayMessage>> kGatewayTypes{
    "challenge", "connected", "command", "result_ack", "cancel", "schema_request", "shutdown", "error"};

constexpr std::int64_t kCountMax = 1'000'000;

// --- to JSON: the fields without `type`

Json fields(const Auth& m) {
  Json json{{"installationId", m.installation_id},
            {"lastEpoch", m.last_epoch},
            {"agentVersion", m.agent_version},
            {"name", clipped(m.name, kNameBytesMax)}};
  if (!m.api_key.empty()) json["apiKey"] = m.api_key;
  if (!m.public_key.empty()) json["publicKey"] = to_base64(m.public_key);
  if (!m.key_id.empty()) json["keyId"] = m.key_id;
  if (!m.signature.empty()) json["signature"] = to_base64(m.signature);
  return json;
}
Json fields(const Heartbeat& m) {
  return {{"timestamp", m.timestamp}, {"status", m.status}, {"activeCommands", m.active_commands}};
}
Json fields(const SchemaDiscovery& m) {
  return {{"connection", m.connection}, {"schema", data::to_json(m.schema)}, {"timestamp", m.timestamp}};
}
Json fields(const Ready& m) { return {{"free", m.free}}; }
Json fields(const CommandAck& m) { return {{"commandId", m.command_id}}; }
Json fields(const CommandWaiting& m) {
  return {
      {"commandId", m.command_id}, {"waitingOn", clipped(m.waiting_on, kTextBytesMax)}, {"since", m.since}};
}
Json fields(const ExecutionResult& m) {
  const auto& r = m.result;
  Json result = Json::object();
  if (r.buffer_key.empty())
    result["inline"] = r.inline_result;
  else
    result = {{"bufferKey", r.buffer_key}, {"chunks", r.chunks}};
  if (!r.buffer_key.empty() && !r.inline_result.is_null()) result["inline"] = r.inline_result;
  return {{"commandId", r.command_id},       {"executionId", r.execution_id}, {"activityId", r.activity_id},
          {"attemptEpoch", r.attempt_epoch}, {"result", std::move(result)},   {"rowCount", r.row_count},
          {"durationMs", r.duration_ms}};
}
Json fields(const ExecutionError& m) {
  const auto& e = m.error;
  return {{"commandId", e.command_id},
          {"attemptEpoch", e.attempt_epoch},
          {"error",
           {{"code", info(e.code).name},
            {"message", clipped(e.message, kTextBytesMax)},
            {"hint", clipped(e.hint, kTextBytesMax)},
            {"retryable", e.retryable}}}};
}
Json fields(const Status& m) { return {{"status", m.status}, {"reason", clipped(m.reason, kTextBytesMax)}}; }
Json fields(const Challenge& m) { return {{"nonce", to_base64(m.nonce)}, {"serverTime", m.server_time}}; }
Json fields(const Connected& m) {
  return {{"tenantId", m.tenant_id},
          {"connectorId", m.connector_id},
          {"connectorName", clipped(m.connector_name, kNameBytesMax)},
          {"keyId", m.key_id},
          {"serverTime", m.server_time},
          {"epoch", m.epoch},
          {"sessionKey", to_base64(m.session_key)}};
}
Json fields(const CommandMessage& m) { return to_json(m.command); }
Json fields(const ResultAck& m) { return {{"commandId", m.command_id}}; }
Json fields(const Cancel& m) {
  Json json{{"executionId", m.execution_id}, {"reason", clipped(m.reason, kTextBytesMax)}};
  if (!m.command_id.empty()) json["commandId"] = m.command_id;
  return json;
}
Json fields(const SchemaRequest& m) { return {{"connection", m.connection}}; }
Json fields(const Shutdown& m) {
  return {{"reason", clipped(m.reason, kTextBytesMax)}, {"gracePeriodMs", m.grace_period_ms}};
}
Json fields(const Problem& m) {
  return {{"code", info(m.code).name}, {"message", clipped(m.message, kTextBytesMax)}};
}

template <class Message>
std::string encode_as(const Message& message, std::span<const std::string_view> types) {
  Json json = std::visit([](const auto& m) { return fields(m); }, message);
  json["type"] = types[message.index()];
  return to_text(json);
}

// --- from JSON

Code code_of(JsonReader& in, const char* key) {
  const auto code = code_named(text(in, key, 64));
  if (!code) in.complain(key, "is not a known error code");
  return code.value_or(Code::internal);
}

// Whatever a reader below says, to the peer it is a malformed message.
Error malformed(Error error) { return fail(Code::command_malformed, std::move(error.message)); }

Result<AgentMessage> read_auth(JsonReader& in) {
  Auth m;
  m.api_key = text(in, "apiKey", kNameBytesMax, Need::optional);
  m.public_key = bytes(in, "publicKey", kKeyBytes, Need::optional);
  m.key_id = id(in, "keyId", Need::optional);
  m.signature = bytes(in, "signature", kSignatureBytes, Need::optional);
  m.installation_id = id(in, "installationId");
  m.last_epoch = whole(in, "lastEpoch");
  m.agent_version = text(in, "agentVersion", 64);
  m.name = text(in, "name", kNameBytesMax, Need::optional);
  if (m.api_key.empty() && m.key_id.empty()) in.complain("keyId", "or 'apiKey' is missing");
  if (!m.api_key.empty() && m.public_key.empty()) in.complain("publicKey", "is missing");
  if (m.api_key.empty() && m.signature.empty()) in.complain("signature", "is missing");
  VMC_CHECK(in.finish());
  return m;
}
Result<AgentMessage> read_heartbeat(JsonReader& in) {
  Heartbeat m;
  m.timestamp = whole(in, "timestamp");
  m.status = word(in, "status", {"ready", "busy", "error"});
  m.active_commands = whole(in, "activeCommands", 0, kCountMax);
  VMC_CHECK(in.finish());
  return m;
}
Result<AgentMessage> read_schema_discovery(JsonReader& in) {
  SchemaDiscovery m;
  m.connection = text(in, "connection", kNameBytesMax);
  m.timestamp = whole(in, "timestamp");
  const Json* schema = in.object("schema");
  VMC_CHECK(in.finish());
  auto read = data::schema_from_json(*schema);
  if (!read) return malformed(std::move(read).error());
  m.schema = *std::move(read);
  return m;
}
Result<AgentMessage> read_ready(JsonReader& in) {
  Ready m{whole(in, "free", 0, kCountMax)};
  VMC_CHECK(in.finish());
  return m;
}
Result<AgentMessage> read_command_ack(JsonReader& in) {
  CommandAck m{id(in, "commandId")};
  VMC_CHECK(in.finish());
  return m;
}
Result<AgentMessage> read_command_waiting(JsonReader& in) {
  CommandWaiting m;
  m.command_id = id(in, "commandId");
  m.waiting_on = text(in, "waitingOn", kTextBytesMax);
  m.since = whole(in, "since");
  VMC_CHECK(in.finish());
  return m;
}
Result<AgentMessage> read_execution_result(JsonReader& in) {
  CommandResult r;
  r.command_id = id(in, "commandId");
  r.execution_id = id(in, "executionId", Need::optional);
  r.activity_id = id(in, "activityId", Need::optional);
  r.attempt_epoch = whole(in, "attemptEpoch");
  r.row_count = whole(in, "rowCount");
  r.duration_ms = whole(in, "durationMs");
  const Json* result = in.object("result");
  VMC_CHECK(in.finish());
  JsonReader of{*result, "result"};
  r.buffer_key = path(of, "bufferKey", Need::optional);
  r.chunks = whole_or(of, "chunks", 0, 0);
  if (r.buffer_key.empty() && (r.chunks != 0 || !of.has("inline"))) of.complain("bufferKey", "is missing");
  if (const Json* inlined = of.any("inline")) {
    // Text of the message bounds it; only a long one needs measuring.
    if (inlined->dump().size() > kInlineResultMax) of.complain("inline", "is too large to travel inline");
    r.inline_result = *inlined;
  }
  VMC_CHECK(of.finish());
  return ExecutionResult{std::move(r)};
}
Result<AgentMessage> read_execution_error(JsonReader& in) {
  CommandError e;
  e.command_id = id(in, "commandId");
  e.attempt_epoch = whole(in, "attemptEpoch");
  const Json* error = in.object("error");
  VMC_CHECK(in.finish());
  JsonReader of{*error, "error"};
  e.code = code_of(of, "code");
  e.message = text(of, "message", kTextBytesMax, Need::optional);
  e.hint = text(of, "hint", kTextBytesMax, Need::optional);
  e.retryable = of.boolean_or("retryable", false);
  VMC_CHECK(of.finish());
  return ExecutionError{std::move(e)};
}
Result<AgentMessage> read_status(JsonReader& in) {
  Status m;
  m.status = word(in, "status", {"ready", "busy", "offline", "error"});
  m.reason = text(in, "reason", kTextBytesMax, Need::optional);
  VMC_CHECK(in.finish());
  return m;
}
Result<Problem> read_problem(JsonReader& in) {
  Problem m;
  m.code = code_of(in, "code");
  m.message = text(in, "message", kTextBytesMax, Need::optional);
  VMC_CHECK(in.finish());
  return m;
}
Result<AgentMessage> read_agent_problem(JsonReader& in) {
  VMC_TRY(m, read_problem(in));
  return AgentMessage{std::move(m)};
}

Result<GatewayMessage> read_challenge(JsonReader& in) {
  Challenge m;
  m.nonce = bytes(in, "nonce", kNonceBytes);
  m.server_time = whole(in, "serverTime");
  VMC_CHECK(in.finish());
  return m;
}
Result<GatewayMessage> read_connected(JsonReader& in) {
  Connected m;
  m.tenant_id = id(in, "tenantId");
  m.connector_id = id(in, "connectorId");
  m.connector_name = text(in, "connectorName", kNameBytesMax, Need::optional);
  m.key_id = id(in, "keyId");
  m.server_time = whole(in, "serverTime");
  m.epoch = whole(in, "epoch");
  m.session_key = bytes(in, "sessionKey", kKeyBytes);
  VMC_CHECK(in.finish());
  return m;
}
Result<GatewayMessage> read_result_ack(JsonReader& in) {
  ResultAck m{id(in, "commandId")};
  VMC_CHECK(in.finish());
  return m;
}
Result<GatewayMessage> read_cancel(JsonReader& in) {
  Cancel m;
  m.execution_id = id(in, "executionId", Need::optional);
  m.command_id = id(in, "commandId", Need::optional);
  m.reason = text(in, "reason", kTextBytesMax, Need::optional);
  if (m.execution_id.empty() && m.command_id.empty()) in.complain("executionId", "or 'commandId' is missing");
  VMC_CHECK(in.finish());
  return m;
}
Result<GatewayMessage> read_schema_request(JsonReader& in) {
  SchemaRequest m{text(in, "connection", kNameBytesMax, Need::optional)};
  VMC_CHECK(in.finish());
  return m;
}
Result<GatewayMessage> read_shutdown(JsonReader& in) {
  Shutdown m;
  m.reason = text(in, "reason", kTextBytesMax, Need::optional);
  m.grace_period_ms = whole(in, "gracePeriodMs");
  VMC_CHECK(in.finish());
  return m;
}
Result<GatewayMessage> read_gateway_problem(JsonReader& in) {
  VMC_TRY(m, read_problem(in));
  return GatewayMessage{std::move(m)};
}

using AgentReader = Result<AgentMessage> (*)(JsonReader&);
using GatewayReader = Result<GatewayMessage> (*)(JsonReader&);
constexpr std::array<AgentReader, kAgentTypes.size()> kAgentReaders{
    read_auth,        read_heartbeat,       read_schema_discovery, read_ready,
    read_command_ack, read_command_waiting, read_execution_result, read_execution_error,
    read_status,      read_agent_problem};
// A command is read from the whole object: see decode_gateway_message().
constexpr std::array<GatewayReader, kGatewayTypes.size()> kGatewayReaders{
    read_challenge, read_connected,      nullptr,       read_result_ack,
    read_cancel,    read_schema_request, read_shutdown, read_gateway_problem};

Result<Json> parse(std::string_view text) {
  auto json = parse_json(text, kMessageBytesMax);
  if (!json) return malformed(std::move(json).error());
  return json;
}

// Index of the message's type among `types`.
Result<std::size_t> type_index(const Json& json, std::span<const std::string_view> types) {
  JsonReader in{json, "message"};
  const auto type = text(in, "type", 64);
  VMC_CHECK(in.finish());
  for (std::size_t i = 0; i < types.size(); ++i)
    if (types[i] == type) return i;
  return fail(Code::command_malformed, is_plain_id(type)
                                           ? fmt::format("the message type '{}' is not known", type)
                                           : "the message type is not known");
}

void append_sized(Bytes& out, ByteView bytes) {
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back(static_cast<std::uint8_t>(bytes.size() >> shift));
  out.insert(out.end(), bytes.begin(), bytes.end());
}

}  // namespace

std::span<const std::string_view> agent_message_types() { return kAgentTypes; }
std::span<const std::string_view> gateway_message_types() { return kGatewayTypes; }

std::string encode(const AgentMessage& message) { return encode_as(message, kAgentTypes); }
std::string encode(const GatewayMessage& message) { return encode_as(message, kGatewayTypes); }

Result<AgentMessage> decode_agent_message(std::string_view text) {
  VMC_TRY(json, parse(text));
  VMC_TRY(index, type_index(json, kAgentTypes));
  JsonReader in{json};
  return kAgentReaders[index](in);
}

Result<GatewayMessage> decode_gateway_message(std::string_view text) {
  VMC_TRY(json, parse(text));
  VMC_TRY(index, type_index(json, kGatewayTypes));
  if (kGatewayTypes[index] == "command") {
    auto command = command_from_json(json);
    if (!command) return malformed(std::move(command).error());
    VMC_CHECK(check_deliverable(*command));
    return CommandMessage{*std::move(command)};
  }
  JsonReader in{json};
  return kGatewayReaders[index](in);
}

Bytes challenge_text(ByteView nonce, std::string_view key_id, std::string_view installation_id,
                     std::int64_t last_epoch) {
  Bytes out;
  append_sized(out, as_bytes("vmc.v1 challenge"));
  append_sized(out, nonce);
  append_sized(out, as_bytes(key_id));
  append_sized(out, as_bytes(installation_id));
  Bytes epoch;
  for (int shift = 56; shift >= 0; shift -= 8)
    epoch.push_back(static_cast<std::uint8_t>(static_cast<std::uint64_t>(last_epoch) >> shift));
  append_sized(out, epoch);
  return out;
}

}  // namespace vmc::wire
