// Is what a command reaches still what its owner approved? A view that was redefined may show what is private.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "data/schema.hpp"

namespace vmc::sources {

// What stands under a relation's name in the database now.
struct LiveRelation {
  bool table = true;       // a plain table
  std::string definition;  // of a view, as print_of() writes it
};

// The SHA-256 of a view's text, in hex; "" for a text the user may not see.
std::string print_of(std::string_view definition);
// Of the schema's views, by their names.
void set_prints(data::Schema& schema, const std::map<std::string, std::string>& definitions);
// SCHEMA_ACCESS_DENIED when the database tells capitals in names apart, as it did not when its schema was approved.
// `known`: the session's, who `ask`s once.
Result<void> check_ignores_case(std::optional<bool>& known, const std::function<Result<bool>()>& ask);
// SCHEMA_ACCESS_DENIED when it is another thing than what was approved. What is not there, the statement itself finds
// out. A view whose text was not to be seen counts as reaching anything, and so it may be any text.
Result<void> check_relation(const data::TableInfo& approved, const std::optional<LiveRelation>& live);

}  // namespace vmc::sources
