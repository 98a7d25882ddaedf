// Tenants, keys, tokens, notices.
#include <fmt/format.h>

#include "core/ids.hpp"
#include "core/log.hpp"
#include "gateway/api_json.hpp"
#include "gateway/handlers.hpp"
#include "state/commands.hpp"

namespace vmc::gateway {
namespace {

Result<std::string> name_in(const net::Request& request) {
  VMC_TRY(body, body_of(request));
  JsonReader in{body};
  auto name = in.str("name");
  VMC_CHECK(in.finish_strict());
  return name;
}

Result<state::Tenant> tenant_in(const net::Request& request) {
  VMC_TRY(body, body_of(request));
  JsonReader in{body};
  state::Tenant tenant;
  tenant.tenant = in.str("tenant");
  tenant.name = in.str("name");
  tenant.tier = in.str_or("tier", tenant.tier);
  if (!is_plain_id(tenant.tier)) in.complain("tier", "must be a short name of letters and digits");
  VMC_CHECK(in.finish_strict());
  return tenant;
}

}  // namespace

awaitable<Answer> Handlers::create_tenant(Call& call) {
  VMC_CO_TRY(tenant, tenant_in(call.request));
  auto work = [&](store::Tx& tx) {
    return state::create_tenant(tx, tenant, platform_.master_key.view(), platform_.clock.now());
  };
  VMC_CO_CHECK(co_await platform_.db.transact(tenant.tenant, work));
  log::info("api", "tenant created", {{"tenant", tenant.tenant}});
  co_return net::Response::json(201, shown(tenant));
}

awaitable<Answer> Handlers::list_tenants(Call&) {
  auto work = [](store::Tx& tx) -> Answer {
    VMC_TRY(tenants, state::list_tenants(tx));
    Json items = Json::array();
    for (const auto& tenant : tenants) items.push_back(shown(tenant));
    return list_of(std::move(items));
  };
  std::string platform{store::kPlatform};
  co_return co_await platform_.db.read(std::move(platform), work);
}

awaitable<Answer> Handlers::create_key(Call& call) {
  VMC_CO_TRY(name, name_in(call.request));
  auto work = [&](store::Tx& tx) { return state::create_key(tx, name, platform_.clock.now()); };
  VMC_CO_TRY(key, co_await platform_.db.transact(call.caller.tenant, work));
  log::info("api", "key created", {{"tenant", call.caller.tenant}, {"key", key.key_id}});
  Json others{{"keyId", key.key_id}, {"connectorId", key.connector_id}, {"connectorName", name}};
  co_return shown_once("key", key.text, others);
}

awaitable<Answer> Handlers::list_keys(Call& call) {
  auto work = [](store::Tx& tx) -> Answer {
    VMC_TRY(keys, state::list_keys(tx));
    Json items = Json::array();
    for (const auto& key : keys) items.push_back(shown(key));
    return list_of(std::move(items));
  };
  co_return co_await platform_.db.read(call.caller.tenant, work);
}

awaitable<Answer> Handlers::revoke_key(Call& call) {
  VMC_CO_CHECK(expect_no_fields(call.request));
  const auto& id = call.parameter("id");
  auto work = [&](store::Tx& tx) -> Result<state::KeyInfo> {
    const bool live = state::check_key_live(tx, id).has_value();
    VMC_TRY(key, state::revoke_key(tx, id, platform_.clock.now()));
    if (live) {
      const auto message = fmt::format("Key {} of connector \"{}\" was revoked.", id, key.connector_name);
      VMC_CHECK(state::add_notice(tx, "KEY_REVOKED", message, platform_.clock.now()));
    }
    return key;
  };
  VMC_CO_TRY(key, co_await platform_.db.transact(call.caller.tenant, work));
  platform_.bus.publish(state::revoked_topic(call.caller.tenant, key.connector_id));
  log::info("api", "key revoked", {{"tenant", call.caller.tenant}, {"key", key.key_id}});
  co_return net::Response::json(200, shown(key));
}

awaitable<Answer> Handlers::create_token(Call& call) {
  VMC_CO_TRY(name, name_in(call.request));
  auto work = [&](store::Tx& tx) { return state::create_token(tx, name, platform_.clock.now()); };
  VMC_CO_TRY(token, co_await platform_.db.transact(call.caller.tenant, work));
  log::info("api", "token created", {{"tenant", call.caller.tenant}, {"token", token.token_id}});
  Json others{{"tokenId", token.token_id}};
  co_return shown_once("token", token.text, others);
}

awaitable<Answer> Handlers::list_notices(Call& call) {
  auto work = [](store::Tx& tx) -> Answer {
    VMC_TRY(notices, state::list_notices(tx, state::kNoticesPerTenantMax));
    Json items = Json::array();
    for (const auto& notice : notices) items.push_back(shown(notice));
    return list_of(std::move(items));
  };
  co_return co_await platform_.db.read(call.caller.tenant, work);
}

}  // namespace vmc::gateway
