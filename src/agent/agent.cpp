#include "agent/agent.hpp"

#include <fmt/format.h>

#include <map>
#include <random>

#include "agent/cloud_session.hpp"
#include "agent/executor.hpp"
#include "agent/schema_watch.hpp"
#include "agent/status.hpp"
#include "core/cleanup.hpp"
#include "core/log.hpp"
#include "core/slots.hpp"
#include "core/task_group.hpp"
#include "core/version.hpp"
#include "store/bus.hpp"

namespace vmc::agent {
namespace {

constexpr std::size_t kQueuedPerRunning = 2;  // commands taken ahead for each that can run
constexpr auto kStorePause = std::chrono::milliseconds{20};
constexpr auto kStoreAgain = std::chrono::seconds{1};
constexpr auto kRefusedPause = std::chrono::seconds{60};

// Before it is stored: not where a run repeated after a crash could replace the chunks this outcome speaks of.
bool may_be_sent_first(const Outcome& outcome) {
  const auto* result = std::get_if<wire::CommandResult>(&outcome);
  return !result || result->buffer_key.empty();
}

void log_outcome(std::string_view operation, const std::string& connection, const Outcome& outcome) {
  if (const auto* result = std::get_if<wire::CommandResult>(&outcome)) {
    log::info("agent", "command done",
              {{"command", result->command_id},
               {"operation", operation},
               {"connection", connection},
               {"rows", result->row_count},
               {"ms", result->duration_ms}});
    return;
  }
  const auto& error = std::get<wire::CommandError>(outcome);
  log::warn("agent", "command failed",
            {{"command", error.command_id},
             {"operation", operation},
             {"connection", connection},
             {"error", Error{error.code, error.message, error.hint}.text()}});
}

class AgentRole final : public Agent {
 public:
  AgentRole(asio::io_context& loop, const Settings& settings, Home home, SecretResolver secrets, const Clock& clock,
            net::Address address, std::shared_ptr<net::TlsContext> tls, StatusFile status_file,
            std::unique_ptr<Journal> journal, std::unique_ptr<store::Bus> bus)
      : loop_{loop},
        settings_{settings},
        clock_{clock},
        address_{std::move(address)},
        tls_{std::move(tls)},
        status_file_{std::move(status_file)},
        bus_{std::move(bus)},
        journal_{std::move(journal)},
        keys_{std::move(home), std::move(secrets), cpu_},
        connections_{loop, settings_, keys_, *journal_},
        buffer_{loop, address_, tls_, cpu_, clock_},
        executor_{loop, settings_, connections_, buffer_, cpu_, clock_},
        outbox_{loop.get_executor()},
        slots_{loop.get_executor(), settings_.commands_at_once},
        commands_{loop.get_executor(), TaskGroup::OnError::keep_going},
        outcomes_{loop.get_executor(), TaskGroup::OnError::keep_going},
        store_now_{loop.get_executor()},
        state_changed_{loop.get_executor()},
        settings_changed_{loop.get_executor()},
        watch_{settings_.discover_every, connections_, [this] { tell_schemas(); }} {}

  awaitable<void> run() override;

 private:
  struct Running {
    explicit Running(asio::any_io_executor loop) : group{std::move(loop), TaskGroup::OnError::keep_going} {}
    TaskGroup group;
    bool cancelled = false;
  };
  awaitable<Result<void>> recover();
  awaitable<void> stay_connected();
  void set_state(std::string state);
  void tell_schemas() {
    schemas_due_ = true;
    outbox_.notify();
  }
  awaitable<void> tell_status();
  awaitable<void> follow_settings();
  awaitable<void> run_command(wire::Command command);
  awaitable<void> execute(wire::Command command, std::optional<Outcome>& outcome);
  void keep(Outcome outcome, bool on_its_way);
  awaitable<void> store_outcomes();
  void start(wire::Command command);
  void cancel(const std::string& command_id);
  std::int64_t free() const {
    const auto most = static_cast<std::int64_t>(settings_.commands_at_once * kQueuedPerRunning);
    return std::max<std::int64_t>(0, most - static_cast<std::int64_t>(commands_.size()));
  }
  Duration jittered(Duration limit);

