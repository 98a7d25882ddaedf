// The messages of subprotocol vmc.v1 as plain structs, and their JSON. schemas/protocol/ describes each.
// Unknown fields are ignored; an unknown type or a malformed message is COMMAND_MALFORMED, to be answered
// with Problem, never a reason to crash.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "data/schema.hpp"
#include "wire/command.hpp"

namespace vmc::wire {

// agent -> gateway
struct Auth {
  std::string api_key;          // at enrolment only, sent once and wiped
  Bytes public_key;             // at enrolment
  std::string key_id;           // later logins
  Bytes signature;              // later logins: over challenge_text()
  std::string installation_id;
  std::int64_t last_epoch = 0;
  std::string agent_version;
  std::string name;
};
struct Heartbeat { Micros timestamp = 0; std::string status; std::int64_t active_commands = 0; };
struct SchemaDiscovery { std::string connection; data::Schema schema; Micros timestamp = 0; };
struct Ready { std::int64_t free = 0; };
struct CommandAck { std::string command_id; };
struct CommandWaiting { std::string command_id; std::string waiting_on; Micros since = 0; };
struct ExecutionResult { CommandResult result; };
struct ExecutionError { CommandError error; };
struct Status { std::string status; std::string reason; };

// gateway -> agent
struct Challenge { Bytes nonce; Micros server_time = 0; };
struct Connected {
  std::string tenant_id, connector_id, connector_name, key_id;
  Micros server_time = 0;
  std::int64_t epoch = 0;
  Bytes session_key;            // HKDF(master, connector, epoch): authenticates chunks of this session
};
struct CommandMessage { Command command; };
struct ResultAck { std::string command_id; };
struct Cancel { std::string execution_id; std::string command_id; std::string reason; };
struct SchemaRequest { std::string connection; };
struct Shutdown { std::string reason; std::int64_t grace_period_ms = 0; };
struct Problem { Code code = Code::internal; std::string message; };   // type "error"

using AgentMessage = std::variant<Auth, Heartbeat, SchemaDiscovery, Ready, CommandAck, CommandWaiting, ExecutionResult,
                                  ExecutionError, Status, Problem>;
using GatewayMessage = std::variant<Challenge, Connected, CommandMessage, ResultAck, Cancel, SchemaRequest, Shutdown,
                                    Problem>;

std::string encode(const AgentMessage& message);
std::string encode(const GatewayMessage& message);
Result<AgentMessage> decode_agent_message(std::string_view text);
Result<GatewayMessage> decode_gateway_message(std::string_view text);

// What a device signs: label, nonce, key id, installation id, last epoch, each with its length.
Bytes challenge_text(ByteView nonce, std::string_view key_id, std::string_view installation_id, std::int64_t last_epoch);

}  // namespace vmc::wire
