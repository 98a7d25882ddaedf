#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include "core/log.hpp"
#include "core/text.hpp"
#include "crypto/hash.hpp"
#include "gateway/api_table.hpp"
#include "net/http_text.hpp"
#include "net/route_table.hpp"
#include "state/keys.hpp"

namespace vmc::gateway {
namespace {

constexpr std::size_t kOnceGoodMax = 10'000;
constexpr const char* kTokenHint = "Send a token as 'Authorization: Bearer vmt_…'.";

// Every word of the query is one the route knows.
Result<void> check_query(const ApiRoute& route, const net::Request& request) {
  const auto known = split(route.query, ' ');
  for (const auto& [name, value] : request.query) {
    const auto is_it = [&name = name](const std::string& word) {
      return !word.empty() && word.substr(0, word.find(':')) == name;
    };
    if (std::none_of(known.begin(), known.end(), is_it))
      return fail(Code::invalid_request, fmt::format("the query parameter '{}' is not known here", name));
  }
  return {};
}

Result<void> check(const ApiRoute& route, const Call& call) {
  if (route.access == Access::local && !call.caller.local)
    return fail(Code::forbidden, "this can be done on the platform's own machine only");
  if (call.request.body.size() > route.body_max)
    return fail(Code::invalid_request, fmt::format("the body is longer than {} bytes", route.body_max));
  return check_query(route, call.request);
}

// Who stops passing an error on, logs it: here those that are neither the caller's nor an agent's.
void log_own_fault(const ApiRoute& route, const Call& call, const Error& error) {
  constexpr std::array ours{Code::internal, Code::unavailable, Code::vault_decrypt_error,
                            Code::workflow_hash_mismatch};
  if (std::find(ours.begin(), ours.end(), error.code) == ours.end()) return;
  log::warn("api", "a request failed",
            {{"route", fmt::format("{} {}", route.method, route.pattern)},
             {"tenant", call.caller.tenant},
             {"error", error.text()}});
}

class RestApi final : public Api {
 public:
  RestApi(asio::io_context& loop, Platform platform, const Settings& settings, Switchboard* switchboard)
      : platform_{platform},
        handlers_{loop.get_executor(), platform, settings, switchboard ? *switchboard : nobody_},
        paths_{table_of(routes())} {}

  std::vector<net::Route> routes() override {
    std::vector<net::Route> list;
    for (const auto& route : api_routes()) {
      auto handler = [this, &route](net::Request request) { return serve(route, std::move(request)); };
      list.push_back({std::string{route.method}, std::string{route.pattern}, route.body_max, handler,
                      std::string{route.summary}});
    }
    return list;
  }

  awaitable<net::Response> dispatch(net::Request request, Caller caller) override {
    const auto segments =
        split(std::string_view{request.path}.substr(request.path.starts_with('/') ? 1 : 0), '/');
    auto match = paths_.find(request.method, segments);
    if (!match.route) co_return net::Response::problem(nothing_at(request, match.allowed));
    Call call{std::move(request), std::move(caller)};
    call.request.parameters = std::move(match.parameters);
    co_return co_await answer(route_of(*match.route), call);
  }

 private:
  static net::RouteTable table_of(std::vector<net::Route> routes) {
    return net::RouteTable::make(std::move(routes)).value();  // a table that is wrong is a bug
  }

  static const ApiRoute& route_of(const net::Route& found) {
    const auto same = [&](const ApiRoute& route) {
      return route.method == found.method && route.pattern == found.pattern;
    };
    return *std::find_if(api_routes().begin(), api_routes().end(), same);
  }

  static Error nothing_at(const net::Request& request, const std::string& allowed) {
    if (allowed.empty()) return fail(Code::not_found, fmt::format("there is nothing at {}", request.path));
    return fail(Code::invalid_request,
                fmt::format("{} cannot be done with {}; allowed: {}", request.method, request.path, allowed));
  }

  awaitable<net::Response> serve(const ApiRoute& route, net::Request request) {
    Call call{std::move(request), Caller{}};
    if (route.access != Access::open) {
      auto admitted = co_await admit(route, call);
      if (!admitted) co_return refusal(call.request, admitted.error());
    }
    co_return co_await answer(route, call);
  }

  // A route that checks the token in its own transaction is spared the look ahead once the token was good; for others'
  // requests nothing is read and nothing is written before.
  awaitable<Result<void>> admit(const ApiRoute& route, Call& call) {
    VMC_CO_TRY(caller, caller_of(call.request));
    call.caller = std::move(caller);
    const auto digest = crypto::sha256(as_bytes(call.caller.token.text()));
    if (route.access == Access::token_in_transaction && once_good_.contains(digest)) co_return Result<void>{};
    auto look = [&](store::Tx& tx) { return check_caller(tx, call.caller); };
    VMC_CO_CHECK(co_await platform_.db.read(call.caller.tenant, look));
    if (once_good_.size() >= kOnceGoodMax) once_good_.clear();
    once_good_.insert(digest);
    co_return Result<void>{};
  }

  // AUTH_FAILED is about the request's token always: handlers translate what others are refused.
  static net::Response refusal(const net::Request& request, const Error& error) {
    auto refusal = net::Response::problem(error, request.header("X-Request-Id"));
    if (refusal.status == 401) refusal.headers.emplace_back("WWW-Authenticate", "Bearer");
    return refusal;
  }

  // Whom the request's token names; check_caller() tells whether it is right to.
  static Result<Caller> caller_of(net::Request& request) {
    auto text = request.bearer();
    for (auto& [name, value] : request.headers)
      if (net::same_token(name, "authorization")) crypto::wipe(value);
    if (text.empty()) return fail(Code::auth_failed, "the request carries no API token", kTokenHint);
    auto parts = state::parse_token(text);
    Caller caller;
    if (parts) {
      caller.tenant = std::move(parts->tenant);
      caller.token_id = std::move(parts->key_id);
      caller.token = crypto::Secret::from_text(text);
    }
    crypto::wipe(text);
    if (!parts) return fail(Code::auth_failed, "this is not an API token", kTokenHint);
    return caller;
  }

  awaitable<net::Response> answer(const ApiRoute& route, Call& call) {
    Answer given = net::Response{};
    auto allowed = check(route, call);
    if (allowed) {
      given = co_await (handlers_.*route.handler)(call);
    } else {
      given = allowed.error();
    }
    if (!given) {
      log_own_fault(route, call, given.error());
      co_return refusal(call.request, given.error());
    }
    if (route.access != Access::open) given->headers.emplace_back("Cache-Control", "no-store");
    co_return std::move(*given);
  }

  Platform platform_;
  Switchboard nobody_;
  Handlers handlers_;
  net::RouteTable paths_;
  std::set<crypto::Digest> once_good_;  // tokens that were let in, by SHA-256
};

}  // namespace

Result<void> check_caller(store::Tx& tx, const Caller& caller) {
  if (caller.token.empty()) return {};
  return state::authenticate_token(tx, caller.token_id, caller.token.text());
}

std::unique_ptr<Api> make_api(asio::io_context& loop, Platform platform, const Settings& settings) {
  return std::make_unique<RestApi>(loop, platform, settings, nullptr);
}

std::unique_ptr<Api> make_api(asio::io_context& loop, Platform platform, const Settings& settings,
                              Switchboard& switchboard) {
  return std::make_unique<RestApi>(loop, platform, settings, &switchboard);
}

}  // namespace vmc::gateway
