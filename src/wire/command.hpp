// A command: one piece of work the gateway gives an agent. It carries intents, structured loads, and SQL text only to be
// judged by the agent's guard.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/bytes.hpp"
#include "core/clock.hpp"
#include "core/json.hpp"
#include "data/intent.hpp"

namespace vmc::wire {

enum class Operation {
  split,        // cut an intent's rows into key ranges            -> inline {parts, upTo}
  extract,      // read an intent, then again in the same snapshot -> chunks in the buffer; inline {rows, digest} of the second
  digest,       // count and order-free hash of an intent's rows   -> inline {rows, digest}
  load,         // write the chunks of `input` into a table        -> inline {rows}
  digest_keys,  // count and hash of the rows with input's keys    -> inline {rows, digest}
  query,        // read a small intent, or a statement's rows      -> inline rows
  swap,         // rows laid aside by loads become the table's     -> inline {rows}
  drop_aside,   // rows laid aside by loads are given up           -> inline {}
};
std::string_view to_string(Operation operation);
std::optional<Operation> operation_named(std::string_view name);

enum class LoadMode { insert, upsert, replace };
std::string_view to_string(LoadMode mode);
std::optional<LoadMode> load_mode_named(std::string_view name);

struct LoadSpec {
  std::string table;
  LoadMode mode = LoadMode::upsert;
  std::vector<std::string> key;       // conflict key; upsert needs one
  std::vector<std::string> columns;   // those of the input
  std::optional<std::int64_t> rows = std::nullopt;  // swap: how many were laid aside
  bool operator==(const LoadSpec&) const = default;
};

// Sealed chunks another command left in the buffer, to be fetched by this one.
struct Input {
  std::string buffer_key;             // path below /buffer/v1/
  std::int64_t chunks = 0;
  Bytes data_key;                     // opens them
  std::string label_command;          // the ChunkLabel they were sealed with: command,
  std::string label_connector;        //   connector,
  std::int64_t label_epoch = 0;       //   attempt epoch
  bool operator==(const Input&) const = default;
};

struct Payload {
  std::string connection;
  std::optional<data::Intent> intent;       // split, extract, digest, query; table and columns of digest_keys
  std::optional<std::string> query;         // query, instead of an intent: one statement in the connection's dialect
  std::vector<data::Value> params;          // of the statement
  std::optional<LoadSpec> load;             // load, digest_keys, swap, drop_aside
  std::vector<std::string> split_key;       // split; empty: one part
  std::int64_t rows_per_part = 0;           // split
  std::string digest_seed;                  // extract, digest, digest_keys: 32 hex digits
  std::int64_t timeout_ms = 30'000;
  std::string idempotency_key;
  Micros expires_at = 0;
  bool operator==(const Payload&) const = default;
};

struct Command {
  std::string command_id;
  std::string execution_id;
  std::string activity_id;
  std::string workflow_id;
  std::string workflow_name;
  int attempt = 1;
  std::int64_t attempt_epoch = 1;
  int part = 0;
  Operation operation = Operation::query;
  Payload payload;
  Bytes data_key;                           // seals the chunks this command produces
  std::string upload;                       // grant: path prefix for PUT, "" when none
  std::optional<Input> input;               // load, digest_keys
  bool operator==(const Command&) const = default;
};

Json to_json(const Command& command);
// Reads what to_json() writes; the grants (data keys, upload) may be missing, as they are where commands are stored.
Result<Command> command_from_json(const Json& json);
// What an agent insists on beyond that: keys, upload grant, idempotency key and expiry its operation needs.
Result<void> check_deliverable(const Command& command);
// SHA-256 over what makes two commands the same request (operation, payload without times, input, without keys): hex.
std::string fingerprint(const Command& command);

// What an agent answers. `inline_result` fits in kInlineResultMax when serialised.
struct CommandResult {
  std::string command_id, execution_id, activity_id;
  std::int64_t attempt_epoch = 1;
  std::string buffer_key;                   // chunks; "" for inline results
  std::int64_t chunks = 0;
  Json inline_result;                       // null for chunked ones
  std::int64_t row_count = 0;
  std::int64_t duration_ms = 0;
  bool operator==(const CommandResult&) const = default;
};

struct CommandError {
  std::string command_id;
  std::int64_t attempt_epoch = 1;
  Code code = Code::internal;
  std::string message;
  bool retryable = false;
  std::string hint = {};  // what to do next, where more is known than the code says
  bool operator==(const CommandError&) const = default;
};

inline constexpr std::size_t kStatementBytesMax = 256u << 10;
inline constexpr std::size_t kParamsMax = 1'000;
inline constexpr std::size_t kInlineResultMax = 256u << 10;
inline constexpr std::size_t kChunkBytesMax = 4u << 20;     // sealed, on the wire
inline constexpr std::string_view kSubprotocol = "vmc.v1";
inline constexpr std::string_view kLinkPath = "/ws";
inline constexpr std::string_view kBufferPath = "/buffer/v1/";

}  // namespace vmc::wire
