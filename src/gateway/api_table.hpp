// The REST API as one table: HTTPS, the embedded command line and /openapi.json are all made from it.
#pragma once

#include <span>
#include <string_view>

#include "gateway/handlers.hpp"

namespace vmc::gateway {

enum class Access {
  token,  // of the tenant whose rows are meant
  token_in_transaction,  // the same, checked by the handler in the transaction that acts: one wait less
  local,  // the owner of the state folder, on this machine
  open,   // anybody who can connect
};

// `query`, `headers`, `body` and `answer` list fields as "name:type name:type?": '?' is optional in what is
// sent, and may be null in an answer. An answer that begins with "[]" is {"items": […]} of such objects.
struct ApiRoute {
  std::string_view method{};
  std::string_view pattern{};
  awaitable<Answer> (Handlers::*handler)(Call& call) = nullptr;
  Access access = Access::token;
  std::string_view query{};
  std::string_view headers{};
  std::string_view body{};
  std::size_t body_max = 0;  // bytes
  int status = 200;          // of success
  std::string_view answer{};
  std::string_view summary{};
};

std::span<const ApiRoute> api_routes();

// OpenAPI 3.1.
Json openapi_document(std::span<const ApiRoute> routes);

}  // namespace vmc::gateway
