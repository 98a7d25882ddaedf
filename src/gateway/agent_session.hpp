// One agent's session: authentication, then commands out and results in, until the connection ends.
//
// Lives in one coroutine (with two children: the pump that sends, and the books that are written a little later). A
// session that is no longer the connector's newest (by epoch) or whose key was revoked ends at its next look
// at the state, which a wake-up makes immediate.
#pragma once

#include <map>
#include <set>
#include <string>

#include "core/event.hpp"
#include "core/task_group.hpp"
#include "gateway/gateway.hpp"
#include "gateway/switchboard.hpp"
#include "net/link.hpp"
#include "state/connectors.hpp"
#include "wire/messages.hpp"

namespace vmc::gateway {

// WebSocket close codes of vmc.v1.
inline constexpr std::uint16_t kCloseGoingAway = 1001;
inline constexpr std::uint16_t kCloseUnauthorised = 4001;
inline constexpr std::uint16_t kCloseFenced = 4002;
inline constexpr std::uint16_t kCloseDuplicate = 4003;
inline constexpr std::uint16_t kCloseMalformed = 4004;

class AgentSession {
 public:
  AgentSession(asio::any_io_executor loop, Platform& platform, const Settings& settings, Switchboard& switchboard,
               std::unique_ptr<net::Link> link);
  awaitable<void> run();

 private:
  struct Identity {
    std::string tenant;
    state::LoginOutcome login;
    std::string connector_id, key_id;
  };
  struct Sent {
    std::string execution_id;
    std::int64_t attempt_epoch = 0;
  };
  awaitable<Result<void>> authenticate();
  awaitable<Result<Identity>> enrol(wire::Auth auth);
  awaitable<Result<Identity>> log_in(wire::Auth auth, Bytes nonce);
  awaitable<void> refuse(Error error, std::uint16_t code);

  awaitable<void> receive();
  awaitable<void> handle(wire::AgentMessage message);
  awaitable<void> keep_books();
  awaitable<void> write_acks();
  awaitable<void> write_told();
  awaitable<void> on_result(wire::CommandResult result);
  awaitable<void> on_error(wire::CommandError error);
  bool tell(const std::string& command_id, const Switchboard::Told& outcome);
  awaitable<void> finish(std::string command_id, state::Outcome outcome);
  awaitable<Result<wire::AgentMessage>> decode(std::string text);
  awaitable<void> on_schema(wire::SchemaDiscovery discovery);
  awaitable<Result<void>> check_chunks(const wire::CommandResult& result);

  bool take(const state::QueuedCommand& next, std::int64_t epoch);
  void note_sent(const state::QueuedCommand& next);
  awaitable<void> send_command(wire::Command command);
  awaitable<void> pump();
  awaitable<Result<bool>> pump_once();  // false: the session is over
  Result<std::vector<std::string>> cancelled_among(store::Tx& tx, const std::map<std::string, Sent>& sent) const;
  awaitable<void> send(wire::GatewayMessage message);

  asio::any_io_executor loop_;
  Platform& platform_;
  const Settings& settings_;
  Switchboard& switchboard_;
  std::unique_ptr<net::Link> link_;
  Identity identity_;
  crypto::Secret tenant_key_;
  Event wake_;
  Event books_;
  TaskGroup tasks_;
  std::int64_t free_ = 0;                           // commands the agent can still take
  std::int64_t last_ordinal_ = -1;                  // newest command sent in this session
  std::map<std::string, Sent> outstanding_;         // commands sent and not finished
  std::set<std::string> acks_;                      // commands the agent holds, not recorded yet
  std::map<std::string, Switchboard::Told> told_;   // outcomes whose caller has them, not recorded yet
  bool over_ = false;
};

}  // namespace vmc::gateway
