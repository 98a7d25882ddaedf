#include "crypto/secret.hpp"

#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstring>
#include <new>
#include <utility>

namespace vmc::crypto {

Secret::Secret(std::size_t size) : size_{size} {
  if (size == 0) return;
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  mapped_ = (size + page - 1) / page * page;
  void* memory = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc{};
  data_ = static_cast<std::uint8_t*>(memory);
  // Both are best effort: the lock limit of the user may be used up, and the secret is needed anyway.
  (void)mlock(data_, mapped_);
  (void)madvise(data_, mapped_, MADV_DONTDUMP);
}

Secret::Secret(ByteView bytes) : Secret{bytes.size()} {
  if (!bytes.empty()) std::memcpy(data_, bytes.data(), bytes.size());
}

Secret::Secret(Secret&& other) noexcept
    : data_{std::exchange(other.data_, nullptr)},
      size_{std::exchange(other.size_, 0)},
      mapped_{std::exchange(other.mapped_, 0)} {}

Secret& Secret::operator=(Secret&& other) noexcept {
  Secret taken{std::move(other)};
  std::swap(data_, taken.data_);
  std::swap(size_, taken.size_);
  std::swap(mapped_, taken.mapped_);
  return *this;
}

Secret::~Secret() {
  if (!data_) return;
  wipe(data_, mapped_);
  munmap(data_, mapped_);  // unlocks as well
}

void wipe(void* data, std::size_t size) noexcept {
  if (size != 0) explicit_bzero(data, size);
}

void harden_process() noexcept {
  const rlimit none{0, 0};
  (void)setrlimit(RLIMIT_CORE, &none);
  (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

}  // namespace vmc::crypto
