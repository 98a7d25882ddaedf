// The engine's decisions: given a definition and what has happened, what is to be done now. Pure.
//
// The worker does every action of a plan and appends what came of it, folds and asks again. A plan is never
// empty except for a finished execution: when nothing can be done it is one Park.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "workflow/definition.hpp"
#include "workflow/state.hpp"

namespace vmc::workflow {

struct PlanLimits {
  int parts_in_flight = 3;  // extracted but not loaded; also open reads of the destination
  int attempts = 3;         // of one purpose of one part
  int waits = 100;          // of the same, for a session of the connection
  std::chrono::microseconds backoff =
      std::chrono::seconds{2};  // after the first failure, then doubled, ±20 %
  std::chrono::microseconds backoff_max = std::chrono::minutes{5};
};

// Ask the source for key ranges -> CommandIssued, later PartsFixed; a source without a key is not asked:
// PartsFixed{single}. For an incremental extract this is also where the watermark is fixed.
struct IssueSplit {
  std::int64_t epoch = 1;
  bool operator==(const IssueSplit&) const = default;
};
// -> CommandIssued, later PartExtracted.
struct IssueExtract {
  std::int64_t part = 0, epoch = 1;
  bool operator==(const IssueExtract&) const = default;
};
// Run the transforms over PartState::extracted -> PartShaped with the load command, in one transaction; or PartDiffers
// when the rows are not those the source has; or CommandFailed{purpose shape, attempt}. Its chunks are damaged or gone:
// retryable BUFFER_INTEGRITY.
struct Shape {
  std::int64_t part = 0, epoch = 1;
  int attempt = 1;
  bool operator==(const Shape&) const = default;
};
// The load command failed: issue it again over the chunks of PartState::shaped -> CommandIssued, later
// PartLoaded.
struct IssueLoad {
  std::int64_t part = 0, epoch = 1;
  bool operator==(const IssueLoad&) const = default;
};
// Read the loaded keys back from the destination -> CommandIssued, later PartVerified.
struct IssueDigestKeys {
  std::int64_t part = 0, epoch = 1;
  bool operator==(const IssueDigestKeys&) const = default;
};
// All parts of a load that replaces its table are laid aside: put them in its place -> CommandIssued, later
// TableSwapped.
struct IssueSwap {
  std::int64_t epoch = 1;
  bool operator==(const IssueSwap&) const = default;
};
// Read the table back after its swap -> CommandIssued, later TableVerified.
struct IssueDigestTable {
  std::int64_t epoch = 1;
  bool operator==(const IssueDigestTable&) const = default;
};
// Nothing can be done before an event arrives or `until` is reached. `cause` is a sentence for people.
struct Park {
  std::string cause;
  std::optional<Micros> until;  // none: only an event helps
  bool operator==(const Park&) const = default;
};
// -> Finished; commands that are still open are to be cancelled, and what was laid aside and not swapped in is to be
// dropped. On success an incremental run's watermark
// (PartsFixed::up_to) is committed in the same transaction.
struct Finish {
  FinalStatus status = FinalStatus::succeeded;
  std::optional<Code> code;
  std::string message;
  Json summary;
  bool operator==(const Finish&) const = default;
};

using Action =
    std::variant<IssueSplit, IssueExtract, Shape, IssueLoad, IssueSwap, IssueDigestKeys, IssueDigestTable, Park,
                 Finish>;

struct Plan {
  std::vector<Action> actions;
  const Park* park() const;  // not null: there is nothing to do now
};

// The definition must be a valid one (validate.hpp); one that is not finishes as failed.
Plan next(const Definition& definition, const ExecutionState& state, const PlanLimits& limits, Micros now);

}  // namespace vmc::workflow
