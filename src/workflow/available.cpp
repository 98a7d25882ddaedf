#include "workflow/available.hpp"

#include <fmt/format.h>

namespace vmc::workflow {
namespace {

Error unavailable(std::string what, std::string hint) { return fail(Code::workflow_invalid, std::move(what), std::move(hint)); }

}  // namespace

Result<void> check_available(const Definition& definition) {
  if (!definition.schedule.empty())
    return unavailable("schedules are not available in this version", "Leave 'schedule' out and start the workflow by hand.");
  int transforms = 0;
  for (const auto& activity : definition.activities) {
    const auto* transform = std::get_if<TransformParams>(&activity.params);
    if (!transform) continue;
    if (++transforms > 1)
      return unavailable("more than one transform is not available in this version", "Put the functions into one transform.");
    if (transform->function.empty())
      return unavailable(fmt::format("activity '{}': named scripts are not available in this version", activity.id),
                         "Write the function into the definition.");
  }
  return {};
}

}  // namespace vmc::workflow
