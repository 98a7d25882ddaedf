// One session with the gateway, from connecting to the end of the link: login, heartbeats, commands in,
// answers out.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <vector>

#include "agent/buffer_client.hpp"
#include "agent/connections.hpp"
#include "agent/journal.hpp"
#include "agent/keys.hpp"
#include "core/event.hpp"
#include "net/client.hpp"
#include "wire/messages.hpp"

namespace vmc::agent {

// What a session shares with the parts that live longer.
struct SessionParts {
  asio::io_context& loop;
  const Settings& settings;
  Keys& keys;
  Journal& journal;
  Connections& connections;
  BufferClient& buffer;
  const Clock& clock;
  Event& outbox;                             // an outcome was stored, a schema approved, or room became free
  bool& outbox_due;                          // the journal holds outcomes that were not handed to the session
  bool& schemas_due;                         // approved schemas are to be looked at
  std::function<void(wire::Command)> start;  // run an admitted command
  std::function<void(std::string)> cancel;   // by command id
  std::function<std::int64_t()> free;        // commands that can still be taken
  std::function<std::int64_t()> active;
  std::function<void()> connected;           // the login has succeeded
};

class CloudSession {
 public:
  CloudSession(SessionParts parts, net::Address address, std::shared_ptr<net::TlsContext> tls)
      : parts_{std::move(parts)},
        address_{std::move(address)},
        tls_{std::move(tls)},
        books_{parts_.loop.get_executor()} {}

  // Why it ended. AUTH_FAILED and DUPLICATE_CONNECTION are the gateway's verdicts; `established` tells
  // whether the login had succeeded, so that the pause before the next try starts small again.
  awaitable<Error> run();
  bool established() const { return established_; }
  // An outcome, to be sent now. False when it has to be found in the journal later.
  bool answer(Outcome outcome);

 private:
  awaitable<Result<void>> log_in();
  awaitable<Result<wire::Auth>> make_auth(const wire::Challenge& challenge);
  awaitable<Error> receive();
  awaitable<Result<void>> handle(wire::GatewayMessage message);
  awaitable<Result<void>> on_command(wire::Command command);
  awaitable<void> heartbeat();
  awaitable<bool> send_schemas();
  awaitable<void> send_outbox();
  awaitable<bool> send_outcome(Outcome outcome);
  awaitable<bool> send_unconfirmed();
  awaitable<void> keep_books();
  awaitable<void> confirm();
  awaitable<void> acknowledge();
  awaitable<bool> send(wire::AgentMessage message);

  SessionParts parts_;
  net::Address address_;
  std::shared_ptr<net::TlsContext> tls_;
  std::unique_ptr<net::Link> link_;
  std::map<std::string, Steady::time_point> sent_;  // outcomes sent in this session and not confirmed
  std::vector<Outcome> answers_;                    // stored since the outbox was last looked at
  std::vector<std::string> confirmed_;              // by the cloud, not recorded yet
  std::set<std::string> unacknowledged_;            // commands stored here that the cloud has not been told of
  Event books_;
  std::map<std::string, std::string> told_schemas_;  // by connection, a digest of what was sent last
  std::int64_t told_free_ = -1;         // how many more the gateway believes this agent takes; -1: not told yet
  Steady::time_point looked_at_{};      // into the journal, for what is not confirmed
  bool established_ = false;
  bool over_ = false;
};

}  // namespace vmc::agent
