// What must never be readable in our files: keys, tokens, data keys, values of filters and rows.
#include <fstream>

#include "unit/state/fixture.hpp"

namespace vmc {
namespace {

using namespace test;

constexpr std::string_view kCanary = "CANARY-7f3a91-row-text";

std::string all_bytes(const std::filesystem::path& folder) {
  std::string bytes;
  for (const auto& entry : std::filesystem::directory_iterator{folder}) {
    std::ifstream in{entry.path(), std::ios::binary};
    bytes.append(std::istreambuf_iterator<char>{in}, {});
  }
  return bytes;
}

TEST_CASE("keys and row text never appear in the bytes of the database, nor in its log") {
  World world;
  const auto key =
      must(world.in("acme", [&](store::Tx& tx) { return state::create_key(tx, "HQ", world.now()); }));
  const auto token =
      must(world.in("acme", [&](store::Tx& tx) { return state::create_token(tx, "ci", world.now()); }));
  const auto parts = must(crypto::parse_api_key(key.text.text()));
  must(world.in("acme", [&](store::Tx& tx) {
    return state::authenticate_key(tx, parts, key.text.text(), world.now());
  }));

  auto query = sample_command("cmd_1", "exe_hand", world.now() + micros(1h));
  query.data_key = crypto::random_bytes(32);
  data::Filter filter;
  filter.op = data::Filter::Op::eq;
  filter.column = "name";
  filter.values = {data::Value{std::string{kCanary}}};
  query.payload.intent->filter = filter;
  auto failing = sample_command("cmd_2", "exe_hand", world.now() + micros(1h));
  world.enqueue("acme", key.connector_id, query);
  world.enqueue("acme", key.connector_id, failing);
  auto result = sample_result(query);
  result.inline_result = Json{{"rows", Json::array({Json::array({std::string{kCanary}})})}};
  const wire::CommandError error{"cmd_2", 1, Code::database_error, std::string{kCanary}, false};
  for (const auto& [id, outcome] :
       {std::pair<std::string, state::Outcome>{"cmd_1", result}, {"cmd_2", error}}) {
    must(world.in("acme", [&](store::Tx& tx) {
      return state::finish_command(tx, key.connector_id, id, outcome, world.key("acme"), world.now());
    }));
  }
  const auto back = must(world.in(
      "acme", [&](store::Tx& tx) { return state::command_outcome(tx, "cmd_1", world.key("acme")); }));
  REQUIRE(std::get<wire::CommandResult>(back.value()) == result);

  const auto secrets = {std::string{kCanary},
                        std::string{key.text.text()},
                        std::string{key.text.text().substr(18, 24)},
                        std::string{token.text.text()},
                        std::string{token.text.text().substr(18, 24)},
                        std::string{as_text(query.data_key)},
                        to_base64(query.data_key),
                        to_hex(query.data_key),
                        std::string{as_text(world.key("acme"))},
                        to_hex(world.key("acme")),
                        std::string{world.master.text()},
                        to_hex(world.master.view())};
  const auto open_bytes = all_bytes(world.folder.path());
  world.real.reset();
  const auto closed_bytes = all_bytes(world.folder.path());
  REQUIRE(open_bytes.find("HQ") != std::string::npos);
  REQUIRE(closed_bytes.find("exe_hand") != std::string::npos);
  for (const auto& secret : secrets) {
    CHECK(open_bytes.find(secret) == std::string::npos);
    CHECK(closed_bytes.find(secret) == std::string::npos);
  }
}

}  // namespace
}  // namespace vmc
