// Bytes as a chunk: refused, or a batch all of whose values can be read and that survives another chunk.
#include <cstdlib>

#include "data/chunk.hpp"
#include "data/value.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  using namespace vmc::data;
  const ChunkLimits limits{1u << 20, 1u << 14, 64};
  const auto batch = decode({input, size}, limits);
  if (!batch) return 0;
  for (const auto& column : batch->columns)
    for (std::size_t row = 0; row < batch->rows; ++row)
      if (!value_from_json(to_json(value_at(column, row)))) {
        // A source's own JSON text travels unread, so that it alone may be no JSON.
        if (column.type().kind != Kind::json) std::abort();
      }
  const auto again = encode(*batch);
  const auto back = decode(again, limits);
  if (!back || encode(*back) != again) std::abort();
  return 0;
}
