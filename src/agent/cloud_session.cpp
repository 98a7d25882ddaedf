#include "agent/cloud_session.hpp"

#include <fmt/format.h>

#include "core/crash_point.hpp"
#include "core/ids.hpp"
#include "core/log.hpp"
#include "core/task_group.hpp"
#include "core/version.hpp"
#include "crypto/api_key.hpp"
#include "crypto/hash.hpp"

namespace vmc::agent {
namespace {

constexpr auto kLoginTimeout = std::chrono::seconds{15};
// The gateway sends nothing for long stretches; silence is noticed by the heartbeat that cannot be sent.
constexpr auto kSilence = std::chrono::hours{24};
constexpr auto kOutboxSweep = std::chrono::seconds{10};
constexpr auto kSendAgain = std::chrono::seconds{30};  // what the gateway has not confirmed by then
constexpr std::size_t kAnswersMax = 64;  // kept in memory for the outbox; the journal has all of them
constexpr auto kBooksPause = std::chrono::milliseconds{20};
constexpr int kMalformedMax = 10;

std::string installation_fact() { return "installation_id"; }

// The owner has put another key in place of the one this installation is enrolled with.
bool is_another_key(const crypto::Secret& key, std::string_view enrolled_id) {
  const auto parts = crypto::parse_api_key(key.text());
  return parts && fmt::format("{}_{}", parts->tenant, parts->key_id) != enrolled_id;
}

}  // namespace

awaitable<bool> CloudSession::send(wire::AgentMessage message) {
  auto text = wire::encode(message);
  auto sent = co_await link_->send(std::move(text));
  if (!sent) link_->abort();  // the receiver notices and ends the session
  co_return sent.has_value();
}

awaitable<Result<wire::Auth>> CloudSession::make_auth(const wire::Challenge& challenge) {
  VMC_CO_TRY(installation, co_await parts_.journal.fact(installation_fact()));
  if (!installation) {
    installation = new_id("ins", parts_.clock.now());
    std::vector<std::pair<std::string, std::string>> facts{{installation_fact(), *installation}};
    VMC_CO_CHECK(co_await parts_.journal.set_facts(std::move(facts)));
  }
  VMC_CO_TRY(key_id, co_await parts_.journal.fact("key_id"));
  VMC_CO_TRY(last_epoch, co_await parts_.journal.fact("epoch"));
  wire::Auth auth;
  auth.installation_id = *installation;
  auth.agent_version = kVersion;
  auth.name = parts_.settings.name;
  auth.last_epoch = last_epoch ? std::stoll(*last_epoch) : 0;
  // Needed at enrolment only: afterwards it may be gone.
  auto key = co_await parts_.keys.api_key(parts_.settings.api_key);
  if (key_id && !(key && is_another_key(*key, *key_id))) {
    auth.key_id = *key_id;
    const auto text = wire::challenge_text(challenge.nonce, *key_id, *installation, auth.last_epoch);
    auth.signature = crypto::sign(parts_.keys.device(), text);
  } else {
    if (!key) co_return key.error();
    auth.api_key = key->text();
    auth.public_key = parts_.keys.device().public_key;
  }
  co_return auth;
}

awaitable<Result<void>> CloudSession::log_in() {
  VMC_CO_TRY(text, co_await link_->receive(kLoginTimeout));
  VMC_CO_TRY(message, wire::decode_gateway_message(text));
  const auto* challenge = std::get_if<wire::Challenge>(&message);
  if (!challenge) co_return fail(Code::command_malformed, "the gateway did not begin with a challenge");
  VMC_CO_TRY(auth, co_await make_auth(*challenge));
  auto auth_text = wire::encode(wire::AgentMessage{auth});
  crypto::wipe(auth.api_key);
  auto sent = co_await link_->send(std::move(auth_text));
  if (!sent) co_return sent.error();
  VMC_CO_TRY(answer, co_await link_->receive(kLoginTimeout));
  VMC_CO_TRY(reply, wire::decode_gateway_message(answer));
  if (const auto* problem = std::get_if<wire::Problem>(&reply))
    co_return Error{problem->code, problem->message};
  auto* connected = std::get_if<wire::Connected>(&reply);
  if (!connected) co_return fail(Code::command_malformed, "the gateway did not answer the login");
  std::vector<std::pair<std::string, std::string>> facts{{"key_id", connected->key_id},
                                                         {"tenant", connected->tenant_id},
                                                         {"connector_id", connected->connector_id},
                                                         {"connector_name", connected->connector_name},
                                                         {"epoch", std::to_string(connected->epoch)}};
  VMC_CO_CHECK(co_await parts_.journal.set_facts(std::move(facts)));
  crash_point("agent.enrolled");
  parts_.buffer.set_session(
      {connected->tenant_id, connected->connector_id, connected->epoch, connected->session_key});
  crypto::wipe(connected->session_key);
  established_ = true;
  parts_.connected();
  log::info("agent", "connected", {{"connector", connected->connector_name}, {"epoch", connected->epoch}});
  co_return Result<void>{};
}

awaitable<Error> CloudSession::run() {
  net::ConnectSettings connect;
  auto linked = co_await net::connect_link(address_, std::string{wire::kSubprotocol}, tls_, connect);
  if (!linked) co_return linked.error();
  link_ = std::move(*linked);
  auto logged_in = co_await log_in();
  if (!logged_in) {
    co_await link_->close(1000, "login failed");
    co_return logged_in.error();
  }
  parts_.schemas_due = true;
  TaskGroup tasks{parts_.loop.get_executor(), TaskGroup::OnError::keep_going};
  tasks.spawn("heartbeat", heartbeat());
  tasks.spawn("outbox", send_outbox());
  tasks.spawn("books", keep_books());
  auto why = co_await receive();
  over_ = true;
  parts_.buffer.clear_session();
  if (co_await stopping()) {
    wire::Status status{"offline", "the agent is stopping"};
    co_await send(std::move(status));
    co_await link_->close(1001, "going away");
  }
  link_->abort();
  tasks.cancel();
  co_await tasks.join();
  co_await confirm();
  co_return why;
}

awaitable<Error> CloudSession::receive() {
  int malformed = 0;
  for (;;) {
    auto text = co_await link_->receive(kSilence);
    if (!text) co_return text.error();
    auto message = wire::decode_gateway_message(*text);
    if (!message) {
      log::warn("agent", "malformed message from the gateway", {{"error", message.error().text()}});
      if (++malformed >= kMalformedMax) co_return message.error();
      wire::Problem notice{message.error().code, message.error().message};
      co_await send(std::move(notice));
      continue;
    }
    if (const auto* problem = std::get_if<wire::Problem>(&*message)) {
      const bool verdict = problem->code == Code::auth_failed || problem->code == Code::duplicate_connection;
      log::warn("agent", "the gateway reports a problem",
                {{"code", info(problem->code).name}, {"message", problem->message}});
      if (verdict) co_return Error{problem->code, problem->message};
      continue;
    }
    auto handled = co_await handle(std::move(*message));
    if (!handled) co_return handled.error();
  }
}

awaitable<Result<void>> CloudSession::handle(wire::GatewayMessage message) {
  if (auto* command = std::get_if<wire::CommandMessage>(&message)) {
    VMC_CO_CHECK(co_await on_command(std::move(command->command)));
  } else if (const auto* ack = std::get_if<wire::ResultAck>(&message)) {
    confirmed_.push_back(ack->command_id);
    books_.notify();
  } else if (auto* cancel = std::get_if<wire::Cancel>(&message)) {
    log::info("agent", "a command was cancelled",
              {{"command", cancel->command_id}, {"reason", cancel->reason}});
    parts_.cancel(std::move(cancel->command_id));
  } else if (std::holds_alternative<wire::SchemaRequest>(message)) {
    told_schemas_.clear();
    parts_.schemas_due = true;
    parts_.outbox.notify();
  } else if (const auto* shutdown = std::get_if<wire::Shutdown>(&message)) {
    co_return fail(Code::unavailable, fmt::format("the gateway is going away: {}", shutdown->reason));
  }
  co_return Result<void>{};
}

awaitable<Result<void>> CloudSession::on_command(wire::Command command) {
  const auto id = command.command_id;
  --told_free_;  // the gateway has counted it off
  auto admission = co_await parts_.journal.admit(command);
  if (!admission) {
    // Not stored, so not acknowledged: the gateway keeps it, for the next session.
    log::error("agent", "a command cannot be stored", {{"command", id}, {"error", admission.error().text()}});
    co_return admission.error();
  }
  if (admission->kind == Journal::Admission::Kind::run) parts_.start(std::move(command));
  if (admission->kind != Journal::Admission::Kind::answered) {
    unacknowledged_.insert(id);
    books_.notify();
    co_return Result<void>{};
  }
  if (auto* result = std::get_if<wire::CommandResult>(&*admission->outcome)) {
    wire::ExecutionResult answer{std::move(*result)};
    co_await send(std::move(answer));
  } else {
    wire::ExecutionError refusal{std::get<wire::CommandError>(std::move(*admission->outcome))};
    co_await send(std::move(refusal));
  }
  parts_.outbox.notify();  // room for another one
  co_return Result<void>{};
}

awaitable<void> CloudSession::heartbeat() {
  while (!over_ && co_await pause_for(parts_.settings.heartbeat)) {
    wire::Heartbeat beat{parts_.clock.now(), parts_.active() > 0 ? "busy" : "ready", parts_.active()};
    if (!co_await send(std::move(beat))) co_return;
  }
}

awaitable<bool> CloudSession::send_schemas() {
  auto schemas = co_await parts_.connections.approved();
  if (!schemas) {
    log::warn("agent", "cannot read the approved schemas", {{"error", schemas.error().text()}});
    co_return true;
  }
  for (auto& [connection, schema] : *schemas) {
    auto digest = to_hex(crypto::sha256(as_bytes(data::to_json(schema).dump())));
    if (std::exchange(told_schemas_[connection], digest) == digest) continue;
    wire::SchemaDiscovery discovery{connection, std::move(schema), parts_.clock.now()};
    if (!co_await send(std::move(discovery))) co_return false;
  }
  co_return true;
}

bool CloudSession::answer(Outcome outcome) {
  if (!established_ || over_ || answers_.size() >= kAnswersMax) return false;
  answers_.push_back(std::move(outcome));
  parts_.outbox.notify();
  return true;
}

awaitable<bool> CloudSession::send_outcome(Outcome outcome) {
  sent_[command_of(outcome)] = Steady::now();
  unacknowledged_.erase(command_of(outcome));  // the answer says more
  wire::AgentMessage message =
      std::holds_alternative<wire::CommandResult>(outcome)
          ? wire::AgentMessage{wire::ExecutionResult{std::get<wire::CommandResult>(std::move(outcome))}}
          : wire::AgentMessage{wire::ExecutionError{std::get<wire::CommandError>(std::move(outcome))}};
  if (!co_await send(std::move(message))) co_return false;
  crash_point("agent.result_sent");
  co_return true;
}

// What the journal holds and this session has not sent lately: after a login everything, later what the gateway
// could not record.
awaitable<bool> CloudSession::send_unconfirmed() {
  looked_at_ = Steady::now();
  std::string after;
  for (;;) {
    auto outcomes = co_await parts_.journal.unconfirmed(after);
    const bool stop = co_await stopping();
    if (stop) co_return false;
    if (!outcomes) log::warn("agent", "cannot read the outbox", {{"error", outcomes.error().text()}});
    if (!outcomes || outcomes->empty()) co_return true;
    after = command_of(outcomes->back());
    const std::set<std::string> confirmed{confirmed_.begin(), confirmed_.end()};
    for (auto& outcome : *outcomes) {
      const auto& id = command_of(outcome);
      const auto sent = sent_.find(id);
      const bool lately = sent != sent_.end() && Steady::now() - sent->second < kSendAgain;
      if (lately || confirmed.contains(id)) continue;
      if (!co_await send_outcome(std::move(outcome))) co_return false;
    }
  }
}

// Own queue first, then more work is asked for; wakes whenever something was added or room became free.
awaitable<void> CloudSession::send_outbox() {
  while (!over_ && !co_await stopping()) {
    if (std::exchange(parts_.schemas_due, false) && !co_await send_schemas()) co_return;
    auto answers = std::exchange(answers_, {});
    for (auto& outcome : answers) {
      if (sent_.contains(command_of(outcome))) continue;
      if (!co_await send_outcome(std::move(outcome))) co_return;
    }
    const bool look = std::exchange(parts_.outbox_due, false) || Steady::now() - looked_at_ >= kOutboxSweep;
    if (look && !co_await send_unconfirmed()) co_return;
    if (const auto free = parts_.free(); free != told_free_) {
      told_free_ = free;
      wire::Ready ready{free};
      if (!co_await send(std::move(ready))) co_return;
    }
    if (!answers_.empty()) continue;
    co_await parts_.outbox.wait_for(kOutboxSweep);
  }
}

awaitable<void> CloudSession::confirm() {
  const auto ids = std::exchange(confirmed_, {});
  if (ids.empty()) co_return;
  auto open = co_await parts_.journal.confirm(ids);
  if (!open) log::warn("agent", "cannot record confirmations", {{"error", open.error().text()}});
  for (const auto& id : ids) sent_.erase(id);
  if (open) confirmed_.insert(confirmed_.end(), open->begin(), open->end());  // their outcomes are being stored
}

awaitable<void> CloudSession::acknowledge() {
  const auto ids = std::exchange(unacknowledged_, {});
  for (const auto& id : ids) {
    wire::CommandAck ack_message{id};
    co_await send(std::move(ack_message));
    crash_point("agent.command_acked");
  }
}

// Many at once, off the path of the next command: what a crash forgets is sent, acknowledged and confirmed again.
awaitable<void> CloudSession::keep_books() {
  bool going_on = true;
  while (going_on && !over_) {
    co_await books_.wait_for(kOutboxSweep);
    going_on = co_await pause_for(kBooksPause);
    co_await acknowledge();
    co_await confirm();
  }
}

}  // namespace vmc::agent
