// Where sealed chunks go and come from: the gateway's buffer (BufferClient). Runs on the loop.
#pragma once

#include <string>
#include <utility>

#include "core/async.hpp"
#include "core/clock.hpp"
#include "data/seal.hpp"
#include "wire/command.hpp"

namespace vmc::agent {

class ChunkBuffer {
 public:
  virtual ~ChunkBuffer() = default;
  // Whose chunks these are: known from the first session on, and the same in every later one.
  virtual Result<std::pair<std::string, std::string>> tenant_and_connector() const = 0;
  // One sealed chunk; `label` without tenant and connector, which are the session's.
  virtual awaitable<Result<void>> upload(std::string path, data::ChunkLabel label, Bytes sealed,
                                         Micros expires_at) = 0;
  // Chunk `index` of an input, still sealed.
  virtual awaitable<Result<Bytes>> download(wire::Input input, std::string command_id, std::int64_t index,
                                            Micros expires_at) = 0;
};

}  // namespace vmc::agent
