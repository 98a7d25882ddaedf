#include <sys/stat.h>

#include <fstream>
#include <thread>

#include "unit/state/fixture.hpp"

namespace vmc {
namespace {

using namespace test;

std::string slurp(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}
void spill(const std::filesystem::path& file, const std::string& text, mode_t mode = 0600) {
  std::ofstream{file, std::ios::binary} << text;
  ::chmod(file.c_str(), mode);
}

TEST_CASE("the master key is made once, for its owner alone") {
  const TempFolder folder;
  const auto file = folder / "master.key";

  const auto made = must(state::load_master_key(file));
  const auto again = must(state::load_master_key(file));

  struct stat info {};
  REQUIRE(::stat(file.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  CHECK(made.size() == 32);
  CHECK(to_hex(made.view()) == to_hex(again.view()));
  CHECK(slurp(file) == to_hex(made.view()) + "\n");
  CHECK(std::distance(std::filesystem::directory_iterator{folder.path()}, {}) == 1);
}

TEST_CASE("processes that start at once agree on one master key") {
  const TempFolder folder;
  std::vector<std::string> seen(8);
  std::vector<std::thread> threads;
  for (auto& key : seen)
    threads.emplace_back([&] { key = to_hex(must(state::load_master_key(folder / "master.key")).view()); });
  for (auto& thread : threads) thread.join();
  for (const auto& key : seen) CHECK(key == seen.front());
}

TEST_CASE("a master key that others may read, a link to one, and a damaged one are refused") {
  const TempFolder folder;
  const std::string good(64, 'a');
  spill(folder / "open.key", good, 0644);
  spill(folder / "short.key", good.substr(2));
  spill(folder / "long.key", good + "aa");
  spill(folder / "words.key", std::string(64, 'x'));
  spill(folder / "empty.key", "");
  spill(folder / "good.key", good);
  std::filesystem::create_symlink(folder / "good.key", folder / "link.key");

  CHECK(code_of(state::load_master_key(folder / "open.key")) == "FORBIDDEN");
  CHECK(code_of(state::load_master_key(folder / "link.key")) == "UNAVAILABLE");
  for (const auto* name : {"short.key", "long.key", "words.key", "empty.key"})
    CHECK(code_of(state::load_master_key(folder / name)) == "VAULT_DECRYPT_ERROR");
  CHECK(code_of(state::load_master_key(folder / "good.key")) == "OK");
  CHECK(code_of(state::load_master_key(folder / "absent" / "x.key")) == "UNAVAILABLE");
}

TEST_CASE("a tenant is made once, in its own transaction, under a name that fits into a key") {
  World world;
  const auto make = [&](const std::string& bound, const std::string& id) {
    return world.in(bound, [&](store::Tx& tx) {
      return state::create_tenant(tx, {id, "Company", "free"}, world.master.view(), world.now());
    });
  };
  CHECK(code_of(make("acme", "acme")) == "CONFLICT");
  CHECK(code_of(make("acme", "other")) == "FORBIDDEN");
  for (const std::string bad :
       {"", "Upper", "under_score", "blank blank", "platform", "a23456789012345678901234567890123"})
    CHECK(code_of(make(bad, bad)) == "INVALID_REQUEST");
  CHECK(code_of(make("new-1", "new-1")) == "OK");

  const auto found = must(world.in("new-1", [](store::Tx& tx) { return state::find_tenant(tx); }));
  CHECK(found.name == "Company");
  CHECK(code_of(world.in("nobody", [](store::Tx& tx) { return state::find_tenant(tx); })) == "NOT_FOUND");
}

TEST_CASE("each tenant has a key of its own, which only the master key opens") {
  World world;
  CHECK(world.keys.at("acme").size() == 32);
  CHECK(world.keys.at("acme") != world.keys.at("bolt"));

  const Bytes other(32, 1);
  const auto wrong = world.in("acme", [&](store::Tx& tx) { return state::tenant_key(tx, other); });
  CHECK(code_of(wrong) == "VAULT_DECRYPT_ERROR");

  SECTION("a wrapped key moved to another tenant does not open") {
    must(world.platform([](store::Tx& tx) -> Result<void> {
      tx.exec(
          "UPDATE tenants SET wrapped_key = (SELECT wrapped_key FROM tenants WHERE tenant = 'acme') "
          "WHERE tenant = 'bolt'");
      return {};
    }));
    const auto moved =
        world.in("bolt", [&](store::Tx& tx) { return state::tenant_key(tx, world.master.view()); });
    CHECK(code_of(moved) == "VAULT_DECRYPT_ERROR");
  }
}

TEST_CASE("a session key depends on tenant, connector and epoch, and can be derived again") {
  const Bytes master(32, 7);
  const auto key = [&](std::string_view tenant, std::string_view connector, std::int64_t epoch) {
    return to_hex(state::session_key(master, tenant, connector, epoch).view());
  };
  CHECK(key("a", "c", 1) == key("a", "c", 1));
  CHECK(key("a", "c", 1).size() == 64);
  CHECK(key("a", "c", 1) != key("b", "c", 1));
  CHECK(key("a", "c", 1) != key("a", "d", 1));
  CHECK(key("a", "c", 1) != key("a", "c", 2));
  CHECK(key("a", "1:c|1", 1) != key("a", "1:c", 11));
}

TEST_CASE("state survives being closed and opened again") {
  World world;
  const auto before = world.dump();
  world.real.reset();
  world.real = must(state::open_platform(world.folder / "state.db"));
  world.db = world.real.get();
  CHECK(world.dump() == before);
}

}  // namespace
}  // namespace vmc
