#include "worker/chunk_store.hpp"

#include <fmt/format.h>

#include "data/chunk.hpp"
#include "state/commands.hpp"

namespace vmc::worker {

awaitable<Result<data::Batch>> read_chunk(store::Objects& objects, Pool& cpu, const wire::Input& input,
                                          std::string tenant, std::int64_t index) {
  auto name = state::buffer_object(input.buffer_key, index);
  auto sealed = co_await objects.get(std::move(name));
  if (!sealed) {
    if (sealed.error().code != Code::not_found) co_return sealed.error();
    co_return fail(Code::buffer_integrity,
                   fmt::format("chunk {} of {} is gone from the buffer", index, input.chunks));
  }
  data::ChunkLabel label{std::move(tenant),
                         input.label_connector,
                         input.label_command,
                         input.label_epoch,
                         static_cast<std::uint32_t>(index),
                         index + 1 == input.chunks};
  auto decode = [&]() -> Result<data::Batch> {
    VMC_TRY(chunk, data::open_chunk(input.data_key, label, *sealed));
    return data::decode(chunk);
  };
  co_return co_await offload(cpu, decode);
}

ChunkWriter::ChunkWriter(store::Objects& objects, Pool& cpu, data::ChunkLabel label, std::string prefix,
                         ByteView data_key)
    : objects_{objects},
      cpu_{cpu},
      label_{std::move(label)},
      prefix_{std::move(prefix)},
      data_key_{data_key} {}

awaitable<Result<void>> ChunkWriter::write(data::Batch batch) {
  std::optional<data::Batch> previous = std::exchange(held_, std::move(batch));
  if (!previous) co_return Result<void>{};
  co_return co_await put(std::move(*previous), false);
}

awaitable<Result<std::int64_t>> ChunkWriter::finish() {
  if (!held_) co_return std::int64_t{0};
  VMC_CO_CHECK(co_await put(std::move(*held_), true));
  held_.reset();
  VMC_CO_CHECK(co_await objects_.sync("buffer/" + prefix_));
  co_return std::int64_t{next_};
}

awaitable<Result<void>> ChunkWriter::put(data::Batch batch, bool last) {
  label_.index = next_++;
  label_.last = last;
  auto encode = [&]() -> Result<Bytes> { return data::seal_chunk(data_key_, label_, data::encode(batch)); };
  auto sealed = co_await offload(cpu_, encode);
  auto name = state::buffer_object(prefix_, label_.index);
  co_return co_await objects_.put(std::move(name), std::move(*sealed));
}

}  // namespace vmc::worker
