#include "core/allocator.hpp"

#include <malloc.h>

namespace vmc {
namespace {

constexpr int kFromKernelBytes = 32 << 20;  // blocks from here on are mapped one by one; glibc's maximum
constexpr int kKeepFreeBytes = 8 << 20;    // at the end of each arena
constexpr int kArenas = 2;

}  // namespace

void tune_allocator() noexcept {
  (void)mallopt(M_MMAP_THRESHOLD, kFromKernelBytes);
  (void)mallopt(M_TRIM_THRESHOLD, kKeepFreeBytes);
  (void)mallopt(M_ARENA_MAX, kArenas);
}

}  // namespace vmc