  asio::io_context& loop_;
  Settings settings_;
  const Clock& clock_;
  net::Address address_;
  std::shared_ptr<net::TlsContext> tls_;
  Pool cpu_{"agent-cpu", 2};
  StatusFile status_file_;
  std::unique_ptr<store::Bus> bus_;
  std::unique_ptr<Journal> journal_;
  Keys keys_;
  Connections connections_;
  BufferClient buffer_;
  Executor executor_;
  Event outbox_;
  Slots slots_;  // of commands that run
  CloudSession* session_ = nullptr;  // the one with the gateway, while there is one
  bool outbox_due_ = false;
  bool schemas_due_ = true;
  bool closing_ = false;                        // the link is gone for good; what needs it stays in the journal
  std::map<std::string, std::unique_ptr<Running>> by_id_;
  TaskGroup commands_;
  TaskGroup outcomes_;  // being stored
  std::vector<Outcome> unstored_;
  bool storing_ = false;
  Event store_now_;
  bool outbox_waits_ = false;  // for one of them
  std::string state_ = "starting";
  Micros since_ = 0;
  Event state_changed_;
  Event settings_changed_;
  SchemaWatch watch_;
  std::mt19937_64 random_{std::random_device{}()};
};

Duration AgentRole::jittered(Duration limit) {
  return Duration{static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(limit.count() + 1))};
}

awaitable<void> AgentRole::run() {
  co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
  co_await asio::this_coro::throw_if_cancelled(false);
  auto wake = [this] {
    connections_.forget_approved();
    tell_schemas();
  };
  auto changed = [this] { settings_changed_.notify(); };
  auto settings_subscription = bus_->subscribe("settings", loop_.get_executor(), changed);
  auto subscription = bus_->subscribe("schema", loop_.get_executor(), wake);
  log::info("agent", "ready", {{"name", settings_.name}, {"connections", settings_.connections.size()}});
  TaskGroup link{loop_.get_executor(), TaskGroup::OnError::keep_going};
  link.spawn("link", stay_connected());
  link.spawn("status", tell_status());
  link.spawn("settings", follow_settings());
  link.spawn("schemas", watch_.run());
  co_await link.join();  // passes a drain or a cancellation on
  closing_ = true;
  buffer_.close();
  co_await commands_.join();
  co_await outcomes_.join();
  buffer_.disconnect();
  co_await connections_.close();
  co_await executor_.close();
}

// What a restart interrupted runs again: reads repeat, loads find their part applied.
awaitable<Result<void>> AgentRole::recover() {
  VMC_CO_CHECK(co_await keys_.unlock());
  journal_->set_key(keys_.journal_key());
  auto open_audit = [this] { return keys_.open_audit(clock_); };
  VMC_CO_TRY(audit, co_await offload(cpu_, open_audit));
  executor_.set_audit(std::move(audit));
  VMC_CO_TRY(tenant, co_await journal_->fact("tenant"));
  VMC_CO_TRY(connector, co_await journal_->fact("connector_id"));
  if (tenant && connector) buffer_.set_ids(std::move(*tenant), std::move(*connector));
  VMC_CO_TRY(unfinished, co_await journal_->unfinished());
  if (!unfinished.empty())
    log::info("agent", "going on with commands from before the restart", {{"commands", unfinished.size()}});
  for (auto& command : unfinished) start(std::move(command));
  co_return Result<void>{};
}

awaitable<void> AgentRole::stay_connected() {
  co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
  co_await asio::this_coro::throw_if_cancelled(false);
  auto pause = settings_.reconnect_min;
  bool recovered = false;
  while (!co_await stopping()) {
    set_state("connecting");
    std::optional<Error> why;
    if (!recovered) {
      auto ready = co_await recover();
      recovered = ready.has_value();
      if (!ready) why = ready.error();
    }
    if (recovered) {
      SessionParts parts{loop_,
                         settings_,
                         keys_,
                         *journal_,
                         connections_,
                         buffer_,
                         clock_,
                         outbox_,
                         outbox_due_,
                         schemas_due_,
                         [this](wire::Command command) { start(std::move(command)); },
                         [this](std::string id) { cancel(id); },
                         [this] { return free(); },
                         [this] { return static_cast<std::int64_t>(commands_.size()); },
                         [this] { set_state("connected"); }};
      CloudSession session{std::move(parts), address_, tls_};
      session_ = &session;
      const Cleanup forget{[this] { session_ = nullptr; }};
      why = co_await session.run();
      if (session.established()) pause = settings_.reconnect_min;
    }
    if (co_await stopping()) break;
    const bool refused = why->code == Code::auth_failed || why->code == Code::duplicate_connection ||
                         why->code == Code::vault_decrypt_error;
    const auto wait = refused ? std::max<Duration>(settings_.reconnect_max, kRefusedPause) : jittered(pause);
    set_state(why->text());
    log::warn("agent", refused ? "the gateway refuses this agent" : "not connected",
              {{"error", why->text()},
               {"again_in_ms", std::chrono::duration_cast<std::chrono::milliseconds>(wait).count()}});
    co_await pause_for(refused ? std::min<Duration>(wait, settings_.reconnect_max) : wait);
    pause = std::min(pause * 2, settings_.reconnect_max);
  }
}

void AgentRole::set_state(std::string state) {
  state_ = std::move(state);
  since_ = clock_.now();
  state_changed_.notify();
}

// For 'vmc agent status': when the state changes, and with every heartbeat.
awaitable<void> AgentRole::tell_status() {
  co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
  co_await asio::this_coro::throw_if_cancelled(false);
  bool failing = false;
  while (!co_await stopping()) {
    const Json now{{"name", settings_.name},     {"version", kVersion},
                   {"pid", getpid()},            {"state", state_},
                   {"since", since_},            {"writtenAt", clock_.now()},
                   {"activeCommands", commands_.size()}, {"connections", connections_.status()}};
    auto write = [&] { return status_file_.write(now); };
    auto written = co_await offload(cpu_, write);
    if (!written && !failing) log::warn("agent", "the status cannot be told", {{"error", written.error().text()}});
    failing = !written;
    co_await state_changed_.wait_for(settings_.heartbeat);
  }
}

// What the owner has changed beside the running agent.
awaitable<void> AgentRole::follow_settings() {
  co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
  co_await asio::this_coro::throw_if_cancelled(false);
  bool told = false;
  while (!co_await stopping()) {
    told = co_await settings_changed_.wait_for(settings_.heartbeat);
    if (!told || !settings_.reread) continue;
    auto again = co_await offload(cpu_, settings_.reread);
    if (!again) {
      log::error("agent", "the changed configuration cannot be read; the one before goes on",
                 {{"error", again.error().text()}});
      continue;
    }
    connections_.take_over(*again);
    log::info("agent", "the connections' settings were read anew");
    tell_schemas();
  }
}

void AgentRole::start(wire::Command command) {
  commands_.spawn("command", run_command(std::move(command)));
  outbox_.notify();
}

void AgentRole::cancel(const std::string& command_id) {
  const auto found = by_id_.find(command_id);
  if (found == by_id_.end()) return;
  found->second->cancelled = true;
  found->second->group.cancel();
}

awaitable<void> AgentRole::execute(wire::Command command, std::optional<Outcome>& outcome) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const bool held = co_await slots_.acquire();
  if (!held) co_return;
  outcome = co_await executor_.run(std::move(command));
  slots_.release();
}

