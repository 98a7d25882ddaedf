// A file descriptor that closes itself.
#pragma once

#include <unistd.h>

#include <utility>

namespace vmc::agent {

class FileHandle {
 public:
  explicit FileHandle(int fd = -1) : fd_{fd} {}
  FileHandle(FileHandle&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
  FileHandle& operator=(FileHandle&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileHandle() {
    if (fd_ >= 0) ::close(fd_);
  }
  explicit operator bool() const { return fd_ >= 0; }
  int get() const { return fd_; }

 private:
  int fd_;
};

}  // namespace vmc::agent
