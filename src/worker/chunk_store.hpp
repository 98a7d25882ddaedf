// Sealed chunks of one command in object storage: reading what an agent left, writing what an agent will
// fetch.
#pragma once

#include <string>

#include "core/offload.hpp"
#include "data/batch.hpp"
#include "data/seal.hpp"
#include "store/objects.hpp"
#include "wire/command.hpp"

namespace vmc::worker {

// Chunk `index` of `chunks`, opened and decoded on the cpu pool. BUFFER_INTEGRITY when it is gone, damaged,
// or not the one it claims to be.
awaitable<Result<data::Batch>> read_chunk(store::Objects& objects, Pool& cpu, const wire::Input& input,
                                          std::string tenant, std::int64_t index);

// Writes batches as chunks 0, 1, 2 …; the newest is held back, because the last one must say that it is.
class ChunkWriter {
 public:
  // `label` without index and last; `prefix` as state::buffer_prefix.
  ChunkWriter(store::Objects& objects, Pool& cpu, data::ChunkLabel label, std::string prefix,
              ByteView data_key);

  awaitable<Result<void>> write(data::Batch batch);
  // Writes the last chunk and makes all of them durable together. Number of chunks; 0 when nothing was
  // written.
  awaitable<Result<std::int64_t>> finish();

 private:
  awaitable<Result<void>> put(data::Batch batch, bool last);
  store::Objects& objects_;
  Pool& cpu_;
  data::ChunkLabel label_;
  std::string prefix_;
  ByteView data_key_;
  std::optional<data::Batch> held_;
  std::uint32_t next_ = 0;
};

}  // namespace vmc::worker