awaitable<void> AgentRole::run_command(wire::Command command) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto id = command.command_id;
  const auto operation = to_string(command.operation);
  const auto connection = command.payload.connection;
  auto& running = *(by_id_[id] = std::make_unique<Running>(loop_.get_executor()));
  std::optional<Outcome> outcome;
  running.group.spawn("execute", execute(std::move(command), outcome));
  co_await running.group.join();
  const bool cancelled = running.cancelled;
  by_id_.erase(id);
  const auto* error = outcome ? std::get_if<wire::CommandError>(&*outcome) : nullptr;
  const bool cut_short = closing_ && error && error->code == Code::cancelled;
  const bool told_to_stop = co_await stopping();
  if ((told_to_stop || cut_short) && !cancelled) co_return;  // the journal keeps the command for the next start
  if (cancelled) {
    auto dropped = co_await journal_->drop(id);
    if (!dropped)
      log::error("agent", "a cancelled command cannot be dropped", {{"command", id}, {"error", dropped.error().text()}});
  } else if (outcome) {
    const bool on_its_way = may_be_sent_first(*outcome) && session_ && session_->answer(*outcome);
    if (on_its_way) co_await asio::post(loop_, asio::use_awaitable);  // it goes before anything else is done
    log_outcome(operation, connection, *outcome);
    keep(std::move(*outcome), on_its_way);
  }
  outbox_.notify();
}

