// Executions: started, watched, steered.
#include <limits>

#include "core/ids.hpp"
#include "gateway/api_json.hpp"
#include "gateway/handlers.hpp"
#include "state/commands.hpp"

namespace vmc::gateway {
namespace {

constexpr std::int64_t kWaitSecondsMax = 60;
constexpr std::int64_t kListedMax = 1000;
constexpr std::int64_t kEventsMax = 1000;  // of one page
constexpr std::int64_t kSeqMax = std::numeric_limits<std::int64_t>::max();

Answer accepted(store::Tx& tx, const state::Execution& execution) {
  VMC_TRY(body, shown(tx, execution));
  return net::Response::json(202, body);
}

}  // namespace

awaitable<Answer> Handlers::start_execution(Call& call) {
  VMC_CO_CHECK(expect_no_fields(call.request));
  state::StartOptions options;
  options.idempotency_key = call.request.header("Idempotency-Key");
  auto work = [&](store::Tx& tx) -> Answer {
    VMC_TRY(tenant, state::find_tenant(tx));
    options.tier = tenant.tier;
    VMC_TRY(stored, state::find_workflow(tx, call.parameter("id")));
    VMC_TRY(execution, state::start_execution(tx, stored, options, platform_.clock.now()));
    return accepted(tx, execution);
  };
  auto answer = co_await platform_.db.transact(call.caller.tenant, work);
  if (answer) platform_.bus.publish(state::kJobsTopic);
  co_return answer;
}

awaitable<Answer> Handlers::list_executions(Call& call) {
  VMC_CO_TRY(limit, number_of(call.request, "limit", 50, 1, kListedMax));
  auto work = [&](store::Tx& tx) -> Answer {
    VMC_TRY(executions, state::list_executions(tx, static_cast<std::size_t>(limit)));
    Json items = Json::array();
    for (const auto& execution : executions) {
      VMC_TRY(item, shown(tx, execution));
      items.push_back(std::move(item));
    }
    return list_of(std::move(items));
  };
  co_return co_await platform_.db.read(call.caller.tenant, work);
}

awaitable<Answer> Handlers::show_execution(Call& call) {
  VMC_CO_TRY(wait, number_of(call.request, "wait", 0, 0, kWaitSecondsMax));
  VMC_CO_TRY(after, number_of(call.request, "after", kSeqMax, 0, kSeqMax));
  const auto id = call.parameter("id");
  if (!is_plain_id(id)) co_return fail(Code::not_found, "there is no such execution");
  Event changed{loop_};
  std::unique_ptr<store::Bus::Subscription> subscription;
  auto wake = [&changed] { changed.notify(); };
  if (wait > 0)  // before the first look, so that no change is missed
    subscription = platform_.bus.subscribe(state::execution_topic(call.caller.tenant, id), loop_, wake);
  bool news = false;
  auto look = [&](store::Tx& tx) -> Answer {
    VMC_TRY(execution, state::find_execution(tx, id));
    VMC_TRY(body, shown(tx, execution));
    news = has_ended(execution) || body.at("lastSeq").get<std::int64_t>() > after;
    return net::Response::json(200, body);
  };
  const auto until = Steady::now() + std::chrono::seconds{wait};
  for (;;) {
    auto answer = co_await platform_.db.read(call.caller.tenant, look);
    const Duration left = std::chrono::duration_cast<Duration>(until - Steady::now());
    if (!answer || news || left <= Duration::zero() || co_await stopping()) co_return answer;
    co_await changed.wait_for(std::min(left, settings_.sweep));
  }
}

awaitable<Answer> Handlers::list_events(Call& call) {
  VMC_CO_TRY(after, number_of(call.request, "after", 0, 0, kSeqMax));
  VMC_CO_TRY(limit, number_of(call.request, "limit", 500, 1, kEventsMax));
  auto work = [&](store::Tx& tx) -> Answer {
    VMC_TRY(execution, state::find_execution(tx, call.parameter("id")));
    VMC_TRY(events, state::events_after(tx, execution.execution_id, after, static_cast<std::size_t>(limit)));
    Json items = Json::array();
    for (const auto& event : events) items.push_back(workflow::to_json(event));
    return list_of(std::move(items));
  };
  co_return co_await platform_.db.read(call.caller.tenant, work);
}

awaitable<Answer> Handlers::control(Call& call, std::string control) {
  VMC_CO_CHECK(expect_no_fields(call.request));
  const auto& id = call.parameter("id");
  auto work = [&](store::Tx& tx) -> Answer {
    VMC_CHECK(state::request_control(tx, id, control, platform_.clock.now()));
    VMC_TRY(execution, state::find_execution(tx, id));
    return accepted(tx, execution);
  };
  auto answer = co_await platform_.db.transact(call.caller.tenant, work);
  if (answer) platform_.bus.publish(state::kJobsTopic);
  co_return answer;
}

}  // namespace vmc::gateway
