// Everything that is wrong with a workflow, at once: unknown fields and names (with the nearest known one),
// wrong types, duplicate ids, missing activities, cycles, what nothing reaches, shapes and limits.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "core/json.hpp"
#include "workflow/complaint.hpp"
#include "workflow/definition.hpp"

namespace vmc::workflow {

// A definition only when there are no complaints.
struct Checked {
  std::optional<Definition> definition;
  std::vector<Complaint> complaints;
};
Checked check(const Json& document);

inline std::vector<Complaint> validate(const Json& document) { return check(document).complaints; }
// For definitions that were built in memory.
inline std::vector<Complaint> validate(const Definition& definition) { return validate(to_json(definition)); }

}  // namespace vmc::workflow
