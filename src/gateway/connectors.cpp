// Connectors and what they have published.
#include "gateway/api_json.hpp"
#include "gateway/handlers.hpp"

namespace vmc::gateway {

awaitable<Answer> Handlers::list_connectors(Call& call) {
  auto work = [&](store::Tx& tx) -> Answer {
    VMC_TRY(connectors, state::list_connectors(tx));
    Json items = Json::array();
    for (const auto& connector : connectors) {
      const bool online = state::is_online(connector, platform_.clock.now(), settings_.heartbeat_timeout);
      items.push_back(shown(connector, online));
    }
    return list_of(std::move(items));
  };
  co_return co_await platform_.db.read(call.caller.tenant, work);
}

awaitable<Answer> Handlers::show_connector(Call& call) {
  auto work = [&](store::Tx& tx) -> Answer {
    VMC_TRY(connector, state::find_connector_named(tx, call.parameter("name")));
    const bool online = state::is_online(connector, platform_.clock.now(), settings_.heartbeat_timeout);
    return net::Response::json(200, shown(connector, online));
  };
  co_return co_await platform_.db.read(call.caller.tenant, work);
}

awaitable<Answer> Handlers::list_schemas(Call& call) {
  auto work = [&](store::Tx& tx) -> Answer {
    VMC_TRY(connector, state::find_connector_named(tx, call.parameter("name")));
    VMC_TRY(schemas, state::list_schemas(tx, connector.connector_id));
    Json items = Json::array();
    for (const auto& published : schemas) {
      items.push_back({{"connection", published.connection},
                       {"version", published.version},
                       {"publishedAt", published.published_at},
                       {"tables", published.schema.tables.size()}});
    }
    return list_of(std::move(items));
  };
  co_return co_await platform_.db.read(call.caller.tenant, work);
}

awaitable<Answer> Handlers::show_schema(Call& call) {
  auto work = [&](store::Tx& tx) -> Answer {
    VMC_TRY(connector, state::find_connector_named(tx, call.parameter("name")));
    VMC_TRY(published, state::find_schema(tx, connector.connector_id, call.parameter("connection")));
    Json body{{"connection", published.connection},
              {"version", published.version},
              {"publishedAt", published.published_at},
              {"schema", data::to_json(published.schema)}};
    return net::Response::json(200, body);
  };
  co_return co_await platform_.db.read(call.caller.tenant, work);
}

}  // namespace vmc::gateway
