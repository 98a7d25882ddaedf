// The state of one execution, folded from its event log. Value semantics; no clock, no I/O.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "workflow/definition.hpp"
#include "workflow/events.hpp"

namespace vmc::workflow {

// The attempts at one piece of work (a purpose of a part).
struct Attempts {
  std::string command_id;  // of the newest attempt
  std::int64_t epoch = 0;  // of the newest attempt; 0: there was none
  bool open = false;       // issued, and no outcome yet
  int failures = 0;
  int waits = 0;             // for a session of the connection, in vain: they say nothing of the work itself
  Micros failed_at = 0;      // newest failure
  std::optional<Code> code;  // of the newest failure
  std::string message;
};

struct HalfResult {
  std::int64_t rows = 0;
  std::string digest;
  bool ok = false;
};

struct PartState {
  std::optional<data::KeyRange> range;  // none: the whole window
  Attempts extract, shape, load, digest_keys;
  std::optional<PartExtracted> extracted;  // cleared when its chunks turn out to be damaged or to differ
  std::optional<PartShaped> shaped;
  std::optional<PartLoaded> loaded;
  std::optional<HalfResult> source, destination;

  bool started() const { return extract.epoch > 0; }
  bool in_flight() const { return started() && !loaded; }
};

struct Failure {
  Code code = Code::internal;
  std::string message;
  std::string step;
  std::int64_t part = 0;
};

struct ExecutionState {
  std::int64_t last_seq = 0;
  std::optional<Started> started;
  Micros started_at = 0;
  Attempts split;
  std::optional<PartsFixed> parts_fixed;
  std::vector<PartState> parts;
  Attempts swap, digest_table;          // of a load that replaces its table, after all parts
  std::optional<TableSwapped> swapped;
  std::optional<HalfResult> table;      // read back whole
  bool paused = false;
  bool cancel_requested = false;
  std::optional<Failure> failure;  // one that no retry can help
  std::optional<Finished> finished;

  bool all_loaded() const;         // parts are fixed and every one is loaded
  bool in_order() const { return parts_fixed && parts_fixed->in_order; }
  bool started_loading() const;    // a load command exists, or has existed
  std::int64_t rows_out() const;   // handed to the load, of the parts that are shaped
};

// How far a run has got, for people and for its last event.
struct Summary {
  std::int64_t parts = 0, parts_loaded = 0;
  std::int64_t rows_read = 0, rows_written = 0, rows_refused = 0, rows_skipped = 0;
  bool proof = false;  // both halves of every part held
  std::string proof_detail =
      "not made";  // "complete", "source only" (nothing can be read back), "failed", "not made"
  std::vector<std::int64_t> failed_parts;  // whose proof did not hold
  bool table_differs = false;              // read back whole, it was not what had been handed to the load
};
Json to_json(const Summary& summary);
Summary summarise(const ExecutionState& state, ReadBack read_back);

// Applies one event. Events at or below last_seq, repeats and outcomes of superseded attempts change nothing.
void apply(ExecutionState& state, const Event& event);
ExecutionState fold(std::span<const Event> events);

}  // namespace vmc::workflow
