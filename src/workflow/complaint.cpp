#include "workflow/complaint.hpp"

#include <fmt/format.h>

namespace vmc::workflow {

std::string Complaint::text() const {
  return fmt::format("{}: {}{}", pointer.empty() ? "/" : pointer, message,
                     hint.empty() ? "" : " (" + hint + ")");
}

Error as_error(std::span<const Complaint> complaints) {
  std::string lines;
  for (const auto& complaint : complaints) lines += (lines.empty() ? "" : "\n") + complaint.text();
  return fail(Code::workflow_invalid, std::move(lines));
}

}  // namespace vmc::workflow
