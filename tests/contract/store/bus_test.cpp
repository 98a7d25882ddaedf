// The contract of Bus: in memory, and between processes.
#include <catch2/catch.hpp>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>
#include <thread>

#include "child.hpp"
#include "store/bus.hpp"
#include "support.hpp"

using namespace vmc;
using namespace vmc::test;

namespace {

constexpr auto kPatience = std::chrono::seconds{20};

struct Kind {
  TempFolder folder;
  std::unique_ptr<store::Bus> bus;
  explicit Kind(bool local) {
    bus = local ? store::make_local_bus(folder / "bus").value() : store::make_memory_bus();
  }
};

// Runs the loop until `count` has reached `wanted`; false when patience ends first.
bool reaches(asio::io_context& loop, const int& count, int wanted) {
  const auto end = Steady::now() + kPatience;
  loop.restart();
  auto guard = asio::make_work_guard(loop);
  while (count < wanted)
    if (loop.run_one_until(end) == 0) return false;
  return true;
}

std::size_t sockets_in(const std::string& folder) {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator{folder}, std::filesystem::directory_iterator{}));
}

}  // namespace

TEST_CASE("a wake-up reaches every subscriber of its topic, by name or prefix, and nobody else") {
  Kind kind{GENERATE(false, true)};
  asio::io_context loop;
  int exact = 0, prefix = 0, all = 0, other = 0, longer = 0;
  const auto count = [&](std::string topic, int& n) {
    return kind.bus->subscribe(std::move(topic), loop.get_executor(), [&n] { ++n; });
  };
  const auto s1 = count("jobs/t1", exact), s2 = count("jobs/*", prefix), s3 = count("*", all);
  const auto s4 = count("jobs", other), s5 = count("jobs/t1/more*", longer);
  kind.bus->publish("jobs/t1");
  loop.poll();
  CHECK(std::vector{exact, prefix, all, other, longer} == std::vector{1, 1, 1, 0, 0});
}

