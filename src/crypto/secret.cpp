#include "crypto/secret.hpp"

#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cstring>
#include <utility>

#include "crypto/secret_memory.hpp"

namespace vmc::crypto {

Secret::Secret(std::size_t size) : data_{size == 0 ? nullptr : take_secret_memory(size)}, size_{size} {}

Secret::Secret(ByteView bytes) : Secret{bytes.size()} {
  if (!bytes.empty()) std::memcpy(data_, bytes.data(), bytes.size());
}

Secret::Secret(Secret&& other) noexcept
    : data_{std::exchange(other.data_, nullptr)},
      size_{std::exchange(other.size_, 0)} {}

Secret& Secret::operator=(Secret&& other) noexcept {
  Secret taken{std::move(other)};
  std::swap(data_, taken.data_);
  std::swap(size_, taken.size_);
  return *this;
}

Secret::~Secret() {
  if (data_) give_secret_memory(data_, size_);
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
