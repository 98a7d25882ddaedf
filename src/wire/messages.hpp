// The messages of subprotocol vmc.v1 as plain structs, and their JSON. schemas/protocol/ describes each.
// Unknown fields are ignored; an unknown type or a malformed message is COMMAND_MALFORMED, to be answered
// with Problem, never a reason to crash.
#pragma once

#include <span>
#include <string>
#include <variant>
#include <vector>

#include "data/schema.hpp"
#include "wire/command.hpp"

namespace vmc::wire {

// agent -> gateway
struct Auth {
  std::string api_key;  // at enrolment only, sent once and wiped
  Bytes public_key;     // at enrolment
  std::string key_id;   // later logins
  Bytes signature;      // later logins: over challenge_text()
  std::string installation_id;
  std::int64_t last_epoch = 0;
  std::string agent_version;
  std::string name;
  bool operator==(const Auth&) const = default;
};
struct Heartbeat {
  Micros timestamp = 0;
  std::string status;
  std::int64_t active_commands = 0;
  bool operator==(const Heartbeat&) const = default;
};
struct SchemaDiscovery {
  std::string connection;
  data::Schema schema;
  Micros timestamp = 0;
  bool operator==(const SchemaDiscovery&) const = default;
};
struct Ready {
  std::int64_t free = 0;
  bool operator==(const Ready&) const = default;
};
struct CommandAck {
  std::string command_id;
  bool operator==(const CommandAck&) const = default;
};
struct CommandWaiting {
  std::string command_id;
  std::string waiting_on;
  Micros since = 0;
  bool operator==(const CommandWaiting&) const = default;
};
struct ExecutionResult {
  CommandResult result;
  bool operator==(const ExecutionResult&) const = default;
};
struct ExecutionError {
  CommandError error;
  bool operator==(const ExecutionError&) const = default;
};
struct Status {
  std::string status;
  std::string reason;
  bool operator==(const Status&) const = default;
};

// gateway -> agent
struct Challenge {
  Bytes nonce;
  Micros server_time = 0;
  bool operator==(const Challenge&) const = default;
};
struct Connected {
  std::string tenant_id, connector_id, connector_name, key_id;
  Micros server_time = 0;
  std::int64_t epoch = 0;
  Bytes session_key;  // HKDF(master, connector, epoch): authenticates chunks of this session
  bool operator==(const Connected&) const = default;
};
struct CommandMessage {
  Command command;
  bool operator==(const CommandMessage&) const = default;
};
struct ResultAck {
  std::string command_id;
  bool operator==(const ResultAck&) const = default;
};
struct Cancel {
  std::string execution_id;
  std::string command_id;
  std::string reason;
  bool operator==(const Cancel&) const = default;
};
struct SchemaRequest {
  std::string connection;
  bool operator==(const SchemaRequest&) const = default;
};
struct Shutdown {
  std::string reason;
  std::int64_t grace_period_ms = 0;
  bool operator==(const Shutdown&) const = default;
};
struct Problem {
  Code code = Code::internal;
  std::string message;
  bool operator==(const Problem&) const = default;
};  // type "error"

using AgentMessage = std::variant<Auth, Heartbeat, SchemaDiscovery, Ready, CommandAck, CommandWaiting,
                                  ExecutionResult, ExecutionError, Status, Problem>;
using GatewayMessage =
    std::variant<Challenge, Connected, CommandMessage, ResultAck, Cancel, SchemaRequest, Shutdown, Problem>;

inline constexpr std::size_t kMessageBytesMax = 4u << 20;  // of one message
inline constexpr std::size_t kTextBytesMax = 1000;  // of a name, reason or message; encode() cuts longer ones

// The `type` of every message, in the order of the variants.
std::span<const std::string_view> agent_message_types();
std::span<const std::string_view> gateway_message_types();

std::string encode(const AgentMessage& message);
std::string encode(const GatewayMessage& message);
Result<AgentMessage> decode_agent_message(std::string_view text);
Result<GatewayMessage> decode_gateway_message(std::string_view text);

// What a device signs: label, nonce, key id, installation id, last epoch, each with its length.
Bytes challenge_text(ByteView nonce, std::string_view key_id, std::string_view installation_id,
                     std::int64_t last_epoch);

}  // namespace vmc::wire
