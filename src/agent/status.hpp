// What a running agent tells beside it: a file in its folder, which it holds locked as long as it runs.
#pragma once

#include <filesystem>

#include "agent/file_handle.hpp"
#include "core/json.hpp"

namespace vmc::agent {

class StatusFile {
 public:
  // CONFLICT when an agent runs in that folder already.
  static Result<StatusFile> open(std::filesystem::path folder);
  // Replaces what was told before, at once. Blocking.
  Result<void> write(const Json& status) const;

 private:
  StatusFile(std::filesystem::path folder, FileHandle lock)
      : folder_{std::move(folder)}, lock_{std::move(lock)} {}
  std::filesystem::path folder_;
  FileHandle lock_;
};

// UNAVAILABLE when no agent runs in that folder. Blocking.
Result<Json> read_status(const std::filesystem::path& folder);

}  // namespace vmc::agent
