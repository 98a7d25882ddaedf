// What a valid definition may ask for that this version does not do. It is refused when the workflow is published,
// not found out when it runs.
#pragma once

#include "core/result.hpp"
#include "workflow/definition.hpp"

namespace vmc::workflow {

// WORKFLOW_INVALID names the first thing that is not available: schedules, named scripts, more than one transform.
Result<void> check_available(const Definition& definition);

}  // namespace vmc::workflow
