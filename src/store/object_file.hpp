// The file behind an object: its bytes and a trailer with their number and checksum.
//
// The name becomes visible before the bytes are durable (that is what sync() is for), so after a power cut
// a file may be torn; the trailer tells, and a torn file counts as absent.
#pragma once

#include <string>

#include "core/bytes.hpp"
#include "core/result.hpp"
#include "store/fd.hpp"

namespace vmc::store {

// Writes a new file of this path, 0600, and leaves it open. UNAVAILABLE, and no file, when it fails.
Result<Fd> write_object(const std::string& path, ByteView bytes);
// NOT_FOUND when absent or torn, BUFFER_INTEGRITY when complete but changed.
Result<Bytes> read_object(const std::string& path);

}  // namespace vmc::store
