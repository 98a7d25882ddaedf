#include "script/memory.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "script/limits.hpp"

namespace vmc::script {

LuaMemory::~LuaMemory() {
  for (void* slab : slabs_) std::free(slab);
}

void* LuaMemory::allocate(void* self, void* block, std::size_t old_size, std::size_t new_size) {
  auto& memory = *static_cast<LuaMemory*>(self);
  if (!block) old_size = 0;  // then it is a type tag
  if (new_size == 0) {
    if (block) memory.give(block, old_size);
    return nullptr;
  }
  if (new_size > old_size && memory.refuses(new_size - old_size)) return nullptr;
  if (!block) return memory.take(new_size);
  const bool was_small = old_size <= kSmallMax;
  const bool is_small = new_size <= kSmallMax;
  if (was_small && is_small && (old_size - 1) / kStep == (new_size - 1) / kStep) {
    memory.used_ += new_size - old_size;
    return block;
  }
  if (!was_small && !is_small) {
    void* moved = std::realloc(block, new_size);
    if (!moved) stop_at(Limit::memory);
    memory.used_ += new_size - old_size;
    return moved;
  }
  void* moved = memory.take(new_size);
  std::memcpy(moved, block, std::min(old_size, new_size));
  memory.give(block, old_size);
  return moved;
}

// After a refusal Lua makes a full collection and asks once more. It earns the next one by living on an
// eighth of the cap: less is thrashing.
bool LuaMemory::refuses(std::size_t more) {
  allocated_ += more;
  if (more <= cap_ && used_ <= cap_ - more) return false;
  if (refused_ && allocated_ - refused_at_ < cap_ / 8 + more + 1) stop_at(Limit::memory);
  refused_ = true;
  refused_at_ = allocated_;
  return true;
}

void* LuaMemory::take(std::size_t size) {
  used_ += size;
  if (size <= kSmallMax) return take_small((size - 1) / kStep);
  void* block = std::malloc(size);
  if (!block) stop_at(Limit::memory);
  return block;
}

void* LuaMemory::take_small(std::size_t size_class) {
  if (Free* block = free_[size_class]) {
    free_[size_class] = block->next;
    return block;
  }
  const auto size = (size_class + 1) * kStep;
  if (static_cast<std::size_t>(fresh_end_ - fresh_) < size) {
    auto* slab = static_cast<std::byte*>(std::malloc(kSlab));
    if (!slab) stop_at(Limit::memory);
    slabs_.push_back(slab);
    fresh_ = slab;
    fresh_end_ = slab + kSlab;
  }
  void* block = fresh_;
  fresh_ += size;
  return block;
}

void LuaMemory::give(void* block, std::size_t size) {
  used_ -= size;
  if (size > kSmallMax) {
    std::free(block);
    return;
  }
  auto* freed = static_cast<Free*>(block);
  auto& list = free_[(size - 1) / kStep];
  freed->next = list;
  list = freed;
}

}  // namespace vmc::script
