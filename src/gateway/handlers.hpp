// What the REST API does, one member function a route; api_table.hpp says which. Private to gateway/.
//
// A handler is called by somebody who is allowed to: authentication, access and the size of the body are
// judged before. Answers are built inside the closures that read the state, so that large JSON is made on the
// store's threads and never on the loop.
#pragma once

#include "core/event.hpp"
#include "gateway/gateway.hpp"
#include "gateway/switchboard.hpp"

namespace vmc::gateway {

struct Call {
  net::Request request;
  Caller caller;

  const std::string& parameter(const char* name) const { return request.parameters.at(name); }
};

using Answer = Result<net::Response>;

// AUTH_FAILED when the caller came with a token that is not good now. serve() lets nobody in without one; who calls
// dispatch() has no token and answers for the caller.
Result<void> check_caller(store::Tx& tx, const Caller& caller);

class Handlers {
 public:
  Handlers(asio::any_io_executor loop, Platform platform, const Settings& settings, Switchboard& switchboard)
      : loop_{std::move(loop)}, platform_{platform}, settings_{settings}, switchboard_{switchboard} {}

  // accounts.cpp
  awaitable<Answer> create_tenant(Call& call);
  awaitable<Answer> list_tenants(Call& call);
  awaitable<Answer> create_key(Call& call);
  awaitable<Answer> list_keys(Call& call);
  awaitable<Answer> revoke_key(Call& call);
  awaitable<Answer> create_token(Call& call);
  awaitable<Answer> list_notices(Call& call);

  // connectors.cpp, queries.cpp
  awaitable<Answer> list_connectors(Call& call);
  awaitable<Answer> show_connector(Call& call);
  awaitable<Answer> query(Call& call);
  awaitable<Answer> list_schemas(Call& call);
  awaitable<Answer> show_schema(Call& call);

  // workflows.cpp
  awaitable<Answer> save_workflow(Call& call);
  awaitable<Answer> list_workflows(Call& call);
  awaitable<Answer> show_workflow(Call& call);

  // executions.cpp
  awaitable<Answer> start_execution(Call& call);
  awaitable<Answer> list_executions(Call& call);
  awaitable<Answer> show_execution(Call& call);
  awaitable<Answer> list_events(Call& call);
  awaitable<Answer> cancel_execution(Call& call) { return control(call, "cancel"); }
  awaitable<Answer> pause_execution(Call& call) { return control(call, "pause"); }
  awaitable<Answer> resume_execution(Call& call) { return control(call, ""); }

  // health.cpp
  awaitable<Answer> health(Call& call);
  awaitable<Answer> readiness(Call& call);
  awaitable<Answer> openapi(Call& call);

 private:
  awaitable<Answer> control(Call& call, std::string control);
  awaitable<Result<ByteView>> key_of(std::string tenant);
  awaitable<Answer> answer_of_command(std::string tenant, std::string command_id, ByteView tenant_key, Duration limit,
                                      Event& finished, const Switchboard::Told& told);
  awaitable<Answer> answer_told(Switchboard::Told outcome);

  asio::any_io_executor loop_;
  Platform platform_;
  Settings settings_;
  Switchboard& switchboard_;
  std::map<std::string, crypto::Secret> tenant_keys_;  // opened at first use; a tenant's key never changes
};

}  // namespace vmc::gateway
