// Object storage: immutable bytes under a name ("buffer/t1/exe_…/cmd_…/1/0"). A local folder now.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/async.hpp"
#include "core/bytes.hpp"
#include "core/offload.hpp"
#include "core/result.hpp"

namespace vmc::store {

inline constexpr std::size_t kObjectBytesMax = 64u << 20;

class Objects {
 public:
  virtual ~Objects() = default;
  // Visible whole or not at all (temporary name, then rename); durable only after sync(). Putting the same
  // name again replaces it.
  virtual awaitable<Result<void>> put(std::string name, Bytes bytes) = 0;
  // Makes everything put under `prefix` (a folder: ends in '/') durable, files and folder together.
  virtual awaitable<Result<void>> sync(std::string prefix) = 0;
  virtual awaitable<Result<Bytes>> get(std::string name) = 0;                     // NOT_FOUND
  virtual awaitable<Result<std::vector<std::string>>> list(std::string prefix) = 0;  // sorted full names
  virtual awaitable<Result<void>> remove(std::string name) = 0;                   // absent is fine
  virtual awaitable<Result<void>> remove_all(std::string prefix) = 0;
};

// Names are '/'-separated plain ids (core/ids.hpp, plus '.'); anything else is INVALID_REQUEST. Work runs on `pool`.
Result<std::unique_ptr<Objects>> open_folder(std::string folder, Pool& pool);

}  // namespace vmc::store
