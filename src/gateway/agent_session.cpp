#include "gateway/agent_session.hpp"

#include <fmt/format.h>

#include "core/crash_point.hpp"
#include "core/log.hpp"
#include "crypto/signature.hpp"
#include "state/commands.hpp"
#include "state/executions.hpp"
#include "state/keys.hpp"

namespace vmc::gateway {
namespace {

constexpr std::size_t kMessageBeforeLogin = 4096;
constexpr std::size_t kMessageAfterLogin = 4u << 20;
constexpr std::size_t kTasksMax = 64;     // acknowledgements and results being written
constexpr std::size_t kDecodedOnLoop = 16u << 10;  // bytes of a message; larger ones on the cpu pool
constexpr std::int64_t kSendAtOnce = 32;  // commands read from the queue in one go
constexpr auto kBooksPause = std::chrono::milliseconds{20};
constexpr int kMalformedMax = 10;  // messages, then the connection is closed

// What agents see as their key id: it names the tenant too, because later logins carry nothing else.
std::string public_key_id(const std::string& tenant, const std::string& key_id) {
  return tenant + "_" + key_id;
}

}  // namespace

AgentSession::AgentSession(asio::any_io_executor loop, Platform& platform, const Settings& settings,
                           Switchboard& switchboard, std::unique_ptr<net::Link> link)
    : loop_{loop},
      platform_{platform},
      settings_{settings},
      switchboard_{switchboard},
      link_{std::move(link)},
      wake_{loop},
      books_{loop},
      tasks_{loop, TaskGroup::OnError::keep_going} {}

awaitable<void> AgentSession::run() {
  co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
  co_await asio::this_coro::throw_if_cancelled(false);
  auto authenticated = co_await authenticate();
  if (!authenticated) co_return;
  log::info("gateway", "agent connected",
            {{"tenant", identity_.tenant},
             {"connector", identity_.login.connector_name},
             {"epoch", identity_.login.epoch},
             {"peer", link_->peer()}});
  auto wake = [this] { wake_.notify(); };
  auto commands =
      platform_.bus.subscribe(state::connector_topic(identity_.tenant, identity_.connector_id), loop_, wake);
  auto revoked =
      platform_.bus.subscribe(state::revoked_topic(identity_.tenant, identity_.connector_id), loop_, wake);
  auto take_next = [this](const state::QueuedCommand& next, std::int64_t epoch) { return take(next, epoch); };
  const auto line = switchboard_.connect_session(identity_.tenant, identity_.connector_id, take_next);
  // An older session of this connector looks at the state now, and ends.
  platform_.bus.publish(state::connector_topic(identity_.tenant, identity_.connector_id));
  tasks_.spawn("pump", pump());
  tasks_.spawn("books", keep_books());
  co_await receive();
  over_ = true;
  wake_.notify();
  books_.notify();
  if (co_await stopping()) {
    wire::Shutdown shutdown{"the gateway is restarting",
                            std::chrono::duration_cast<std::chrono::milliseconds>(settings_.grace).count()};
    co_await send(std::move(shutdown));
    co_await link_->close(kCloseGoingAway, "going away");
  }
  link_->abort();
  co_await tasks_.join();
  auto gone = [&](store::Tx& tx) {
    return state::mark_gone(tx, identity_.connector_id, identity_.login.epoch);
  };
  auto marked = co_await platform_.db.transact(identity_.tenant, gone);
  if (!marked) log::warn("gateway", "cannot record that an agent left", {{"error", marked.error().text()}});
  log::info("gateway", "agent disconnected",
            {{"tenant", identity_.tenant}, {"connector", identity_.login.connector_name}});
}

awaitable<void> AgentSession::send(wire::GatewayMessage message) {
  auto text = wire::encode(message);
  auto sent = co_await link_->send(std::move(text));
  if (!sent) link_->abort();  // the receiver notices and ends the session
}

awaitable<void> AgentSession::refuse(Error error, std::uint16_t code) {
  log::warn("gateway", "agent refused", {{"peer", link_->peer()}, {"error", error.text()}});
  wire::Problem notice{error.code, error.message};
  co_await send(std::move(notice));
  co_await link_->close(code, std::string{error.name()});
}

// --- Authentication
// -----------------------------------------------------------------------------------------

awaitable<Result<void>> AgentSession::authenticate() {
  link_->set_message_limit(kMessageBeforeLogin);
  wire::Challenge challenge{crypto::random_bytes(32), platform_.clock.now()};
  co_await send(challenge);
  auto text = co_await link_->receive(settings_.authentication_timeout);
  if (!text) {
    co_await link_->close(kCloseUnauthorised, "no login");
    co_return text.error();
  }
  auto message = wire::decode_agent_message(*text);
  crypto::wipe(*text);
  auto* auth = message ? std::get_if<wire::Auth>(&*message) : nullptr;
  if (!auth) {
    auto error = message ? fail(Code::auth_failed, "the first message must be auth") : message.error();
    co_await refuse(error, kCloseMalformed);
    co_return error;
  }
  const bool enrolment = !auth->api_key.empty();
  Result<Identity> identity = fail(Code::auth_failed, "no login");
  if (enrolment)
    identity = co_await enrol(std::move(*auth));
  else
    identity = co_await log_in(std::move(*auth), challenge.nonce);
  if (!identity) {
    co_await refuse(identity.error(), kCloseUnauthorised);
    co_return identity.error();
  }
  if (identity->login.duplicate) {
    auto error = fail(Code::duplicate_connection, fmt::format("another installation is connected as '{}'",
                                                              identity->login.connector_name));
    co_await refuse(error, kCloseDuplicate);
    co_return error;
  }
  identity_ = std::move(*identity);
  auto read_key = [&](store::Tx& tx) { return state::tenant_key(tx, platform_.master_key.view()); };
  auto key = co_await platform_.db.read(identity_.tenant, read_key);
  if (!key) {
    co_await refuse(key.error(), kCloseGoingAway);
    co_return key.error();
  }
  tenant_key_ = std::move(*key);
  wire::Connected connected;
  connected.tenant_id = identity_.tenant;
  connected.connector_id = identity_.connector_id;
  connected.connector_name = identity_.login.connector_name;
  connected.key_id = public_key_id(identity_.tenant, identity_.key_id);
  connected.server_time = platform_.clock.now();
  connected.epoch = identity_.login.epoch;
  const auto session = state::session_key(platform_.master_key.view(), identity_.tenant,
                                          identity_.connector_id, connected.epoch);
  connected.session_key.assign(session.view().begin(), session.view().end());
  link_->set_message_limit(kMessageAfterLogin);
  co_await send(std::move(connected));
  co_return Result<void>{};
}

awaitable<Result<AgentSession::Identity>> AgentSession::enrol(wire::Auth auth) {
  auto parts = crypto::parse_api_key(auth.api_key);
  if (!parts) {
    crypto::wipe(auth.api_key);
    co_return fail(Code::auth_failed, "the API key is not complete",
                   "Copy the whole key, from vmc_ to the checksum.");
  }
  if (auth.public_key.size() != 32) co_return fail(Code::auth_failed, "an enrolment needs a device key");
  auto work = [&](store::Tx& tx) -> Result<Identity> {
    VMC_TRY(key, state::authenticate_key(tx, *parts, auth.api_key, platform_.clock.now()));
    state::Login login{key.connector_id, key.key_id,      auth.installation_id,       auth.agent_version,
                       auth.name,        auth.public_key, settings_.heartbeat_timeout};
    VMC_TRY(outcome, state::login(tx, login, platform_.clock.now()));
    return Identity{parts->tenant, std::move(outcome), key.connector_id, key.key_id};
  };
  auto identity = co_await platform_.db.transact(parts->tenant, work);
  crypto::wipe(auth.api_key);
  crash_point("gateway.enrolled");
  co_return identity;
}

awaitable<Result<AgentSession::Identity>> AgentSession::log_in(wire::Auth auth, Bytes nonce) {
  const auto at = auth.key_id.find('_');
  if (at == std::string::npos)
    co_return fail(Code::auth_failed, "the login carries neither a key nor a key id");
  const auto tenant = auth.key_id.substr(0, at);
  const auto key_id = auth.key_id.substr(at + 1);
  const auto text = wire::challenge_text(nonce, auth.key_id, auth.installation_id, auth.last_epoch);
  auto work = [&](store::Tx& tx) -> Result<Identity> {
    auto wrong = fail(Code::auth_failed, "the key is not live or the signature does not fit");
    auto key = state::check_key_live(tx, key_id);
    if (!key) return wrong;
    VMC_TRY(connector, state::find_connector(tx, key->connector_id));
    if (!crypto::verify(connector.public_key, text, auth.signature)) return wrong;
    state::Login login{connector.connector_id,     key_id,    auth.installation_id,
                       auth.agent_version,         auth.name, {},
                       settings_.heartbeat_timeout};
    VMC_TRY(outcome, state::login(tx, login, platform_.clock.now()));
    return Identity{tenant, std::move(outcome), connector.connector_id, key_id};
  };
  co_return co_await platform_.db.transact(tenant, work);
}

// --- Receiving
// ----------------------------------------------------------------------------------------------

awaitable<void> AgentSession::receive() {
  int malformed = 0;
  while (!over_) {
    auto text = co_await link_->receive(settings_.heartbeat_timeout);
    if (!text) {
      if (text.error().code == Code::command_malformed) co_await link_->close(kCloseMalformed, "malformed");
      co_return;
    }
    auto message = co_await decode(std::move(*text));
    if (!message) {
      log::warn("gateway", "malformed message",
                {{"connector", identity_.login.connector_name}, {"error", message.error().text()}});
      wire::Problem notice{message.error().code, message.error().message};
      co_await send(std::move(notice));
      if (++malformed >= kMalformedMax) {
        co_await link_->close(kCloseMalformed, "too many malformed messages");
        co_return;
      }
      continue;
    }
    co_await tasks_.wait_below(kTasksMax);
    co_await handle(std::move(*message));
  }
}

awaitable<Result<wire::AgentMessage>> AgentSession::decode(std::string text) {
  auto read = [&text] { return wire::decode_agent_message(text); };
  if (text.size() <= kDecodedOnLoop) co_return read();
  co_return co_await offload(platform_.cpu, read);
}

awaitable<void> AgentSession::handle(wire::AgentMessage message) {
  if (auto* result = std::get_if<wire::ExecutionResult>(&message)) {
    tasks_.spawn("result", on_result(std::move(result->result)));
  } else if (auto* error = std::get_if<wire::ExecutionError>(&message)) {
    tasks_.spawn("error", on_error(std::move(error->error)));
  } else if (auto* ack = std::get_if<wire::CommandAck>(&message)) {
    if (!outstanding_.contains(ack->command_id)) co_return;  // answered, or never sent to this agent
    acks_.insert(std::move(ack->command_id));
    books_.notify();
  } else if (auto* ready = std::get_if<wire::Ready>(&message)) {
    const bool had_room = free_ > 0;
    free_ = ready->free;
    if (!had_room) wake_.notify();
  } else if (std::holds_alternative<wire::Heartbeat>(message)) {
    auto seen = [&](store::Tx& tx) {
      return state::mark_seen(tx, identity_.connector_id, identity_.login.epoch, platform_.clock.now());
    };
    auto marked = co_await platform_.db.transact(identity_.tenant, seen);
    if (!marked && marked.error().code == Code::conflict)
      wake_.notify();  // fenced: the pump ends the session
  } else if (auto* waiting = std::get_if<wire::CommandWaiting>(&message)) {
    auto note = [&](store::Tx& tx) {
      return state::mark_waiting(tx, identity_.connector_id, waiting->command_id, waiting->waiting_on);
    };
    auto noted = co_await platform_.db.transact(identity_.tenant, note);
    if (!noted)
      log::warn("gateway", "cannot note what a command waits on", {{"error", noted.error().text()}});
  } else if (auto* schema = std::get_if<wire::SchemaDiscovery>(&message)) {
    co_await on_schema(std::move(*schema));
  } else if (auto* status = std::get_if<wire::Status>(&message)) {
    log::info("gateway", "agent status",
              {{"connector", identity_.login.connector_name},
               {"status", status->status},
               {"reason", status->reason}});
  } else if (auto* problem = std::get_if<wire::Problem>(&message)) {
    log::warn("gateway", "agent reports a problem",
              {{"connector", identity_.login.connector_name},
               {"code", info(problem->code).name},
               {"message", problem->message}});
  } else {
    wire::Problem notice{Code::command_malformed, "the session is authenticated already"};
    co_await send(std::move(notice));
  }
}

// What can be written a little later is, many at once: acknowledgements (a lost one costs one command sent twice, which
// the agent knows; those whose outcome comes first need none) and outcomes that were told to whom they were for.
awaitable<void> AgentSession::keep_books() {
  co_await asio::this_coro::throw_if_cancelled(false);
  for (bool stop = false; !over_ && !stop;) {
    co_await books_.wait_for(settings_.sweep);
    if (!acks_.empty() || !told_.empty()) co_await pause_for(kBooksPause);
    co_await write_acks();
    co_await write_told();
    stop = co_await stopping();
  }
  co_await write_told();  // what came while the last ones were written
}

awaitable<void> AgentSession::write_acks() {
  const auto acks = std::exchange(acks_, {});
  if (acks.empty()) co_return;
  auto work = [&](store::Tx& tx) -> Result<void> {
    for (const auto& command : acks) {
      auto acked = state::ack_command(tx, identity_.connector_id, command, platform_.clock.now());
      if (!acked && acked.error().code != Code::not_found) return acked;
    }
    return {};
  };
  auto written = co_await platform_.db.transact(identity_.tenant, work);
  if (!written)
    log::warn("gateway", "cannot record acknowledgements", {{"count", acks.size()}, {"error", written.error().text()}});
  crash_point("gateway.command_acked");
}

// Those that cannot be recorded are not confirmed: the agent sends them again.
awaitable<void> AgentSession::write_told() {
  const auto outcomes = std::exchange(told_, {});
  if (outcomes.empty()) co_return;
  crash_point("gateway.answers_told");
  auto work = [&](store::Tx& tx) -> Result<void> {
    for (const auto& [command, outcome] : outcomes) {
      auto finished = state::finish_command(tx, identity_.connector_id, command, *outcome, tenant_key_.view(),
                                            platform_.clock.now());
      if (!finished && finished.error().code != Code::not_found) return finished.error();
    }
    return {};
  };
  auto written = co_await platform_.db.transact(identity_.tenant, work);
  if (!written) {
    log::warn("gateway", "results cannot be recorded", {{"count", outcomes.size()}, {"error", written.error().text()}});
    co_return;
  }
  for (const auto& [command, outcome] : outcomes) {
    wire::ResultAck confirmation{command};
    co_await send(std::move(confirmation));
  }
}

// The chunks a result speaks of must all be there, and durable, before the result counts.
awaitable<Result<void>> AgentSession::check_chunks(const wire::CommandResult& result) {
  if (result.buffer_key.empty()) co_return Result<void>{};
  const auto prefix =
      state::buffer_prefix(identity_.tenant, result.execution_id, result.command_id, result.attempt_epoch);
  if (result.buffer_key != prefix)
    co_return fail(Code::command_malformed, "the result names a buffer that is not its own");
  const auto folder = "buffer/" + prefix;
  VMC_CO_TRY(names, co_await platform_.objects.list(folder));
  std::int64_t expected = 0;
  for (const auto& name : names)
    if (name == state::buffer_object(prefix, expected)) ++expected;
  if (expected < result.chunks)
    co_return fail(Code::buffer_integrity, fmt::format("chunk {} of {} is missing", expected, result.chunks));
  co_return co_await platform_.objects.sync(folder);
}

awaitable<void> AgentSession::on_result(wire::CommandResult result) {
  auto complete = co_await check_chunks(result);
  const auto id = result.command_id;
  if (!complete) {
    if (complete.error().code ==
        Code::unavailable) {  // our trouble: the agent keeps the result and sends it again
      log::warn("gateway", "a result cannot be stored",
                {{"command", id}, {"error", complete.error().text()}});
      co_return;
    }
    wire::CommandError error{id, result.attempt_epoch, complete.error().code, complete.error().message, true};
    co_return co_await finish(id, std::move(error));
  }
  crash_point("gateway.chunks_synced");
  co_await finish(id, std::move(result));
}

awaitable<void> AgentSession::on_error(wire::CommandError error) {
  auto id = error.command_id;
  co_await finish(std::move(id), std::move(error));
}

// Who waits for a command of this session hears its outcome before the state does: should the gateway die between the
// two, the agent sends it again, for nothing has been confirmed.
bool AgentSession::tell(const std::string& command_id, const Switchboard::Told& outcome) {
  const auto sent = outstanding_.find(command_id);
  const auto attempt_epoch = std::visit([](const auto& answer) { return answer.attempt_epoch; }, *outcome);
  return sent != outstanding_.end() && sent->second.attempt_epoch == attempt_epoch &&
         switchboard_.finished(identity_.tenant, command_id, outcome);
}

awaitable<void> AgentSession::finish(std::string command_id, state::Outcome given) {
  const auto outcome = std::make_shared<const state::Outcome>(std::move(given));
  if (tell(command_id, outcome)) {
    outstanding_.erase(command_id);
    acks_.erase(command_id);
    told_[command_id] = outcome;
    books_.notify();
    co_return;
  }
  auto work = [&](store::Tx& tx) {
    return state::finish_command(tx, identity_.connector_id, command_id, *outcome, tenant_key_.view(),
                                 platform_.clock.now());
  };
  auto finished = co_await platform_.db.transact(identity_.tenant, work);
  if (!finished && finished.error().code != Code::not_found) {
    log::warn("gateway", "a result cannot be recorded",
              {{"command", command_id}, {"error", finished.error().text()}});
    co_return;  // not acknowledged: the agent sends it again
  }
  crash_point("gateway.result_committed");
  outstanding_.erase(command_id);
  acks_.erase(command_id);
  platform_.bus.publish(state::command_topic(identity_.tenant, command_id));
  platform_.bus.publish(state::kJobsTopic);
  wire::ResultAck confirmation{command_id};
  co_await send(std::move(confirmation));
}

awaitable<void> AgentSession::on_schema(wire::SchemaDiscovery discovery) {
  auto work = [&](store::Tx& tx) {
    return state::publish_schema(tx, identity_.connector_id, discovery.connection, discovery.schema,
                                 platform_.clock.now());
  };
  auto published = co_await platform_.db.transact(identity_.tenant, work);
  if (!published) {
    log::warn("gateway", "a schema cannot be published", {{"error", published.error().text()}});
    wire::Problem notice{published.error().code, published.error().message};
    co_return co_await send(std::move(notice));
  }
  platform_.bus.publish(state::schema_topic(identity_.tenant, identity_.connector_id));
}

// --- Sending
// ------------------------------------------------------------------------------------------------

// The queue's next command, committed a moment ago; anything else comes to the pump in its turn.
bool AgentSession::take(const state::QueuedCommand& next, std::int64_t epoch) {
  const bool is_next = last_ordinal_ >= 0 && next.ordinal == last_ordinal_ + 1;
  if (over_ || free_ <= 0 || epoch != identity_.login.epoch || !is_next || tasks_.size() >= kTasksMax) return false;
  note_sent(next);
  tasks_.spawn("command", send_command(next.command));
  return true;
}

void AgentSession::note_sent(const state::QueuedCommand& next) {
  last_ordinal_ = next.ordinal;
  --free_;
  outstanding_[next.command.command_id] = {next.command.execution_id, next.command.attempt_epoch};
}

awaitable<void> AgentSession::send_command(wire::Command command) {
  wire::CommandMessage message{std::move(command)};
  co_await send(std::move(message));
  crash_point("gateway.command_sent");
}

awaitable<void> AgentSession::pump() {
  co_await asio::this_coro::throw_if_cancelled(false);
  while (!over_ && !co_await stopping()) {
    auto going_on = co_await pump_once();
    if (!going_on)
      log::warn("gateway", "cannot read the command queue", {{"error", going_on.error().text()}});
    if (going_on && !*going_on) {
      over_ = true;
      link_->abort();
      co_return;
    }
    co_await wake_.wait_for(settings_.sweep);
  }
}

awaitable<Result<bool>> AgentSession::pump_once() {
  enum class Standing { good, fenced, revoked };
  Standing standing = Standing::good;
  std::vector<state::QueuedCommand> queued;
  const auto limit = std::min(free_, kSendAtOnce);
  const auto after = last_ordinal_;
  const auto sent = outstanding_;  // results change it while the store looks
  std::vector<std::string> cancelled;
  auto look = [&](store::Tx& tx) -> Result<bool> {
    VMC_TRY(connector, state::find_connector(tx, identity_.connector_id));
    // Revoking a key fences its session too: the reason is told first.
    if (!state::check_key_live(tx, identity_.key_id)) {
      standing = Standing::revoked;
      return false;
    }
    if (connector.epoch != identity_.login.epoch) {
      standing = Standing::fenced;
      return false;
    }
    VMC_TRY(unwanted, cancelled_among(tx, sent));
    cancelled = std::move(unwanted);
    if (limit <= 0) return true;
    VMC_TRY(found, state::queued_commands(tx, identity_.connector_id, after, limit,
                                          tenant_key_.view(), platform_.clock.now()));
    queued = std::move(found);
    return true;
  };
  VMC_CO_TRY(good, co_await platform_.db.read(identity_.tenant, look));
  if (!good) {
    if (standing == Standing::revoked) {
      auto error = fail(Code::auth_failed, "the API key was revoked");
      co_await refuse(error, kCloseUnauthorised);
    } else {
      co_await link_->close(kCloseFenced, "a newer session of this connector exists");
    }
    co_return false;
  }
  for (auto& next : queued) {
    if (next.ordinal <= last_ordinal_) continue;  // taken meanwhile
    note_sent(next);
    co_await send_command(std::move(next.command));
  }
  for (const auto& command : cancelled) {
    wire::Cancel cancel{sent.at(command).execution_id, command, "the command is not wanted any more"};
    outstanding_.erase(command);
    co_await send(std::move(cancel));
  }
  if (!queued.empty() && static_cast<std::int64_t>(queued.size()) == limit) wake_.notify();  // there may be more
  co_return true;
}

// Not those the agent ended itself: these end with an acknowledgement.
Result<std::vector<std::string>> AgentSession::cancelled_among(store::Tx& tx,
                                                               const std::map<std::string, Sent>& sent) const {
  std::vector<std::string> cancelled;
  for (const auto& [command, what] : sent) {
    auto outcome = state::command_outcome(tx, command, tenant_key_.view());
    const auto* error = outcome && *outcome ? std::get_if<wire::CommandError>(&**outcome) : nullptr;
    if (error && (error->code == Code::cancelled || error->code == Code::command_expired)) cancelled.push_back(command);
  }
  return cancelled;
}

}  // namespace vmc::gateway
