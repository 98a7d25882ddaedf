// Secret memory: locked into RAM, left out of core dumps, wiped when it dies. Best effort by nature:
// a database driver may copy what it is given.
#pragma once

#include <cstddef>
#include <string_view>

#include "core/bytes.hpp"

namespace vmc::crypto {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::size_t size);               // zeroed
  explicit Secret(ByteView bytes);                 // copies; the caller wipes its own copy
  static Secret from_text(std::string_view text) { return Secret{as_bytes(text)}; }
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret();

  Secret clone() const { return Secret{view()}; }
  ByteView view() const { return {data_, size_}; }
  std::string_view text() const { return as_text(view()); }
  std::uint8_t* data() { return data_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

// Overwrites memory in a way the compiler keeps.
void wipe(void* data, std::size_t size) noexcept;
inline void wipe(std::string& text) noexcept { wipe(text.data(), text.size()); }
inline void wipe(Bytes& bytes) noexcept { wipe(bytes.data(), bytes.size()); }

// No core dumps and no ptrace by the same user: called once at the start of a role that holds secrets.
void harden_process() noexcept;

}  // namespace vmc::crypto
