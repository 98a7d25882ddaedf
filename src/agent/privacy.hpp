// What the owner keeps private: tables ("audit_*", "payroll") and columns ("employees.salary", "*.email").
// '*' stands for any run of characters; names compare without case.
#pragma once

#include <string>
#include <vector>

#include "agent/agent.hpp"
#include "data/schema.hpp"

namespace vmc::agent {

bool matches(std::string_view pattern, std::string_view name);
bool matches_any(const std::vector<std::string>& patterns, std::string_view name);
// What the private names mean in a schema, with the views that show a part of it.
data::Parts hidden_parts(const data::Schema& schema, const std::vector<std::string>& private_names);
// What may be used: the schema without that, without keys and references that name it, and without what views read.
data::Schema visible(const data::Schema& schema, const std::vector<std::string>& private_names);
// What leaves the premises of it: without what the owner leaves out.
data::Schema shared(const data::Schema& schema, const ConnectionSettings& connection);

}  // namespace vmc::agent
