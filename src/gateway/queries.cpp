// A query by hand: a command to the connected agent, and its answer as soon as it is there.
#include <fmt/format.h>

#include "core/ids.hpp"
#include "gateway/api_json.hpp"
#include "gateway/handlers.hpp"
#include "state/commands.hpp"

namespace vmc::gateway {
namespace {

constexpr std::int64_t kTimeoutMsMax = 600'000;
constexpr std::size_t kConnectionBytesMax = 256;
constexpr auto kDelivery = std::chrono::seconds{30};  // to the agent and back, beside the query's own time

struct Query {
  std::string connection;
  data::Intent intent;
  std::int64_t timeout_ms = 30'000;
};

Result<Query> query_in(const net::Request& request) {
  VMC_TRY(body, body_of(request));
  JsonReader in{body};
  Query query;
  query.connection = in.str("connection");
  if (query.connection.size() > kConnectionBytesMax) in.complain("connection", "is too long");
  query.timeout_ms = in.integer_or("timeoutMs", query.timeout_ms);
  if (query.timeout_ms < 1 || query.timeout_ms > kTimeoutMsMax)
    in.complain("timeoutMs", fmt::format("must be from 1 to {}", kTimeoutMsMax));
  const Json* intent = in.object("intent");
  VMC_CHECK(in.finish_strict());
  VMC_TRY(read, data::intent_from_json(*intent));
  query.intent = std::move(read);
  return query;
}

wire::Command command_for(Query query, Micros now, Duration limit) {
  wire::Command command;
  command.command_id = new_id("cmd", now);
  command.execution_id = "query";
  command.activity_id = "query";
  command.operation = wire::Operation::query;
  command.payload.connection = std::move(query.connection);
  command.payload.intent = std::move(query.intent);
  command.payload.timeout_ms = query.timeout_ms;
  command.payload.idempotency_key = command.command_id;
  command.payload.expires_at = now + micros(limit);
  command.data_key = crypto::random_bytes(32);
  return command;
}

// Agents are believed nothing: what is passed on has the shape that was promised.
Answer answer_from(const state::Outcome& outcome) {
  if (const auto* error = std::get_if<wire::CommandError>(&outcome)) return fail(error->code, error->message);
  const auto& result = std::get<wire::CommandResult>(outcome);
  JsonReader in{result.inline_result, "result"};
  const Json* columns = in.array("columns");
  const Json* rows = in.array("rows");
  VMC_CHECK(in.finish());
  Json body{{"columns", *columns},
            {"rows", *rows},
            {"rowCount", result.row_count},
            {"durationMs", result.duration_ms}};
  return net::Response::json(200, body);
}

}  // namespace

awaitable<Answer> Handlers::query(Call& call) {
  VMC_CO_TRY(query, query_in(call.request));
  const Duration asked = std::chrono::milliseconds{query.timeout_ms} + kDelivery;
  const Duration limit = std::min(asked, settings_.command_ttl);
  const auto& tenant = call.caller.tenant;
  const auto kept_key = tenant_keys_.find(tenant);
  ByteView key = kept_key == tenant_keys_.end() ? ByteView{} : kept_key->second.view();
  std::optional<crypto::Secret> opened_key;
  auto command = command_for(std::move(query), platform_.clock.now(), limit);
  Event finished{loop_};
  auto wake = [&finished] { finished.notify(); };
  // Before the command exists: its end cannot be missed.
  const auto subscription =
      platform_.bus.subscribe(state::command_topic(tenant, command.command_id), loop_, wake);
  std::optional<Answer> told;
  auto take_outcome = [&](const state::Outcome& outcome) {
    told = answer_from(outcome);
    finished.notify();
  };
  const auto line = switchboard_.await_outcome(tenant, command.command_id, take_outcome);
  struct Queued {
    std::string connector_id;
    std::int64_t epoch = 0;
    std::int64_t ordinal = 0;
  };
  auto enqueue = [&](store::Tx& tx) -> Result<Queued> {
    const auto now = platform_.clock.now();
    VMC_CHECK(check_caller(tx, call.caller));
    if (key.empty()) {
      VMC_TRY(opened, state::tenant_key(tx, platform_.master_key.view()));
      opened_key = std::move(opened);
    }
    const auto tenant_key = opened_key ? opened_key->view() : key;
    VMC_TRY(connector, state::find_connector_named(tx, call.parameter("name")));
    if (!state::is_online(connector, now, settings_.heartbeat_timeout))
      return fail(Code::connector_offline, fmt::format("connector \"{}\" is not connected", connector.name));
    VMC_TRY(ordinal, state::enqueue_command(tx, connector.connector_id, command, tenant_key, now));
    return Queued{connector.connector_id, connector.epoch, ordinal};
  };
  auto queued = co_await platform_.db.transact(tenant, enqueue);
  if (queued) {
    const state::QueuedCommand next{queued->ordinal, command};
    if (!switchboard_.committed(tenant, queued->connector_id, queued->epoch, next))
      platform_.bus.publish(state::connector_topic(tenant, queued->connector_id));
  }
  crypto::wipe(command.data_key);
  if (!queued) co_return queued.error();
  if (opened_key) key = tenant_keys_.try_emplace(tenant, std::move(*opened_key)).first->second.view();
  co_return co_await answer_of_command(tenant, command.command_id, key, limit, finished, told);
}

awaitable<Answer> Handlers::answer_of_command(std::string tenant, std::string command_id, ByteView tenant_key,
                                              Duration limit, Event& finished,
                                              const std::optional<Answer>& told) {
  bool open = true;
  auto look = [&](store::Tx& tx) -> Answer {
    open = false;
    VMC_TRY(outcome, state::command_outcome(tx, command_id, tenant_key));
    if (outcome) return answer_from(*outcome);
    open = true;
    return net::Response{};
  };
  const auto until = Steady::now() + limit;
  for (;;) {
    const Duration left = std::chrono::duration_cast<Duration>(until - Steady::now());
    if (left > Duration::zero()) co_await finished.wait_for(std::min(left, settings_.sweep));
    if (told) co_return *told;
    auto answer = co_await platform_.db.read(tenant, look);
    if (!answer || !open) co_return answer;
    if (left <= Duration::zero())
      co_return fail(Code::query_timeout,
                     fmt::format("the connector has not answered command {}", command_id));
    if (co_await stopping()) co_return fail(Code::unavailable, "the gateway is stopping");
  }
}

}  // namespace vmc::gateway
