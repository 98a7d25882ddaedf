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
constexpr std::int64_t kRowsOnLoop = 200;  // of an answer; larger ones are written on the cpu pool
constexpr auto kDelivery = std::chrono::seconds{30};  // to the agent and back, beside the query's own time

struct Query {
  std::string connection;
  std::optional<data::Intent> intent;
  std::optional<std::string> statement;
  std::vector<data::Value> params;
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
  const Json* intent = in.object_or_null("intent");
  if (in.has("query")) query.statement = in.str("query");
  const Json* params = in.array_or_null("params");
  if (query.statement.has_value() == (intent != nullptr)) in.complain("query", "or an intent is needed, not both");
  if (query.statement && query.statement->size() > wire::kStatementBytesMax) in.complain("query", "is longer than 256 KiB");
  if (params && (!query.statement || params->size() > wire::kParamsMax))
    in.complain("params", "are too many, or without a query");
  VMC_CHECK(in.finish_strict());
  if (intent) {
    VMC_TRY(read, data::intent_from_json(*intent));
    query.intent = std::move(read);
  }
  if (params) {
    for (const auto& param : *params) {
      VMC_TRY(value, data::value_from_json(param));
      query.params.push_back(std::move(value));
    }
  }
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
  command.payload.query = std::move(query.statement);
  command.payload.params = std::move(query.params);
  command.payload.timeout_ms = query.timeout_ms;
  command.payload.idempotency_key = command.command_id;
  command.payload.expires_at = now + micros(limit);
  command.data_key = crypto::random_bytes(32);
  return command;
}

// Agents are believed nothing: what is passed on has the shape that was promised.
Answer answer_from(const state::Outcome& outcome) {
  if (const auto* error = std::get_if<wire::CommandError>(&outcome)) {
    // The database turned the agent away, not the gateway its caller.
    const auto code = error->code == Code::auth_failed ? Code::database_error : error->code;
    return fail(code, error->message, error->hint);
  }
  const auto& result = std::get<wire::CommandResult>(outcome);
  JsonReader in{result.inline_result, "result"};
  const Json* columns = in.array("columns");
  const Json* rows = in.array("rows");
  VMC_CHECK(in.finish());
  const auto body = fmt::format(R"({{"columns":{},"durationMs":{},"rowCount":{},"rows":{}}})", to_text(*columns),
                                result.duration_ms, result.row_count, to_text(*rows));
  return net::Response::json_text(200, body);
}

}  // namespace

awaitable<Answer> Handlers::query(Call& call) {
  VMC_CO_TRY(query, query_in(call.request));
  const Duration asked = std::chrono::milliseconds{query.timeout_ms} + kDelivery;
  const Duration limit = std::min(asked, settings_.command_ttl);
  const auto& tenant = call.caller.tenant;
  VMC_CO_TRY(key, co_await key_of(tenant));
  auto command = command_for(std::move(query), platform_.clock.now(), limit);
  Event finished{loop_};
  auto wake = [&finished] { finished.notify(); };
  // Before the command exists: its end cannot be missed.
  const auto subscription =
      platform_.bus.subscribe(state::command_topic(tenant, command.command_id), loop_, wake);
  Switchboard::Told told;
  auto take_outcome = [&](Switchboard::Told outcome) {
    told = std::move(outcome);
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
    VMC_TRY(connector, state::find_connector_named(tx, call.parameter("name")));
    if (!state::is_online(connector, now, settings_.heartbeat_timeout))
      return fail(Code::connector_offline, fmt::format("connector \"{}\" is not connected", connector.name));
    VMC_TRY(ordinal, state::enqueue_command(tx, connector.connector_id, command, key, now));
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
  co_return co_await answer_of_command(tenant, command.command_id, key, limit, finished, told);
}

awaitable<Result<ByteView>> Handlers::key_of(std::string tenant) {
  if (const auto kept = tenant_keys_.find(tenant); kept != tenant_keys_.end()) co_return kept->second.view();
  auto open = [&](store::Tx& tx) { return state::tenant_key(tx, platform_.master_key.view()); };
  VMC_CO_TRY(opened, co_await platform_.db.read(tenant, open));
  co_return tenant_keys_.try_emplace(tenant, std::move(opened)).first->second.view();
}

awaitable<Answer> Handlers::answer_told(Switchboard::Told outcome) {
  const auto* result = std::get_if<wire::CommandResult>(outcome.get());
  auto make = [&outcome] { return answer_from(*outcome); };
  if (!result || result->row_count <= kRowsOnLoop) co_return make();
  co_return co_await offload(platform_.cpu, make);
}

awaitable<Answer> Handlers::answer_of_command(std::string tenant, std::string command_id, ByteView tenant_key,
                                              Duration limit, Event& finished, const Switchboard::Told& told) {
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
    if (told) co_return co_await answer_told(told);
    auto answer = co_await platform_.db.read(tenant, look);
    if (!answer || !open) co_return answer;
    if (left <= Duration::zero())
      co_return fail(Code::query_timeout,
                     fmt::format("the connector has not answered command {}", command_id));
    if (co_await stopping()) co_return fail(Code::unavailable, "the gateway is stopping");
  }
}

}  // namespace vmc::gateway
