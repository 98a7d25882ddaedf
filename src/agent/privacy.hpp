// What the owner keeps private: tables ("audit_*", "payroll") and columns ("employees.salary", "*.email").
// '*' stands for any run of characters; names compare without case.
#pragma once

#include <string>
#include <vector>

#include "data/schema.hpp"

namespace vmc::agent {

bool matches(std::string_view pattern, std::string_view name);
// What the private names mean in a schema: "customers.email", "salaries.*".
std::vector<std::string> hidden_parts(const data::Schema& schema, const std::vector<std::string>& private_names);
// The schema without private tables and columns, and without keys and references that name them.
data::Schema visible(const data::Schema& schema, const std::vector<std::string>& private_names);

}  // namespace vmc::agent
