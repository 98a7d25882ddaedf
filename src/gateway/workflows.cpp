// Published workflows.
#include "gateway/api_json.hpp"
#include "gateway/handlers.hpp"
#include "workflow/available.hpp"

namespace vmc::gateway {

awaitable<Answer> Handlers::save_workflow(Call& call) {
  auto read = [&]() -> Result<workflow::Definition> {
    VMC_TRY(body, parse_json(as_text(call.request.body)));
    VMC_TRY(definition, workflow::definition_from_json(body));
    VMC_CHECK(workflow::check_available(definition));
    return definition;
  };
  VMC_CO_TRY(definition, co_await offload(platform_.cpu, read));
  auto work = [&](store::Tx& tx) -> Answer {
    VMC_TRY(stored, state::save_workflow(tx, definition, platform_.clock.now()));
    return net::Response::json(200, shown(stored));
  };
  co_return co_await platform_.db.transact(call.caller.tenant, work);
}

awaitable<Answer> Handlers::list_workflows(Call& call) {
  auto work = [](store::Tx& tx) -> Answer {
    VMC_TRY(workflows, state::list_workflows(tx));
    Json items = Json::array();
    for (const auto& stored : workflows) items.push_back(shown(stored));
    return list_of(std::move(items));
  };
  co_return co_await platform_.db.read(call.caller.tenant, work);
}

awaitable<Answer> Handlers::show_workflow(Call& call) {
  auto work = [&](store::Tx& tx) -> Answer {
    VMC_TRY(stored, state::find_workflow(tx, call.parameter("id")));
    auto body = shown(stored);
    body["definition"] = workflow::to_json(stored.definition);
    return net::Response::json(200, body);
  };
  co_return co_await platform_.db.read(call.caller.tenant, work);
}

}  // namespace vmc::gateway
