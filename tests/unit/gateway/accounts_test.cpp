#include "unit/gateway/fixture.hpp"

namespace vmc {
namespace {

using namespace test;

TEST_CASE("the owner of the machine creates tenants and lists them") {
  Service s;
  const auto made =
      s.call("POST", "/api/v1/tenants", {{"tenant", "new-one"}, {"name", "New One"}, {"tier", "standard"}});
  CHECK(made.status == 201);
  CHECK(body_of(made) == Json{{"tenant", "new-one"}, {"name", "New One"}, {"tier", "standard"}});
  const auto items = body_of(s.call("GET", "/api/v1/tenants")).at("items");
  REQUIRE(items.size() == 3);
  CHECK(items[2].at("tenant") == "new-one");
  CHECK(problem_of(s.call("POST", "/api/v1/tenants", {{"tenant", "new-one"}, {"name", "Again"}})) ==
        "CONFLICT");
}

TEST_CASE("a tenant's id and tier are checked") {
  Service s;
  for (const char* id : {"platform", "UPPER", "a b", "a/b", ""})
    CHECK(problem_of(s.call("POST", "/api/v1/tenants", {{"tenant", id}, {"name", "x"}})) ==
          "INVALID_REQUEST");
  const Json tier{{"tenant", "x"}, {"name", "x"}, {"tier", "no such tier"}};
  CHECK(problem_of(s.call("POST", "/api/v1/tenants", tier)) == "INVALID_REQUEST");
}

TEST_CASE("a token cannot create or list tenants") {
  Service s;
  const auto token = s.token("acme");
  CHECK(problem_of(s.over_https(token, "POST", "/api/v1/tenants", {{"tenant", "x"}, {"name", "x"}})) ==
        "FORBIDDEN");
  CHECK(problem_of(s.over_https(token, "GET", "/api/v1/tenants")) == "FORBIDDEN");
  CHECK(problem_of(s.over_https("", "GET", "/api/v1/tenants")) == "AUTH_FAILED");
}

TEST_CASE("a key is shown once, enrols an agent, and is listed without its text") {
  Service s;
  const auto made = s.call("POST", "/api/v1/keys", {{"name", "Demo ERP"}});
  REQUIRE(made.status == 201);
  CHECK(made.header("Content-Type") == "application/json");
  CHECK(made.header("Cache-Control") == "no-store");
  const auto body = body_of(made);
  CHECK(body.at("connectorName") == "Demo ERP");
  const auto text = body.at("key").get<std::string>();
  const auto parts = must(crypto::parse_api_key(text));
  CHECK(parts.key_id == body.at("keyId"));
  must(s.in("acme", [&](store::Tx& tx) { return state::authenticate_key(tx, parts, text, s.now()); }));
  const auto list = s.call("GET", "/api/v1/keys");
  const auto items = body_of(list).at("items");
  REQUIRE(items.size() == 1);
  CHECK(items[0].at("keyId") == body.at("keyId"));
  CHECK(items[0].at("connectorId") == body.at("connectorId"));
  CHECK(items[0].at("connectorName") == "Demo ERP");
  CHECK(items[0].at("createdAt") == s.now());
  CHECK(items[0].at("usedAt") == s.now());
  CHECK(items[0].at("revokedAt").is_null());
  CHECK(as_text(list.body).find(text) == std::string_view::npos);
  CHECK(problem_of(s.call("POST", "/api/v1/keys", {{"name", "Demo ERP"}})) == "CONFLICT");
}

TEST_CASE("revoking a key tells its session and the tenant, and may be repeated") {
  Service s;
  const auto agent = s.connect("acme", "HQ");
  int told = 0;
  auto count = [&told] { ++told; };
  const auto watching =
      s.bus->subscribe(state::revoked_topic("acme", agent.connector_id), s.loop.get_executor(), count);
  const auto revoked = s.call("POST", "/api/v1/keys/" + agent.key_id + "/revoke", Json::object());
  CHECK(revoked.status == 200);
  CHECK(body_of(revoked).at("revokedAt") == s.now());
  CHECK(told == 1);
  s.clock.advance(1s);
  CHECK(s.call("POST", "/api/v1/keys/" + agent.key_id + "/revoke").status == 200);
  const auto notices = body_of(s.call("GET", "/api/v1/notices")).at("items");
  REQUIRE(notices.size() == 1);
  CHECK(notices[0].at("code") == "KEY_REVOKED");
  CHECK(notices[0].at("message").get<std::string>().find("HQ") != std::string::npos);
  CHECK(notices[0].at("time").is_number_integer());
  CHECK(notices[0].at("noticeId").is_string());
  CHECK(problem_of(s.call("POST", "/api/v1/keys/nosuchid/revoke")) == "NOT_FOUND");
  CHECK(body_of(s.call("GET", "/api/v1/notices", nullptr, "bolt")).at("items").empty());
}

TEST_CASE("a created token opens the API of its tenant") {
  Service s;
  const auto made = s.call("POST", "/api/v1/tokens", {{"name", "ci"}});
  REQUIRE(made.status == 201);
  const auto token = body_of(made).at("token").get<std::string>();
  CHECK(token.starts_with("vmt_acme_"));
  CHECK(body_of(made).at("tokenId").is_string());
  CHECK(s.over_https(token, "GET", "/api/v1/keys").status == 200);
}

TEST_CASE("without a token, with a wrong one and with a revoked one nothing opens") {
  Service s;
  const auto token = s.token("acme");
  const auto parts = must(state::parse_token(token));
  const auto missing = s.over_https("", "GET", "/api/v1/keys");
  CHECK(missing.status == 401);
  CHECK(problem_of(missing) == "AUTH_FAILED");
  CHECK(missing.header("WWW-Authenticate") == "Bearer");
  CHECK(problem_of(s.over_https("vmt_acme_nonsense_00000000", "GET", "/api/v1/keys")) == "AUTH_FAILED");
  // Right in form and checksum, and of this tenant, but nobody was ever given it.
  const auto stranger = s.token("bolt");
  s.in("bolt", [](store::Tx& tx) -> Result<bool> {
    return tx.exec("DELETE FROM api_tokens WHERE tenant = :tenant") > 0;
  });
  CHECK(problem_of(s.over_https(stranger, "GET", "/api/v1/keys")) == "AUTH_FAILED");
  CHECK(s.over_https(token, "GET", "/api/v1/keys").status == 200);
  s.in("acme", [&](store::Tx& tx) -> Result<bool> {
    tx.exec("UPDATE api_tokens SET revoked_at = :now WHERE tenant = :tenant AND token_id = :id",
            {{"now", s.now()}, {"id", parts.key_id}});
    return true;
  });
  CHECK(problem_of(s.over_https(token, "GET", "/api/v1/keys")) == "AUTH_FAILED");
}

TEST_CASE("an API key of an agent is no token") {
  Service s;
  const auto key = body_of(s.call("POST", "/api/v1/keys", {{"name", "HQ"}})).at("key").get<std::string>();
  CHECK(problem_of(s.over_https(key, "GET", "/api/v1/keys")) == "AUTH_FAILED");
}

}  // namespace
}  // namespace vmc
