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
  // Visible whole or not at all (temporary name, then rename), to other processes too; durable only after
  // sync(). Putting the same name again replaces it. Until then a power cut may lose it, never tear it.
  virtual awaitable<Result<void>> put(std::string name, Bytes bytes) = 0;
  // Makes everything put under `prefix` (a folder: ends in '/') durable, files and folder together. An object
  // whose sync failed is gone, and UNAVAILABLE is the answer until it is put again or removed.
  virtual awaitable<Result<void>> sync(std::string prefix) = 0;
  // NOT_FOUND; BUFFER_INTEGRITY when the disk has changed it.
  virtual awaitable<Result<Bytes>> get(std::string name) = 0;
  virtual awaitable<Result<std::vector<std::string>>> list(std::string prefix) = 0;  // sorted full names
  virtual awaitable<Result<void>> remove(std::string name) = 0;                   // absent is fine
  virtual awaitable<Result<void>> remove_all(std::string prefix) = 0;
};

// Names are at most 16 '/'-separated plain ids (core/ids.hpp; plus '.', but not in front) and 240 characters;
// anything else is INVALID_REQUEST. Work runs on `pool`. Several processes may open the same folder. Removing
// "a/" or "a/b/" is one rename; a longer prefix is found by a scan of one of 256 buckets of "a/b/".
Result<std::unique_ptr<Objects>> open_folder(std::string folder, Pool& pool);

}  // namespace vmc::store
