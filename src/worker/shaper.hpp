// Shaping: one extracted part goes chunk by chunk through deduplication, the transform and the cast to the
// destination's types, and comes out as sealed chunks for the load. Bounded memory: a few batches at a time.
//
// While the script works on one batch, the next is fetched and decoded and the previous one sealed and
// stored.
#pragma once

#include <set>

#include "activities/row_digest.hpp"
#include "core/task_group.hpp"
#include "data/cast.hpp"
#include "script/sandbox.hpp"
#include "worker/chunk_store.hpp"
#include "worker/run_context.hpp"
#include "worker/window.hpp"

namespace vmc::worker {

// What the previous run's overlap held and this run's will hold; lives as long as the lease.
struct SeenRows {
  bool loaded = false;
  std::set<RowHash> before;
};

struct Shaped {
  workflow::PartShaped event;
  wire::Input input;  // of the load command; no chunks when no row is left
};

class Shaper {
 public:
  Shaper(asio::any_io_executor loop, Platform& platform, const RunContext& run, script::Sandbox* sandbox,
         SeenRows& seen)
      : loop_{std::move(loop)}, platform_{platform}, run_{run}, sandbox_{sandbox}, seen_{seen} {}

  // `extracted` opens the part's chunks; `load_command` and `data_key` seal the shaped ones.
  awaitable<Result<Shaped>> run(std::int64_t part, std::int64_t epoch, wire::Input extracted,
                                std::string load_command, Bytes data_key);

 private:
  struct Work;
  Result<data::Batch> admit(Work& work, data::Batch batch) const;
  Result<data::Batch> settle(Work& work, data::Batch batch) const;
  awaitable<Result<data::Batch>> transform(Work& work, data::Batch batch);
  awaitable<void> fetch(Work& work, std::int64_t index);
  awaitable<void> store(Work& work, data::Batch batch);
  awaitable<Result<void>> load_seen();
  awaitable<Result<void>> store_side_results(Work& work, std::int64_t part, std::int64_t epoch);

  asio::any_io_executor loop_;
  Platform& platform_;
  const RunContext& run_;
  script::Sandbox* sandbox_;  // null: no transform, rows go straight to the cast
  SeenRows& seen_;
};

}  // namespace vmc::worker
