// One thing that is wrong with a workflow document: where (JSON pointer), what, and what was probably meant.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/result.hpp"

namespace vmc::workflow {

struct Complaint {
  std::string pointer;  // "/activities/0/params/table"; "" is the whole document
  std::string message;
  std::string hint;  // "did you mean 'table'?", or empty
  bool operator==(const Complaint&) const = default;

  std::string text() const;  // "/activities/0/params/table: is missing (hint)"
};

// One WORKFLOW_INVALID that lists every complaint, a line each.
Error as_error(std::span<const Complaint> complaints);

}  // namespace vmc::workflow
