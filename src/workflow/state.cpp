#include "workflow/state.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace vmc::workflow {
namespace {

// Applies one event after another to the state. A body that does not fit what is open is a repeat, or the
// outcome of an attempt that was superseded: nothing changes.
class Folder {
 public:
  Folder(ExecutionState& state, Micros time) : state_{state}, time_{time} {}

  void operator()(const Started& e) {
    if (state_.started) return;
    state_.started = e;
    state_.started_at = time_;
  }

  void operator()(const PartsFixed& e) {
    if (state_.parts_fixed) return;
    state_.parts_fixed = e;
    state_.split.open = false;
    state_.parts.resize(e.single ? 1 : e.parts.size());
    if (!e.single)
      for (std::size_t i = 0; i < e.parts.size(); ++i) state_.parts[i].range = e.parts[i];
  }

  void operator()(const CommandIssued& e) {
    if (e.purpose == Purpose::shape) return;
    if (Attempts* attempts = find(e.purpose, e.part)) issue(*attempts, e.command_id, e.attempt_epoch);
  }

  void operator()(const PartExtracted& e) {
    PartState* part = at(e.part);
    if (!part || !close(part->extract, e.command_id, e.epoch)) return;
    part->extracted = e;
  }

  void operator()(const PartDiffers& e) {
    PartState* part = at(e.part);
    if (!part || !part->extracted || part->shaped) return;
    const auto again = *part->extracted;
    if (again.command_id != e.command_id || again.epoch != e.epoch) return;
    part->source = HalfResult{again.rows, again.digest, false};
    const auto how = again.rows == e.rows_in
                         ? fmt::format("other values in its {} rows", again.rows)
                         : fmt::format("{} rows where {} were sent", again.rows, e.rows_in);
    count(part->extract, {e.command_id, "", e.part, Purpose::extract, Code::buffer_integrity,
                          "the source, read again, has " + how, true, 0});
    read_again(e.part);
  }

  void operator()(const PartShaped& e) {
    PartState* part = at(e.part);
    if (!part || !part->extracted || part->shaped) return;
    const bool announced =
        part->load.open && part->load.epoch == e.epoch && part->load.command_id == e.load_command_id;
    if (e.epoch != part->load.epoch + 1 && !announced) return;
    part->shaped = e;
    const auto& again = *part->extracted;
    part->source = HalfResult{again.rows, again.digest, again.rows == e.rows_in && again.digest == e.digest_in};
    if (e.load_command_id.empty()) {
      part->load.epoch = e.epoch;
      part->loaded = PartLoaded{e.part, e.epoch, "", 0, false};
    } else {
      issue(part->load, e.load_command_id, e.epoch);
    }
  }

  void operator()(const PartLoaded& e) {
    PartState* part = at(e.part);
    if (!part || !part->shaped || !close(part->load, e.command_id, e.epoch)) return;
    part->loaded = e;
  }

  void operator()(const PartVerified& e) {
    PartState* part = at(e.part);
    if (!part || !part->shaped || !part->loaded) return;
    if (!close(part->digest_keys, e.command_id, e.epoch)) return;
    const bool equal = e.rows == part->shaped->rows_out && e.digest == part->shaped->digest_out;
    part->destination = HalfResult{e.rows, e.digest, e.ok && equal};
  }

  void operator()(const TableSwapped& e) {
    if (state_.swapped || !state_.all_loaded() || !close(state_.swap, e.command_id, e.epoch)) return;
    state_.swapped = e;
  }

  void operator()(const TableVerified& e) {
    if (state_.table || !state_.swapped || !close(state_.digest_table, e.command_id, e.epoch)) return;
    state_.table = HalfResult{e.rows, e.digest, e.ok && e.rows == state_.rows_out()};
  }

  void operator()(const CommandFailed& e) {
    if (e.purpose == Purpose::shape) return shape_failed(e);
    Attempts* attempts = find(e.purpose, e.part);
    if (!attempts || !attempts->open || attempts->command_id != e.command_id) return;
    attempts->open = false;
    count(*attempts, e);
    // Shaped chunks that cannot be read are made again from the extracted ones.
    if (e.purpose == Purpose::load && e.retryable && e.code == Code::buffer_integrity)
      at(e.part)->shaped.reset();
  }

  void operator()(const PauseRequested&) { state_.paused = true; }
  void operator()(const Resumed&) { state_.paused = false; }
  void operator()(const CancelRequested&) { state_.cancel_requested = true; }
  void operator()(const Finished& e) { state_.finished = e; }

 private:
  PartState* at(std::int64_t part) {
    if (part < 0 || part >= static_cast<std::int64_t>(state_.parts.size())) return nullptr;
    return &state_.parts[static_cast<std::size_t>(part)];
  }

  Attempts* find(Purpose purpose, std::int64_t number) {
    if (purpose == Purpose::split) return state_.parts_fixed ? nullptr : &state_.split;
    if (purpose == Purpose::swap) return state_.swapped || !state_.all_loaded() ? nullptr : &state_.swap;
    if (purpose == Purpose::digest_table) return state_.table || !state_.swapped ? nullptr : &state_.digest_table;
    PartState* part = at(number);
    if (!part) return nullptr;
    switch (purpose) {
      case Purpose::extract:
        return part->extracted ? nullptr : &part->extract;
      case Purpose::load:
        return part->loaded ? nullptr : &part->load;
      case Purpose::digest_keys:
        return part->destination ? nullptr : &part->digest_keys;
      default:
        return nullptr;
    }
  }