// Outcomes are stored a little later and many at once, off the path of the command after them. What a crash loses
// meanwhile is done again and sent again: reads repeat, a load finds its part applied, the gateway keeps what came first.
void AgentRole::keep(Outcome outcome, bool on_its_way) {
  unstored_.push_back(std::move(outcome));
  if (!on_its_way) store_now_.notify();
  outbox_waits_ = outbox_waits_ || !on_its_way;
  if (!std::exchange(storing_, true)) outcomes_.spawn("store outcomes", store_outcomes());
}

awaitable<void> AgentRole::store_outcomes() {
  co_await asio::this_coro::throw_if_cancelled(false);
  const Cleanup ended{[this] { storing_ = false; }};
  bool failing = false;
  while (!unstored_.empty()) {
    co_await store_now_.wait_for(failing ? Duration{kStoreAgain} : Duration{kStorePause});
    const auto outcomes = std::exchange(unstored_, {});
    auto stored = co_await journal_->finish(outcomes);
    if (!stored && !failing)
      log::error("agent", "outcomes cannot be stored", {{"count", outcomes.size()}, {"error", stored.error().text()}});
    failing = !stored;
    const bool stop = co_await stopping();
    if (failing && stop) break;  // the next start runs them again
    if (failing) unstored_.insert(unstored_.begin(), outcomes.begin(), outcomes.end());
    if (failing || !std::exchange(outbox_waits_, false)) continue;
    outbox_due_ = true;
    outbox_.notify();
  }
}

}  // namespace

Result<std::unique_ptr<Agent>> make_agent(asio::io_context& loop, const Settings& settings, Home home,
                                          SecretResolver secrets, const Clock& clock) {
  VMC_TRY(address, net::parse_address(settings.cloud_url));
  VMC_TRY(tls, net::make_client_tls({settings.ca_file, settings.pin_sha256}));
  VMC_TRY(status_file, StatusFile::open(home.folder));
  VMC_TRY(journal, Journal::open(home.folder, settings.offline_queue_max, clock));
  const auto bus_folder = home.folder / "bus";
  std::error_code ec;
  std::filesystem::create_directories(bus_folder, ec);
  VMC_TRY(bus, store::make_local_bus(bus_folder.string()));
  return std::unique_ptr<Agent>{
      std::make_unique<AgentRole>(loop, settings, std::move(home), std::move(secrets), clock,
                                  std::move(address), std::move(tls), std::move(status_file), std::move(journal),
                                  std::move(bus))};
}

}  // namespace vmc::agent
