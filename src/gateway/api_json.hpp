// How the API reads requests and shows the platform's nouns. Private to gateway/.
#pragma once

#include "net/http.hpp"
#include "state/connectors.hpp"
#include "state/executions.hpp"
#include "state/keys.hpp"

namespace vmc::gateway {

// The body as an object; an empty body is {}.
Result<Json> body_of(const net::Request& request);
// For routes that are told everything by their path.
Result<void> expect_no_fields(const net::Request& request);
// A whole number of the query, or `fallback` where it is absent.
Result<std::int64_t> number_of(const net::Request& request, const char* name, std::int64_t fallback,
                               std::int64_t min, std::int64_t max);

Json shown(const state::Tenant& tenant);
Json shown(const state::KeyInfo& key);
Json shown(const state::Connector& connector, bool online);
Json shown(const state::Notice& notice);
Json shown(const state::StoredWorkflow& workflow);  // without its definition
Result<Json> shown(store::Tx& tx, const state::Execution& execution);
bool has_ended(const state::Execution& execution);

net::Response list_of(Json items);

// A created object with its secret. The secret is copied into the body and nowhere else.
net::Response shown_once(std::string_view field, const crypto::Secret& secret, const Json& others);

}  // namespace vmc::gateway