  static void issue(Attempts& attempts, const std::string& command_id, std::int64_t epoch) {
    if (epoch <= attempts.epoch) return;
    attempts.command_id = command_id;
    attempts.epoch = epoch;
    attempts.open = true;
  }

  static bool close(Attempts& attempts, const std::string& command_id, std::int64_t epoch) {
    if (!attempts.open || attempts.command_id != command_id || attempts.epoch != epoch) return false;
    attempts.open = false;
    return true;
  }

  void count(Attempts& attempts, const CommandFailed& e) {
    ++(e.code == Code::connection_pool_exhausted ? attempts.waits : attempts.failures);
    attempts.failed_at = time_;
    attempts.code = e.code;
    attempts.message = e.message;
    if (!e.retryable && !state_.failure) state_.failure = Failure{e.code, e.message, e.step, e.part};
  }

  // Shaping has no command: the number of the attempt tells a repeat from a new failure.
  void shape_failed(const CommandFailed& e) {
    PartState* part = at(e.part);
    if (!part || !part->extracted || part->shaped || e.attempt != part->shape.failures + 1) return;
    count(part->shape, e);
    if (!e.retryable || e.code != Code::buffer_integrity) return;
    count(part->extract, e);
    read_again(e.part);  // its chunks are damaged or gone
  }

  // Where parts keep an order, those that were read after it are older than it will be.
  void read_again(std::int64_t number) {
    const auto first = state_.parts.begin() + number;
    const auto last = state_.in_order() ? state_.parts.end() : first + 1;
    for (auto part = first; part != last; ++part) {
      part->extracted.reset();
      part->extract.open = false;
    }
  }

  ExecutionState& state_;
  Micros time_;
};

}  // namespace

bool ExecutionState::all_loaded() const {
  return parts_fixed &&
         std::all_of(parts.begin(), parts.end(), [](const PartState& p) { return p.loaded.has_value(); });
}

bool ExecutionState::started_loading() const {
  return std::any_of(parts.begin(), parts.end(), [](const PartState& p) { return p.load.epoch > 0; });
}

std::int64_t ExecutionState::rows_out() const {
  std::int64_t rows = 0;
  for (const auto& part : parts)
    if (part.shaped) rows += part.shaped->rows_out;
  return rows;
}

void apply(ExecutionState& state, const Event& event) {
  if (event.seq != 0 && event.seq <= state.last_seq) return;
  state.last_seq = std::max(state.last_seq, event.seq);
  if (state.finished) return;
  std::visit(Folder{state, event.time}, event.body);
}

ExecutionState fold(std::span<const Event> events) {
  ExecutionState state;
  for (const auto& event : events) apply(state, event);
  return state;
}

Summary summarise(const ExecutionState& state, ReadBack read_back) {
  const bool keyed = read_back == ReadBack::keys;
  Summary summary;
  summary.parts = static_cast<std::int64_t>(state.parts.size());
  bool every_half = state.parts_fixed.has_value();
  for (std::size_t i = 0; i < state.parts.size(); ++i) {
    const auto& part = state.parts[i];
    if (part.loaded) ++summary.parts_loaded;
    if (part.loaded) summary.rows_written += part.loaded->rows;
    if (part.shaped) {
      summary.rows_read += part.shaped->rows_in;
      summary.rows_refused += part.shaped->refused;
      summary.rows_skipped += part.shaped->skipped;
    } else if (part.extracted) {
      summary.rows_read += part.extracted->rows;
    }
    const bool broken = (part.source && !part.source->ok) || (part.destination && !part.destination->ok);
    if (broken) summary.failed_parts.push_back(static_cast<std::int64_t>(i));
    const bool nothing_loaded = part.shaped && part.shaped->load_command_id.empty();
    every_half = every_half && part.source && (!keyed || nothing_loaded || part.destination);
  }
  if (read_back == ReadBack::table) {
    summary.rows_written = state.swapped ? state.swapped->rows : 0;  // until then they lie aside
    summary.table_differs = state.table && !state.table->ok;
    every_half = every_half && state.table;
  }
  if (!summary.failed_parts.empty() || summary.table_differs)
    summary.proof_detail = "failed";
  else if (every_half)
    summary.proof_detail = read_back == ReadBack::nothing ? "source only" : "complete";
  summary.proof = summary.proof_detail == "complete";
  return summary;
}

Json to_json(const Summary& summary) {
  return {{"parts", summary.parts},
          {"partsLoaded", summary.parts_loaded},
          {"rowsRead", summary.rows_read},
          {"rowsWritten", summary.rows_written},
          {"rowsRefused", summary.rows_refused},
          {"rowsSkipped", summary.rows_skipped},
          {"proof", summary.proof},
          {"proofDetail", summary.proof_detail},
          {"failedParts", summary.failed_parts}};
}

}  // namespace vmc::workflow
