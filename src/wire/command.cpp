#include "wire/command.hpp"

#include <array>
#include <utility>

#include "crypto/hash.hpp"
#include "wire/fields.hpp"

namespace vmc::wire {
namespace {

constexpr std::array<std::pair<Operation, std::string_view>, 8> kOperations{{
    {Operation::split, "split"},
    {Operation::extract, "extract"},
    {Operation::digest, "digest"},
    {Operation::load, "load"},
    {Operation::digest_keys, "digest_keys"},
    {Operation::query, "query"},
    {Operation::swap, "swap"},
    {Operation::drop_aside, "drop_aside"},
}};
constexpr std::array<std::pair<LoadMode, std::string_view>, 3> kLoadModes{{
    {LoadMode::insert, "insert"},
    {LoadMode::upsert, "upsert"},
    {LoadMode::replace, "replace"},
}};

constexpr std::int64_t kTimeoutMsMax = 24 * 3600 * 1000;
constexpr std::int64_t kChunksMax = 10'000'000;
constexpr std::int64_t kPartsMax = 10'000'000;

bool ends_replacing(Operation operation) { return operation == Operation::swap || operation == Operation::drop_aside; }
bool reads_intent(Operation operation) {
  return operation != Operation::load && operation != Operation::query && !ends_replacing(operation);
}
bool takes_input(Operation operation) {
  return operation == Operation::load || operation == Operation::digest_keys;
}
bool hashes_rows(Operation operation) {
  return operation == Operation::extract || operation == Operation::digest || operation == Operation::digest_keys;
}

Json load_json(const LoadSpec& load) {
  Json json{{"table", load.table}, {"mode", to_string(load.mode)}, {"key", load.key}, {"columns", load.columns}};
  if (load.rows) json["rows"] = *load.rows;
  return json;
}

Result<LoadSpec> load_from_json(const Json& json, Operation operation) {
  JsonReader in{json, "payload.load"};
  LoadSpec load;
  load.table = text(in, "table", kNameBytesMax);
  const auto mode = load_mode_named(text(in, "mode", 64));
  if (!mode) in.complain("mode", "must be insert, upsert or replace");
  load.mode = mode.value_or(LoadMode::upsert);
  load.key = names(in, "key");
  load.columns = names(in, "columns");
  if (load.columns.empty()) in.complain("columns", "must not be empty");
  if (load.key.empty() && load.mode == LoadMode::upsert) in.complain("key", "is missing: mode upsert needs it");
  if (ends_replacing(operation) && load.mode != LoadMode::replace) in.complain("mode", "must be replace here");
  if (operation == Operation::swap || in.has("rows")) load.rows = whole(in, "rows", 0);
  VMC_CHECK(in.finish());
  return load;
}

Json input_json(const Input& input) {
  Json json{{"bufferKey", input.buffer_key},
            {"chunks", input.chunks},
            {"labelCommand", input.label_command},
            {"labelConnector", input.label_connector},
            {"labelEpoch", input.label_epoch}};
  if (!input.data_key.empty()) json["dataKey"] = to_base64(input.data_key);
  return json;
}

Result<Input> input_from_json(const Json& json) {
  JsonReader in{json, "input"};
  Input input;
  input.buffer_key = path(in, "bufferKey", Need::required);
  input.chunks = whole(in, "chunks", 0, kChunksMax);
  input.data_key = bytes(in, "dataKey", kKeyBytes, Need::optional);
  input.label_command = id(in, "labelCommand");
  input.label_connector = id(in, "labelConnector");
  input.label_epoch = whole(in, "labelEpoch");
  VMC_CHECK(in.finish());
  return input;
}

Json payload_json(const Payload& payload) {
  Json json{{"connection", payload.connection},
            {"timeoutMs", payload.timeout_ms},
            {"idempotencyKey", payload.idempotency_key},
            {"expiresAt", payload.expires_at}};
  if (payload.intent) json["intent"] = data::to_json(*payload.intent);
  if (payload.query) json["query"] = *payload.query;
  for (const auto& value : payload.params) json["params"].push_back(data::to_json(value));
  if (payload.load) json["load"] = load_json(*payload.load);
  if (!payload.split_key.empty()) json["splitKey"] = payload.split_key;
  if (payload.rows_per_part != 0) json["rowsPerPart"] = payload.rows_per_part;
  if (!payload.digest_seed.empty()) json["digestSeed"] = payload.digest_seed;
  return json;
}

Result<Payload> payload_from_json(const Json& json, Operation operation) {
  JsonReader in{json, "payload"};
  Payload payload;
  payload.connection = text(in, "connection", kNameBytesMax);
  payload.split_key = names(in, "splitKey");
  payload.rows_per_part = whole_or(in, "rowsPerPart", 0, 0);
  payload.digest_seed = text(in, "digestSeed", 32, Need::optional);
  payload.timeout_ms = whole_or(in, "timeoutMs", payload.timeout_ms, 1, kTimeoutMsMax);
  payload.idempotency_key = text(in, "idempotencyKey", kNameBytesMax, Need::optional);
  payload.expires_at = whole_or(in, "expiresAt", 0, 0);
  if (in.has("query")) payload.query = text(in, "query", kStatementBytesMax);
  const Json* params = in.array_or_null("params");
  const Json* intent = in.object_or_null("intent");
  const Json* load = in.object_or_null("load");
  if (reads_intent(operation) && !intent) in.complain("intent", "is missing");
  if (payload.query && operation != Operation::query) in.complain("query", "belongs to the operation query only");
  if (operation == Operation::query && payload.query.has_value() == (intent != nullptr))
    in.complain("query", "or an intent is needed, not both");
  if (params && (!payload.query || params->size() > kParamsMax)) in.complain("params", "are too many, or without a query");
  if ((takes_input(operation) || ends_replacing(operation)) && !load) in.complain("load", "is missing");
  const auto seed = from_hex(payload.digest_seed);
  const bool seeded = seed && seed->size() == 16;
  if (!payload.digest_seed.empty() && !seeded) in.complain("digestSeed", "must be 32 hex digits");
  if (payload.digest_seed.empty() && hashes_rows(operation)) in.complain("digestSeed", "is missing");
  if (operation == Operation::split && payload.rows_per_part < 1)
    in.complain("rowsPerPart", "must be at least 1");
  VMC_CHECK(in.finish());
  if (intent) {
    VMC_TRY(read, data::intent_from_json(*intent));
    payload.intent = std::move(read);
  }
  if (params) {
    for (const auto& param : *params) {
      VMC_TRY(value, data::value_from_json(param));
      payload.params.push_back(std::move(value));
    }
  }
  if (load) {
    VMC_TRY(read, load_from_json(*load, operation));
    payload.load = std::move(read);
  }
  return payload;
}

}  // namespace

std::string_view to_string(Operation operation) {
  return kOperations[static_cast<std::size_t>(operation)].second;
}
std::optional<Operation> operation_named(std::string_view name) {
  for (const auto& [operation, known] : kOperations)
    if (known == name) return operation;
  return std::nullopt;
}
std::string_view to_string(LoadMode mode) { return kLoadModes[static_cast<std::size_t>(mode)].second; }
std::optional<LoadMode> load_mode_named(std::string_view name) {
  for (const auto& [mode, known] : kLoadModes)
    if (known == name) return mode;
  return std::nullopt;
}

Json to_json(const Command& command) {
  Json json{
      {"commandId", command.command_id},
      {"executionId", command.execution_id},
      {"activityId", command.activity_id},
      {"workflow", {{"id", command.workflow_id}, {"name", clipped(command.workflow_name, kNameBytesMax)}}},
      {"attempt", command.attempt},
      {"attemptEpoch", command.attempt_epoch},
      {"part", command.part},
      {"operation", to_string(command.operation)},
      {"payload", payload_json(command.payload)}};
  if (!command.data_key.empty()) json["dataKey"] = to_base64(command.data_key);
  if (!command.upload.empty()) json["upload"] = command.upload;
  if (command.input) json["input"] = input_json(*command.input);
  return json;
}

Result<Command> command_from_json(const Json& json) {
  JsonReader in{json};
  Command command;
  command.command_id = id(in, "commandId");
  command.execution_id = id(in, "executionId", Need::optional);
  command.activity_id = id(in, "activityId", Need::optional);
  if (const Json* workflow = in.object_or_null("workflow")) {
    JsonReader of{*workflow, "workflow"};
    command.workflow_id = id(of, "id", Need::optional);
    command.workflow_name = text(of, "name", kNameBytesMax, Need::optional);
    VMC_CHECK(of.finish());
  }
  command.attempt = static_cast<int>(whole_or(in, "attempt", 1, 1, 1'000'000));
  command.attempt_epoch = whole(in, "attemptEpoch");
  command.part = static_cast<int>(whole_or(in, "part", 0, 0, kPartsMax));
  const auto operation = operation_named(text(in, "operation", 64));
  if (!operation) in.complain("operation", "is not known");
  const Json* payload = in.object("payload");
  command.data_key = bytes(in, "dataKey", kKeyBytes, Need::optional);
  command.upload = path(in, "upload", Need::optional);
  const Json* input = in.object_or_null("input");
  if (operation && takes_input(*operation) && !input) in.complain("input", "is missing");
  VMC_CHECK(in.finish());
  command.operation = *operation;
  VMC_TRY(read, payload_from_json(*payload, command.operation));
  command.payload = std::move(read);
  if (input) {
    VMC_TRY(source, input_from_json(*input));
    command.input = std::move(source);
  }
  return command;
}

Result<void> check_deliverable(const Command& command) {
  const auto refuse = [&](std::string_view what) {
    return fail(Code::command_malformed, "'" + std::string{what} + "' is missing");
  };
  if (command.operation == Operation::extract && command.data_key.empty()) return refuse("dataKey");
  if (command.operation == Operation::extract && command.upload.empty()) return refuse("upload");
  if (command.input && command.input->data_key.empty()) return refuse("input.dataKey");
  if (command.payload.idempotency_key.empty()) return refuse("payload.idempotencyKey");
  if (command.payload.expires_at == 0) return refuse("payload.expiresAt");
  return {};
}

std::string fingerprint(const Command& command) {
  Json payload = payload_json(command.payload);
  payload.erase("timeoutMs");
  payload.erase("expiresAt");
  Json request{{"operation", to_string(command.operation)}, {"payload", std::move(payload)}};
  if (command.input) {
    request["input"] = input_json(*command.input);
    request["input"].erase("dataKey");
  }
  const auto text = to_text(request);
  return to_hex(crypto::sha256(as_bytes(text)));
}

}  // namespace vmc::wire
