#include "crypto/secret_memory.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "crypto/secret.hpp"

using namespace vmc;
using namespace vmc::crypto;

namespace {

bool all_zero(const std::uint8_t* memory, std::size_t size) {
  return std::all_of(memory, memory + size, [](std::uint8_t byte) { return byte == 0; });
}

}  // namespace

TEST_CASE("memory for secrets is zeroed, whatever stood in it before") {
  for (const std::size_t size : {1u, 8u, 63u, 64u, 65u, 100u, 128u, 1000u, 4095u, 4096u, 4097u, 100'000u}) {
    std::vector<std::uint8_t*> taken;
    for (int i = 0; i < 40; ++i) {
      taken.push_back(take_secret_memory(size));
      REQUIRE(all_zero(taken.back(), size));
      std::memset(taken.back(), 0xab, size);
    }
    for (auto* memory : taken) give_secret_memory(memory, size);
    auto* again = take_secret_memory(size);
    CHECK(all_zero(again, size));
    give_secret_memory(again, size);
  }
}

TEST_CASE("secrets that live at the same time never share a byte") {
  std::vector<Secret> secrets;
  for (std::size_t i = 1; i <= 300; ++i) {
    const Bytes bytes(i * 7 % 500 + 1, static_cast<std::uint8_t>(i));
    secrets.emplace_back(ByteView{bytes});
  }
  for (std::size_t i = 1; i <= 300; ++i) {
    const auto view = secrets[i - 1].view();
    CHECK(view.size() == i * 7 % 500 + 1);
    CHECK(std::all_of(view.begin(), view.end(), [&](std::uint8_t b) { return b == static_cast<std::uint8_t>(i); }));
  }
}

TEST_CASE("threads take and give at once") {
  std::vector<std::thread> threads;
  std::atomic<int> broken{0};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&broken, t] {
      for (int i = 0; i < 2000; ++i) {
        const Bytes bytes(static_cast<std::size_t>(i % 200 + 1), static_cast<std::uint8_t>(t + 1));
        const Secret secret{ByteView{bytes}};
        if (!std::equal(bytes.begin(), bytes.end(), secret.view().begin())) ++broken;
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(broken == 0);
}
