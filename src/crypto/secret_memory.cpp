#include "crypto/secret_memory.hpp"

#include <sys/mman.h>

#include <array>
#include <bit>
#include <mutex>
#include <new>

#include "crypto/secret.hpp"

namespace vmc::crypto {
namespace {

constexpr std::size_t kPieceMin = 64;
constexpr std::size_t kPieceMax = 4096;  // larger secrets get pages of their own
constexpr std::size_t kBlock = 64 << 10;
constexpr std::size_t kPage = 4096;

std::uint8_t* map_pages(std::size_t size) {
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc{};
  (void)mlock(memory, size);
  (void)madvise(memory, size, MADV_DONTDUMP);
  return static_cast<std::uint8_t*>(memory);
}

std::size_t pages_of(std::size_t size) { return (size + kPage - 1) / kPage * kPage; }

// Free pieces of one size each, linked through themselves.
class Pieces {
 public:
  std::uint8_t* take(std::size_t size) {
    std::lock_guard lock{mutex_};
    auto& list = free_[class_of(size)];
    if (!list) list = cut_block(std::bit_ceil(std::max(size, kPieceMin)));
    auto* piece = list;
    list = piece->next;
    piece->next = nullptr;
    return reinterpret_cast<std::uint8_t*>(piece);
  }
  void give(std::uint8_t* memory, std::size_t size) {
    std::lock_guard lock{mutex_};
    auto& list = free_[class_of(size)];
    list = new (memory) Piece{list};
  }

 private:
  struct Piece {
    Piece* next;
  };
  static constexpr std::size_t kClasses = std::bit_width(kPieceMax / kPieceMin);

  static std::size_t class_of(std::size_t size) {
    return static_cast<std::size_t>(std::bit_width((std::max(size, kPieceMin) - 1) / kPieceMin));
  }
  static Piece* cut_block(std::size_t piece) {
    auto* block = map_pages(kBlock);
    Piece* list = nullptr;
    for (std::size_t at = kBlock; at >= piece; at -= piece) list = new (block + at - piece) Piece{list};
    return list;
  }

  std::mutex mutex_;
  std::array<Piece*, kClasses> free_{};
};

Pieces& pieces() {
  static Pieces* const all = new Pieces;  // outlives every secret, also those of other statics
  return *all;
}

}  // namespace

std::uint8_t* take_secret_memory(std::size_t size) {
  return size <= kPieceMax ? pieces().take(size) : map_pages(pages_of(size));
}

void give_secret_memory(std::uint8_t* memory, std::size_t size) noexcept {
  wipe(memory, size);
  if (size <= kPieceMax)
    pieces().give(memory, size);
  else
    munmap(memory, pages_of(size));  // unlocks as well
}

}  // namespace vmc::crypto