TEST_CASE("many wake-ups before the loop runs are one") {
  Kind kind{GENERATE(false, true)};
  asio::io_context loop;
  int woken = 0;
  const auto subscription = kind.bus->subscribe("a", loop.get_executor(), [&] { ++woken; });
  for (int i = 0; i < 1'000; ++i) kind.bus->publish("a");
  loop.poll();
  CHECK(woken == 1);
  kind.bus->publish("a");
  loop.restart();
  loop.poll();
  CHECK(woken == 2);
}

TEST_CASE("a subscription that was dropped is not woken, even when its wake-up was on the way") {
  Kind kind{GENERATE(false, true)};
  asio::io_context loop;
  auto target = std::make_unique<int>(0);
  auto subscription = kind.bus->subscribe("a", loop.get_executor(), [&] { ++*target; });
  kind.bus->publish("a");
  subscription.reset();
  target.reset();
  loop.poll();
  kind.bus->publish("a");
  loop.restart();
  CHECK(loop.poll() == 0);
}

TEST_CASE("a wake-up may drop its own subscription, and a subscription may outlive its bus") {
  Kind kind{GENERATE(false, true)};
  asio::io_context loop;
  std::unique_ptr<store::Bus::Subscription> own, other;
  int woken = 0;
  own = kind.bus->subscribe("a", loop.get_executor(), [&] {
    own.reset();
    ++woken;
  });
  other = kind.bus->subscribe("b", loop.get_executor(), [] {});
  kind.bus->publish("a");
  loop.poll();
  CHECK(woken == 1);
  kind.bus.reset();
  other.reset();
}

TEST_CASE("publishing from many threads beside subscribers that come and go is safe") {
  Kind kind{GENERATE(false, true)};
  asio::io_context loop;
  int woken = 0;
  const auto lasting = kind.bus->subscribe("a", loop.get_executor(), [&] { ++woken; });
  {
    std::vector<std::jthread> publishers;
    for (int i = 0; i < 3; ++i)
      publishers.emplace_back([&] {
        for (int n = 0; n < 500; ++n) kind.bus->publish("a");
      });
    for (int n = 0; n < 500; ++n) {
      const auto passing = kind.bus->subscribe("a", loop.get_executor(), [&] { ++woken; });
      loop.restart();
      loop.poll();
    }
  }
  loop.restart();
  loop.poll();
  CHECK(woken > 0);
}

TEST_CASE("two buses of one folder wake each other") {
  TempFolder folder;
  const auto one = store::make_local_bus(folder / "bus").value();
  const auto two = store::make_local_bus(folder / "bus").value();
  asio::io_context loop;
  int at_one = 0, at_two = 0;
  const auto s1 = one->subscribe("a", loop.get_executor(), [&] { ++at_one; });
  const auto s2 = two->subscribe("a", loop.get_executor(), [&] { ++at_two; });
  one->publish("a");
  CHECK(reaches(loop, at_two, 1));
  two->publish("a");
  CHECK(reaches(loop, at_one, 2));
}

TEST_CASE("a bus that joins later is found") {
  TempFolder folder;
  const auto one = store::make_local_bus(folder / "bus").value();
  asio::io_context loop;
  for (int i = 0; i < 5; ++i) {
    one->publish("a");
    const auto later = store::make_local_bus(folder / "bus").value();
    int woken = 0;
    const auto subscription = later->subscribe("a", loop.get_executor(), [&] { ++woken; });
    one->publish("a");
    CHECK(reaches(loop, woken, 1));
  }
  CHECK(sockets_in(folder / "bus") == 1);
}

TEST_CASE("child: answers on the bus", "[.child]") {
  const auto bus = store::make_local_bus(given("VMC_TEST_FOLDER")).value();
  asio::io_context loop;
  int asked = 0;
  const auto subscription = bus->subscribe("question", loop.get_executor(), [&] { ++asked; });
  say("listening");
  REQUIRE(reaches(loop, asked, 1));
  bus->publish("answer");
  wait_for_go();
}

TEST_CASE("processes wake each other, and the socket of a killed one is removed") {
  TempFolder folder;
  const auto path = folder / "bus";
  const auto bus = store::make_local_bus(path).value();
  asio::io_context loop;
  int answers = 0;
  const auto subscription = bus->subscribe("answer", loop.get_executor(), [&] { ++answers; });
  Child child{"child: answers on the bus", {{"VMC_TEST_FOLDER", path}}};
  REQUIRE(child.line() == "listening");
  bus->publish("question");
  CHECK(reaches(loop, answers, 1));
  CHECK(sockets_in(path) == 2);
  child.strike();
  child.wait();
  CHECK(sockets_in(path) == 2);
  bus->publish("question");
  CHECK(sockets_in(path) == 1);
}

TEST_CASE("a peer that does not read never blocks a publisher") {
  TempFolder folder;
  const auto path = folder / "bus";
  const auto bus = store::make_local_bus(path).value();
  const int deaf = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto name = path + "/deaf.sock";
  REQUIRE(name.size() < sizeof address.sun_path);
  std::memcpy(address.sun_path, name.c_str(), name.size() + 1);
  REQUIRE(::bind(deaf, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  for (int i = 0; i < 10'000; ++i) bus->publish("a");
  CHECK(sockets_in(path) == 2);
  ::close(deaf);
}

TEST_CASE("what is no topic is dropped, and the bus goes on") {
  TempFolder folder;
  const auto path = folder / "bus";
  const auto bus = store::make_local_bus(path).value();
  asio::io_context loop;
  int woken = 0, any = 0;
  const auto subscription = bus->subscribe("a", loop.get_executor(), [&] { ++woken; });
  const auto prefix = bus->subscribe("x*", loop.get_executor(), [&] { ++any; });
  const auto socket_name = std::filesystem::directory_iterator { path } -> path().string();
  const int stranger = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  REQUIRE(socket_name.size() < sizeof address.sun_path);
  std::memcpy(address.sun_path, socket_name.c_str(), socket_name.size() + 1);
  for (const std::string& text :
       {std::string{}, std::string(257, 'x'), std::string(60'000, 'x'), std::string{"a"}})
    REQUIRE(::sendto(stranger, text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&address),
                     sizeof address) == static_cast<ssize_t>(text.size()));
  ::close(stranger);
  CHECK(reaches(loop, woken, 1));
  CHECK(any == 0);
  CHECK_THROWS_AS(bus->publish(std::string(257, 'x')), std::invalid_argument);
  CHECK_THROWS_AS(bus->publish(""), std::invalid_argument);
}

TEST_CASE("folder and socket are for their owner only, and a folder open to others is refused") {
  TempFolder folder;
  const auto path = folder / std::string(200, 'n');  // longer than a socket's path may be
  const auto bus = store::make_local_bus(path).value();
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0700);
  REQUIRE(::stat(
              std::filesystem::directory_iterator { path } -> path().c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  const auto open_to_all = folder / "open";
  REQUIRE(::mkdir(open_to_all.c_str(), 0700) == 0);
  REQUIRE(::chmod(open_to_all.c_str(), 0777) == 0);
  CHECK(store::make_local_bus(open_to_all).error().code == Code::forbidden);
}
