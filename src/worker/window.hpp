// The window of an incremental extract: what lies after the last run's watermark, less an overlap for
// transactions that committed late, and the rows of that overlap which were moved already.
//
// A run leaves behind its watermark (the execution's cursor) and, in an object named after it, the hashes of every
// row within the overlap before it. Without that object those rows are moved again, which an upsert forgives.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "store/objects.hpp"
#include "worker/run_context.hpp"

namespace vmc::worker {

using RowHash = std::pair<std::uint64_t, std::uint64_t>;

inline constexpr std::size_t kSeenRowsMax = 1'000'000;

// Exclusive lower bound over part_key(); empty on a first run.
std::vector<data::Value> window_start(const RunContext& run);
// A value before `value` by at least the overlap, and never `value` itself: rows that share it are told apart by their
// keys, and one with a lower key may come later. Nothing when there is none ('infinity'): all is read again.
std::optional<data::Value> before(const data::Value& value, const workflow::ExtractParams& params);
// WORKFLOW_INVALID for a column without a `before`, or an overlap in the other unit.
Result<void> check_cursor(const data::ColumnInfo& column, const workflow::ExtractParams& params);
// Does the row belong to what the next run will read again?
bool in_next_overlap(const RunContext& run, const data::Value& cursor);

// Hashes as bytes, sealed under the tenant's key.
Bytes pack_seen(const std::vector<RowHash>& hashes, const RunContext& run);
Result<std::set<RowHash>> unpack_seen(ByteView sealed, const RunContext& run);

// Where one part's hashes lie until the run ends, and where the set that belongs to a watermark lies.
std::string seen_part_object(const RunContext& run, std::int64_t part, std::int64_t epoch);
std::string seen_object(const RunContext& run, const std::vector<data::Value>& watermark);

}  // namespace vmc::worker
