#include "store/object_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <fmt/format.h>

#include "store/objects.hpp"

namespace vmc::store {
namespace {

// XXH3 of the bytes, their number, "vmcobj01"; integers little-endian. The magic stands last, so that a file
// that ends early, or in zeros, has none.
constexpr std::string_view kMagic = "vmcobj01";
constexpr std::size_t kTrailerBytes = 24;
using Trailer = std::array<std::uint8_t, kTrailerBytes>;

void put_u64(std::uint8_t* at, std::uint64_t value) {
  for (int i = 0; i < 8; ++i) at[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

Trailer trailer_of(ByteView bytes) {
  Trailer trailer{};
  put_u64(trailer.data(), XXH3_64bits(bytes.data(), bytes.size()));
  put_u64(trailer.data() + 8, bytes.size());
  std::memcpy(trailer.data() + 16, kMagic.data(), kMagic.size());
  return trailer;
}

bool write_all(int fd, ByteView bytes, const Trailer& trailer) {
  std::array<iovec, 2> parts{iovec{const_cast<std::uint8_t*>(bytes.data()), bytes.size()},
                             iovec{const_cast<std::uint8_t*>(trailer.data()), trailer.size()}};
  std::size_t left = bytes.size() + trailer.size();
  while (left > 0) {
    const ssize_t n = ::writev(fd, parts.data(), static_cast<int>(parts.size()));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    auto done = static_cast<std::size_t>(n);
    left -= done;
    for (auto& part : parts) {
      const auto step = std::min(done, part.iov_len);
      part.iov_base = static_cast<std::uint8_t*>(part.iov_base) + step;
      part.iov_len -= step;
      done -= step;
    }
  }
  return true;
}

Error io_error(std::string_view what) {
  return fail(Code::unavailable, fmt::format("{}: {}", what, std::strerror(errno)));
}

}  // namespace

Result<Fd> write_object(const std::string& path, ByteView bytes) {
  Fd fd{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!fd) return io_error("an object cannot be created");
  if (!write_all(fd.get(), bytes, trailer_of(bytes))) {
    auto error = io_error("an object cannot be written");
    ::unlink(path.c_str());
    return error;
  }
  return fd;
}

Result<Bytes> read_object(const std::string& path) {
  const Error absent = fail(Code::not_found, "there is no such object");
  const Fd fd{::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
  if (!fd) {
    if (errno == ENOENT || errno == ENOTDIR) return absent;
    return io_error("an object cannot be opened");
  }
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return io_error("an object cannot be read");
  const auto size = static_cast<std::size_t>(info.st_size);
  if (!S_ISREG(info.st_mode) || size < kTrailerBytes || size > kObjectBytesMax + kTrailerBytes) return absent;

  Bytes bytes(size);
  for (std::size_t at = 0; at < size;) {
    const ssize_t n = ::read(fd.get(), bytes.data() + at, size - at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_error("an object cannot be read");
    if (n == 0) return absent;
    at += static_cast<std::size_t>(n);
  }
  Trailer trailer{};
  std::memcpy(trailer.data(), bytes.data() + size - kTrailerBytes, kTrailerBytes);
  bytes.resize(size - kTrailerBytes);
  const auto expected = trailer_of(bytes);
  if (std::memcmp(trailer.data() + 8, expected.data() + 8, 16) != 0) return absent;
  if (trailer != expected) return fail(Code::buffer_integrity, "an object was changed on the disk");
  return bytes;
}

}  // namespace vmc::store
