// What needs no token: is it alive, can it work, what can it do.
#include "core/log.hpp"
#include "core/version.hpp"
#include "gateway/api_table.hpp"
#include "state/platform.hpp"

namespace vmc::gateway {

awaitable<Answer> Handlers::health(Call&) {
  Json body{{"status", "ok"}, {"version", kVersion}};
  co_return net::Response::json(200, body);
}

awaitable<Answer> Handlers::readiness(Call&) {
  // The platform itself is no tenant: that nothing is found is an answer of a database that works.
  auto work = [](store::Tx& tx) -> Result<bool> {
    auto found = state::find_tenant(tx);
    if (!found && found.error().code != Code::not_found) return found.error();
    return true;
  };
  std::string platform{store::kPlatform};
  auto read = co_await platform_.db.read(std::move(platform), work);
  if (!read) {
    log::warn("api", "the database cannot be read", {{"error", read.error().text()}});
    co_return fail(Code::unavailable, "the database does not answer");
  }
  Json body{{"status", "ready"}};
  co_return net::Response::json(200, body);
}

awaitable<Answer> Handlers::openapi(Call&) {
  co_return net::Response::json(200, openapi_document(api_routes()));
}

}  // namespace vmc::gateway
