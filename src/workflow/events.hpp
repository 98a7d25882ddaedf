// The event log of an execution: facts, in order, never changed. The state of a run is the fold of its events
// (state.hpp); what to do next is a pure function of that (plan.hpp).
//
// An event may reach the log twice (a worker that died after writing is followed by one that writes again):
// folding twice changes nothing. Results of an attempt that has been superseded are ignored.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/clock.hpp"
#include "core/json.hpp"
#include "data/intent.hpp"

namespace vmc::workflow {

// What a command is for. `shape` is the worker's own work and has no command.
enum class Purpose { split, extract, shape, load, digest_keys, swap, digest_table };
std::string_view to_string(Purpose purpose);
std::optional<Purpose> purpose_named(std::string_view name);

enum class FinalStatus { succeeded, failed, cancelled };
std::string_view to_string(FinalStatus status);

struct Started {
  std::string definition_hash;
  std::optional<std::vector<data::Value>> after;  // incremental: rows after this; none: from the start
  bool operator==(const Started&) const = default;
};

// Fixed before anything is read: every part is one key range of the source. `single`: the whole window is one
// part without a range (no key), and `parts` is empty.
struct PartsFixed {
  std::string step;
  std::vector<data::KeyRange> parts;
  std::vector<data::Value> up_to;  // watermark: the cursor's value this run reads up to
  std::int64_t rows_estimate = 0;
  bool single = false;
  // A row that changes while an incremental run is under way may move from one part to another and be read in both. So
  // that its newest state is what stays, such parts are read, loaded and read back in their order.
  bool in_order = false;
  bool operator==(const PartsFixed&) const = default;
};

struct CommandIssued {
  std::string command_id;
  std::string step;
  std::int64_t part = 0;  // 0 for split, swap and digest_table
  Purpose purpose = Purpose::extract;
  std::int64_t attempt_epoch = 1;  // counts up per part and purpose
  bool operator==(const CommandIssued&) const = default;
};

struct PartExtracted {
  std::int64_t part = 0;
  std::int64_t epoch = 1;
  std::string command_id;
  std::string buffer_key;
  std::int64_t chunks = 0;
  std::int64_t rows = 0;  // and digest: of a second read of the source's part, in the snapshot of the first
  std::string digest;
  bool operator==(const PartExtracted&) const = default;
};

// What came in chunks is not what the source, read again, has: the part is extracted again.
struct PartDiffers {
  std::int64_t part = 0;
  std::int64_t epoch = 1;  // of the extract
  std::string command_id;  // of the extract
  std::int64_t rows_in = 0;
  std::string digest_in;
  bool operator==(const PartDiffers&) const = default;
};

// The part's rows went through the transforms; its shaped chunks and its load command exist. Written in one
// transaction with that command, so no CommandIssued is needed for it.
struct PartShaped {
  std::int64_t part = 0;
  std::int64_t epoch = 1;       // of the load: Shape::epoch
  std::string load_command_id;  // "": no row was left, so nothing is loaded
  std::string buffer_key;       // shaped chunks, sealed under (load_command_id, epoch)
  std::int64_t chunks = 0;
  std::int64_t rows_in = 0;   // that entered the first step
  std::int64_t rows_out = 0;  // handed to the load
  std::int64_t refused = 0;   // quarantined
  std::int64_t skipped = 0;   // left out by the transforms, or replaced by a later row of the key
  std::string digest_in;      // of the rows_in, in source types
  std::string digest_out;     // of the rows_out, in the destination's types
  std::string key_digest;     // of their key columns: tells a lost row from a changed one
  bool operator==(const PartShaped&) const = default;
};

struct PartLoaded {
  std::int64_t part = 0;
  std::int64_t epoch = 1;
  std::string command_id;
  std::int64_t rows = 0;
  bool already_applied = false;
  bool operator==(const PartLoaded&) const = default;
};

// The loaded keys, read back from the destination. `ok` is the worker's verdict; folding compares rows and digest again
// and believes the worse.
struct PartVerified {
  std::int64_t part = 0;
  std::int64_t epoch = 1;
  std::string command_id;
  std::int64_t rows = 0;
  std::string digest;
  bool ok = false;
  bool operator==(const PartVerified&) const = default;
};

// A load that replaces its table: what the parts had laid aside has become the table's content.
struct TableSwapped {
  std::int64_t epoch = 1;
  std::string command_id;
  std::int64_t rows = 0;
  bool already_applied = false;
  bool operator==(const TableSwapped&) const = default;
};

// The whole table, read back after its swap; otherwise as PartVerified.
struct TableVerified {
  std::int64_t epoch = 1;
  std::string command_id;
  std::int64_t rows = 0;
  std::string digest;
  bool ok = false;
  bool operator==(const TableVerified&) const = default;
};

struct CommandFailed {
  std::string command_id;  // "" for shape
  std::string step;
  std::int64_t part = 0;
  Purpose purpose = Purpose::extract;
  Code code = Code::internal;
  std::string message;
  bool retryable = false;
  int attempt = 1;  // shape: Shape::attempt
  bool operator==(const CommandFailed&) const = default;
};

struct PauseRequested {
  bool operator==(const PauseRequested&) const = default;
};
struct Resumed {
  bool operator==(const Resumed&) const = default;
};
struct CancelRequested {
  bool operator==(const CancelRequested&) const = default;
};

struct Finished {
  FinalStatus status = FinalStatus::succeeded;
  std::optional<Code> code;  // set when failed or cancelled
  std::string message;
  Json summary;
  bool operator==(const Finished&) const = default;
};

using EventBody =
    std::variant<Started, PartsFixed, CommandIssued, PartExtracted, PartDiffers, PartShaped, PartLoaded,
                 PartVerified, TableSwapped, TableVerified, CommandFailed, PauseRequested, Resumed, CancelRequested, Finished>;

struct Event {
  std::int64_t seq = 0;  // 1, 2, 3 … in the log; 0 before it is appended
  Micros time = 0;
  EventBody body;
  bool operator==(const Event&) const = default;
};

// "started", "parts_fixed", "command_issued" …
std::string_view type_of(const Event& event);

// {"seq","time","type", and the body's fields in camelCase}. INTERNAL names what is wrong: only we write
// events.
Json to_json(const Event& event);
Result<Event> event_from_json(const Json& json);

}  // namespace vmc::workflow
