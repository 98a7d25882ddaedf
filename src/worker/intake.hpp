// What agents have answered since the last look, turned into events. Pure.
#pragma once

#include "state/commands.hpp"
#include "worker/run_context.hpp"

namespace vmc::worker {

// The event a finished command means. Its answer is checked here: an inline result that does not have the
// promised shape becomes CommandFailed COMMAND_MALFORMED.
workflow::EventBody event_for(const RunContext& run, const state::FinishedCommand& finished);

}  // namespace vmc::worker
