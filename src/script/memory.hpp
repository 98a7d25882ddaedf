// The memory of one Lua state: counted, capped, and quick for the small blocks that rows are made of.
//
// Near the cap Lua may collect its garbage and ask again; when that has not helped, the process ends at once
// with the reason, so that a script can neither catch the refusal nor spend its time in the collector.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

namespace vmc::script {

class LuaMemory {
 public:
  explicit LuaMemory(std::size_t cap) : cap_{cap} {}
  ~LuaMemory();
  LuaMemory(const LuaMemory&) = delete;
  LuaMemory& operator=(const LuaMemory&) = delete;

  // A lua_Alloc; `self` is the LuaMemory.
  static void* allocate(void* self, void* block, std::size_t old_size, std::size_t new_size);
  std::size_t used() const { return used_; }

 private:
  static constexpr std::size_t kStep = 16;
  static constexpr std::size_t kSmallMax = 512;
  static constexpr std::size_t kSlab = 64u << 10;
  struct Free {
    Free* next;
  };

  bool refuses(std::size_t more);
  void* take(std::size_t size);
  void give(void* block, std::size_t size);
  void* take_small(std::size_t size_class);

  std::size_t cap_;
  std::size_t used_ = 0;
  std::size_t allocated_ = 0;   // ever
  std::size_t refused_at_ = 0;  // allocated_ at the last refusal
  bool refused_ = false;
  std::array<Free*, kSmallMax / kStep> free_{};
  std::vector<void*> slabs_;
  std::byte* fresh_ = nullptr;  // the unused rest of the newest slab
  std::byte* fresh_end_ = nullptr;
};

}  // namespace vmc::script
