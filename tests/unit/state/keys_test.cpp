#include "unit/state/fixture.hpp"

namespace vmc {
namespace {

using namespace test;

struct Keys : World {
  Result<state::CreatedKey> create(const std::string& tenant, const std::string& name) {
    return in(tenant, [&](store::Tx& tx) { return state::create_key(tx, name, now()); });
  }
  Result<state::KeyInfo> authenticate(const std::string& tenant, const crypto::ApiKeyParts& parts,
                                      std::string_view text) {
    return in(tenant, [&](store::Tx& tx) { return state::authenticate_key(tx, parts, text, now()); });
  }
  Result<state::KeyInfo> revoke(const std::string& tenant, const std::string& key_id) {
    return in(tenant, [&](store::Tx& tx) { return state::revoke_key(tx, key_id, now()); });
  }
};

TEST_CASE("a key opens the door of its connector, and says when it was used") {
  Keys world;
  const auto made = must(world.create("acme", "HQ SAP"));
  const auto parts = must(crypto::parse_api_key(made.text.text()));
  world.clock.advance(5s);

  const auto info = must(world.authenticate("acme", parts, made.text.text()));

  CHECK(parts.tenant == "acme");
  CHECK(info.key_id == made.key_id);
  CHECK(info.connector_id == made.connector_id);
  CHECK(info.connector_name == "HQ SAP");
  CHECK(info.used_at == world.now());
  CHECK(info.created_at == world.now() - 5'000'000);
  const auto listed = must(world.in("acme", [](store::Tx& tx) { return state::list_keys(tx); }));
  REQUIRE(listed.size() == 1);
  CHECK(listed[0].used_at == world.now());
}

TEST_CASE("unknown, wrong, foreign and revoked keys are refused in the same words") {
  Keys world;
  const auto made = must(world.create("acme", "HQ"));
  const auto other = must(world.create("bolt", "HQ"));
  const crypto::ApiKeyParts parts{"acme", made.key_id};
  const auto text = std::string{made.text.text()};
  auto wrong_text = text;
  wrong_text[text.size() - 10] ^= 1;

  const auto unknown = world.authenticate("acme", {"acme", "00000000"}, text);
  const auto wrong = world.authenticate("acme", parts, wrong_text);
  const auto foreign = world.authenticate("bolt", parts, text);
  const auto swapped = world.authenticate("bolt", {"bolt", other.key_id}, text);
  const auto other_tenant_name = world.authenticate("acme", {"bolt", made.key_id}, text);
  const auto empty = world.authenticate("acme", parts, "");
  must(world.revoke("acme", made.key_id));
  const auto revoked = world.authenticate("acme", parts, text);

  for (const auto* result : {&unknown, &wrong, &foreign, &swapped, &other_tenant_name, &empty, &revoked}) {
    REQUIRE(result->has_error());
    CHECK(result->error().code == Code::auth_failed);
    CHECK(result->error().message == unknown.error().message);
  }
  const auto listed = must(world.in("acme", [](store::Tx& tx) { return state::list_keys(tx); }));
  CHECK_FALSE(listed.at(0).used_at);
}

TEST_CASE("the empty salt and hash that stand for an unknown key match nothing") {
  Keys world;
  CHECK(code_of(world.authenticate("acme", {"acme", ""}, "")) == "AUTH_FAILED");
  CHECK(code_of(world.in("acme", [](store::Tx& tx) { return state::authenticate_token(tx, "", ""); })) ==
        "AUTH_FAILED");
}

TEST_CASE("a connector has one live key; after revoking, the same connector gets a new one") {
  Keys world;
  const auto first = must(world.create("acme", "HQ"));
  CHECK(code_of(world.create("acme", "HQ")) == "CONFLICT");
  CHECK(code_of(world.create("bolt", "HQ")) == "OK");

  const auto revoked = must(world.revoke("acme", first.key_id));
  CHECK(revoked.revoked_at == world.now());
  world.clock.advance(1s);
  CHECK(must(world.revoke("acme", first.key_id)).revoked_at == revoked.revoked_at);
  CHECK(code_of(world.revoke("acme", "zzzzzzzz")) == "NOT_FOUND");
  const auto live = world.in("acme", [&](store::Tx& tx) { return state::check_key_live(tx, first.key_id); });
  CHECK(code_of(live) == "AUTH_FAILED");

  const auto second = must(world.create("acme", "HQ"));
  CHECK(second.connector_id == first.connector_id);
  CHECK(second.key_id != first.key_id);
  CHECK(must(world.in("acme", [&](store::Tx& tx) {
          return state::check_key_live(tx, second.key_id);
        })).key_id == second.key_id);
}

TEST_CASE("names that mean something else, or are no line of text, cannot be a connector's") {
  Keys world;
  for (const std::string bad : {"", "cloud", "mini", " HQ", "HQ\n", "a\tb", "\xff\xfe"}) {
    CAPTURE(bad);
    CHECK(code_of(world.create("acme", bad)) == "INVALID_REQUEST");
  }
  CHECK(code_of(world.create("acme", std::string(65, 'x'))) == "INVALID_REQUEST");
  CHECK(code_of(world.create("acme", "Zürich – HQ")) == "OK");
  CHECK(code_of(world.create("nobody", "HQ")) == "NOT_FOUND");
}

TEST_CASE(
    "a token looks like a key with another prefix, and only the right text is accepted until it is revoked") {
  Keys world;
  const auto made =
      must(world.in("acme", [&](store::Tx& tx) { return state::create_token(tx, "ci", world.now()); }));
  const auto text = std::string{made.text.text()};
  const auto accept = [&](const std::string& tenant, const std::string& id, const std::string& said) {
    return code_of(world.in(tenant, [&](store::Tx& tx) { return state::authenticate_token(tx, id, said); }));
  };

  const auto parts = must(state::parse_token(text));
  CHECK(text.starts_with("vmt_acme_"));
  CHECK(parts.tenant == "acme");
  CHECK(parts.key_id == made.token_id);
  CHECK(accept("acme", made.token_id, text) == "OK");

  auto key_form = text;
  key_form[2] = 'c';
  CHECK(accept("acme", made.token_id, key_form) == "AUTH_FAILED");
  CHECK(accept("bolt", made.token_id, text) == "AUTH_FAILED");
  CHECK(accept("acme", "00000000", text) == "AUTH_FAILED");

  const auto revoke = [&](const std::string& tenant) {
    return code_of(
        world.in(tenant, [&](store::Tx& tx) { return state::revoke_token(tx, made.token_id, world.now()); }));
  };
  CHECK(revoke("bolt") == "NOT_FOUND");
  CHECK(accept("acme", made.token_id, text) == "OK");
  CHECK(revoke("acme") == "OK");
  CHECK(revoke("acme") == "OK");
  CHECK(accept("acme", made.token_id, text) == "AUTH_FAILED");

  CHECK(code_of(state::parse_token(key_form)) == "INVALID_REQUEST");
  CHECK(code_of(state::parse_token(text.substr(0, text.size() - 1))) == "INVALID_REQUEST");
  CHECK(code_of(state::parse_token("vmt_")) == "INVALID_REQUEST");
  CHECK(code_of(state::parse_token(std::string(5000, 'v'))) == "INVALID_REQUEST");
  CHECK(code_of(crypto::parse_api_key(text)) == "INVALID_REQUEST");
}

TEST_CASE("a revoked key's device is forgotten and its session fenced") {
  Keys world;
  const auto made = must(world.create("acme", "HQ"));
  state::Login login{made.connector_id, made.key_id, "ins-1", "1.0", "hq", Bytes(32, 1), 90s};
  const auto first =
      must(world.in("acme", [&](store::Tx& tx) { return state::login(tx, login, world.now()); }));

  must(world.revoke("acme", made.key_id));

  const auto seen = world.in("acme", [&](store::Tx& tx) {
    return state::mark_seen(tx, made.connector_id, first.epoch, world.now());
  });
  CHECK(code_of(seen) == "CONFLICT");
  const auto connector =
      must(world.in("acme", [&](store::Tx& tx) { return state::find_connector(tx, made.connector_id); }));
  CHECK(connector.public_key.empty());
  CHECK_FALSE(connector.connected_at);
  CHECK(connector.epoch > first.epoch);

  const auto second = must(world.create("acme", "HQ"));
  const state::Login other{made.connector_id, second.key_id, "ins-2", "1.0", "hq", Bytes(32, 2), 90s};
  const auto enrolled =
      must(world.in("acme", [&](store::Tx& tx) { return state::login(tx, other, world.now()); }));
  CHECK_FALSE(enrolled.duplicate);
  CHECK(enrolled.epoch > connector.epoch);
}

}  // namespace
}  // namespace vmc
