#include <set>

#include <catch2/catch.hpp>

#include "core/ids.hpp"

using namespace vmc;
using namespace std::chrono_literals;

TEST_CASE("an id is a prefix and a UUIDv7") {
  const auto id = new_id("exe", 1'700'000'000'000'000);

  REQUIRE(id.size() == 4 + 32);
  CHECK(id.substr(0, 4) == "exe_");
  CHECK(id.substr(4, 12) == "018bcfe56800");  // 1'700'000'000'000 ms
  CHECK(id[4 + 12] == '7');
  CHECK(std::string{"89ab"}.find(id[4 + 16]) != std::string::npos);
  CHECK(is_plain_id(id));
}

TEST_CASE("ids sort by time and do not repeat") {
  ManualClock clock;
  std::set<std::string> seen;
  std::string last;
  for (int i = 0; i < 1000; ++i) {
    const auto id = new_id("a", clock.now());
    CHECK(last < id);
    CHECK(seen.insert(id).second);
    last = id;
    clock.advance(1ms);
  }
}

TEST_CASE("a plain id can be a path segment and nothing worse") {
  CHECK(is_plain_id("erp-2_Main"));
  CHECK(is_plain_id(std::string(64, 'a')));
  for (const std::string text : {"", ".", "..", "a/b", "a b", "a\n", "\xc3\xa4"})
    CHECK_FALSE(is_plain_id(text));
  CHECK_FALSE(is_plain_id(std::string(65, 'a')));
}

TEST_CASE("times are written as RFC 3339 in UTC") {
  CHECK(to_rfc3339(0) == "1970-01-01T00:00:00.000000Z");
  CHECK(to_rfc3339(1'700'000'000'000'001) == "2023-11-14T22:13:20.000001Z");
  CHECK(to_rfc3339(-1) == "1969-12-31T23:59:59.999999Z");
}

TEST_CASE("the system clock moves forward from a plausible date") {
  const auto first = system_clock().now();
  CHECK(to_rfc3339(first) > "2024-01-01");
  CHECK(system_clock().now() >= first);
}
