#include "worker/row_set.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <set>

using namespace vmc::worker;

TEST_CASE("a hash is taken once, however many there are and however they collide") {
  RowSet set;
  std::set<RowHash> model;
  std::mt19937_64 random{42};
  for (int i = 0; i < 20'000; ++i) {
    const RowHash hash{random() % 500, random() % 50};  // few slots, many repeats
    if (hash == RowHash{0, 0} || hash == RowHash{0, 1}) continue;
    CHECK(set.insert(hash) == model.insert(hash).second);
  }
}

TEST_CASE("the hash that marks an empty slot is an element like any other") {
  RowSet set;
  CHECK(set.insert({0, 0}));
  CHECK_FALSE(set.insert({0, 0}));
  CHECK(set.insert({1, 0}));
}
