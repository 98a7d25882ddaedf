// Commands for the actions of a plan. Pure: everything random or timed is passed in or stands in the ids.
#pragma once

#include "wire/command.hpp"
#include "worker/run_context.hpp"
#include "workflow/plan.hpp"

namespace vmc::worker {

class CommandFactory {
 public:
  CommandFactory(const RunContext& run, const Settings& settings, Micros now)
      : run_{run}, settings_{settings}, now_{now} {}

  wire::Command split(const workflow::IssueSplit& action) const;
  wire::Command extract(const workflow::IssueExtract& action) const;
  // `chunks`: how many the shaped part has; `data_key` and `command_id` sealed them.
  wire::Command load(std::int64_t part, std::int64_t epoch, const wire::Input& input,
                     std::string command_id) const;
  wire::Command digest_keys(const workflow::IssueDigestKeys& action, const wire::Input& input) const;
  wire::Command swap(const workflow::IssueSwap& action) const;
  wire::Command digest_table(const workflow::IssueDigestTable& action) const;
  wire::Command drop_aside() const;  // of a run that ends without a swap

 private:
  wire::Command base(const workflow::Link& link, wire::Operation operation, const Side& side,
                     std::int64_t part, std::int64_t epoch) const;
  data::Intent part_intent(std::int64_t part) const;
  wire::LoadSpec load_spec() const;

  const RunContext& run_;
  const Settings& settings_;
  Micros now_;
};

// Which piece of work a command was for.
workflow::Purpose purpose_of(const wire::Command& command);

}  // namespace vmc::worker
