#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>

#include "crypto/machine.hpp"
#include "crypto/secret.hpp"

using namespace vmc;
using crypto::Secret;

namespace {
// What the memory of a dying secret looked like at the moment it was given back.
const void* watched = nullptr;
bool released = false;
bool was_wiped = false;
}  // namespace

// Stands before the C library's: the only moment to look at memory that is about to vanish.
extern "C" int munmap(void* memory, size_t size) noexcept {
  if (memory == watched && watched) {
    const auto* bytes = static_cast<const unsigned char*>(memory);
    released = true;
    was_wiped = std::all_of(bytes, bytes + size, [](unsigned char b) { return b == 0; });
    watched = nullptr;
  }
  return static_cast<int>(syscall(SYS_munmap, memory, size));
}

namespace {
void watch(const Secret& secret) {
  watched = secret.view().data();
  released = was_wiped = false;
}

// Free memory begins with a link to the next free piece; nothing of the secret is left behind it.
bool is_wiped(const std::uint8_t* memory, std::size_t size) {
  return std::all_of(memory + sizeof(void*), memory + size, [](std::uint8_t b) { return b == 0; });
}

// The flags the kernel keeps for the mapping at `address`.
std::string mapping_flags(const void* address) {
  std::ifstream in{"/proc/self/smaps"};
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    std::uintptr_t from = 0, to = 0;
    char dash = 0;
    std::istringstream range{line};
    if (range >> std::hex >> from >> dash >> to && dash == '-') inside = from <= wanted && wanted < to;
    if (inside && line.rfind("VmFlags:", 0) == 0) return line;
  }
  return {};
}
}  // namespace

TEST_CASE("a large secret is wiped before its pages are given back") {
  {
    const Bytes bytes(10'000, 0x5a);
    const Secret secret{ByteView{bytes}};
    watch(secret);
  }
  CHECK(released);
  CHECK(was_wiped);
}

TEST_CASE("a secret is wiped when it dies, its memory kept for the next one") {
  const std::uint8_t* memory = nullptr;
  {
    const auto secret = Secret::from_text("correct horse battery staple");
    CHECK(secret.text() == "correct horse battery staple");
    memory = secret.view().data();
  }
  CHECK(is_wiped(memory, 28));
}

TEST_CASE("assigning over a secret wipes the old one at once") {
  auto secret = Secret::from_text("the old one, long enough");
  const auto* memory = secret.view().data();
  secret = Secret::from_text("new");
  CHECK(is_wiped(memory, 24));
  CHECK(secret.text() == "new");
}

TEST_CASE("moving hands the memory on and leaves nothing behind") {
  auto first = Secret::from_text("moved");
  const auto* memory = first.view().data();
  Secret second{std::move(first)};
  CHECK(second.view().data() == memory);
  CHECK(first.empty());
  CHECK(first.view().data() == nullptr);

  auto& same = second;
  second = std::move(same);
  CHECK(second.text() == "moved");
}

TEST_CASE("a clone is a secret of its own") {
  auto first = Secret::from_text("text");
  const auto second = first.clone();
  first = Secret{};
  CHECK(second.text() == "text");
}

TEST_CASE("secrets are zeroed when new and may be empty or longer than a page") {
  const Secret zeroed{10'000};
  CHECK(std::all_of(zeroed.view().begin(), zeroed.view().end(), [](auto b) { return b == 0; }));
  CHECK(Secret{}.empty());
  CHECK(Secret{0}.text().empty());
  CHECK(Secret::from_text("").clone().empty());
}

TEST_CASE("the memory of a secret is left out of core dumps") {
  const auto secret = Secret::from_text("not in any core");
  CHECK(mapping_flags(secret.view().data()).find(" dd") != std::string::npos);
}

TEST_CASE("wiping leaves zeroes in place") {
  std::string text = "password";
  crypto::wipe(text);
  CHECK(text == std::string(8, '\0'));
  Bytes bytes{1, 2, 3};
  crypto::wipe(bytes);
  CHECK(bytes == Bytes(3));
  crypto::wipe(nullptr, 0);
}

TEST_CASE("a hardened process has no core dumps and cannot be traced by its user") {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    crypto::harden_process();
    rlimit limit{1, 1};
    getrlimit(RLIMIT_CORE, &limit);
    _exit(prctl(PR_GET_DUMPABLE) == 0 && limit.rlim_cur == 0 && limit.rlim_max == 0 ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

TEST_CASE("the facts of the machine are the same at every look") {
  const auto first = crypto::machine_facts(), second = crypto::machine_facts();
  CHECK(first.machine_id == second.machine_id);
  CHECK(first.hardware_id == second.hardware_id);
  CHECK(first.os_id == second.os_id);
  CHECK(first.os_id.find('"') == std::string::npos);
}
