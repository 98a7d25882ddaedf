// The status file: one agent a folder, and what it tells ends with it.
#include <catch2/catch.hpp>

#include "agent/status.hpp"
#include "support/show_result.hpp"
#include "support/temp_dir.hpp"

using namespace vmc;
using agent::StatusFile;
using test::TempDir;

TEST_CASE("what a running agent tells is read beside it, and only while it runs") {
  TempDir folder;
  const auto none = agent::read_status(folder.path());
  REQUIRE_FALSE(none);
  CHECK(none.error().code == Code::unavailable);
  {
    auto file = StatusFile::open(folder.path());
    REQUIRE(file);
    CHECK_FALSE(agent::read_status(folder.path()));  // nothing told yet
    REQUIRE(file->write({{"state", "connecting"}}));
    REQUIRE(file->write({{"state", "connected"}}));
    auto told = agent::read_status(folder.path());
    REQUIRE(told);
    CHECK(told->at("state") == "connected");
  }
  CHECK_FALSE(agent::read_status(folder.path()));
}

TEST_CASE("a folder holds one running agent") {
  TempDir folder;
  auto first = StatusFile::open(folder.path());
  REQUIRE(first);
  const auto second = StatusFile::open(folder.path());
  REQUIRE_FALSE(second);
  CHECK(second.error().code == Code::conflict);
  // Asking how it is does not keep another from starting.
  REQUIRE(first->write({{"state", "connected"}}));
  CHECK(agent::read_status(folder.path()));
  { const auto gone = std::move(*first); }
  CHECK(StatusFile::open(folder.path()));
}
