#include "unit/state/fixture.hpp"

namespace vmc {
namespace {

using namespace test;

struct Office : World {
  using World::connector;
  std::string id, key_id;
  Office() {
    const auto made = must(in("acme", [&](store::Tx& tx) { return state::create_key(tx, "HQ", now()); }));
    id = made.connector_id;
    key_id = made.key_id;
  }
  // `public_key` 0: a later login, by signature.
  Result<state::LoginOutcome> login(const std::string& installation, std::uint8_t public_key) {
    state::Login login{id, key_id, installation, "1.2.3", "agent at HQ", {}, 90s};
    if (public_key != 0) login.public_key = Bytes(32, public_key);
    return in("acme", [&](store::Tx& tx) { return state::login(tx, login, now()); });
  }
  state::Connector connector() {
    return must(in("acme", [&](store::Tx& tx) { return state::find_connector(tx, id); }));
  }
  std::string seen(std::int64_t epoch) {
    return code_of(in("acme", [&](store::Tx& tx) { return state::mark_seen(tx, id, epoch, now()); }));
  }
  void gone(std::int64_t epoch) {
    must(in("acme", [&](store::Tx& tx) { return state::mark_gone(tx, id, epoch); }));
  }
};

TEST_CASE("a connector is found by id, name and key, and a misspelt name gets a hint") {
  Office world;
  world.connector("acme", "Branch");
  const auto by_name = [&](const std::string& name) {
    return world.in("acme", [&](store::Tx& tx) { return state::find_connector_named(tx, name); });
  };
  const auto by_key = [&](const std::string& key) {
    return world.in("acme", [&](store::Tx& tx) { return state::find_connector_by_key(tx, key); });
  };
  CHECK(must(by_name("HQ")).connector_id == world.id);
  CHECK(must(by_key(world.key_id)).connector_id == world.id);
  CHECK(code_of(by_key("zzzzzzzz")) == "NOT_FOUND");
  CHECK(by_name("Brunch").error().hint == "Did you mean \"Branch\"?");
  CHECK(by_name("something else altogether").error().hint == "There are: Branch, HQ.");
  const auto all = must(world.in("acme", [](store::Tx& tx) { return state::list_connectors(tx); }));
  REQUIRE(all.size() == 2);
  CHECK(all[0].name == "Branch");
}

TEST_CASE("every login takes the next epoch, and the same installation takes its own connection over") {
  Office world;
  const auto first = must(world.login("ins-1", 1));
  const auto second = must(world.login("ins-1", 0));

  CHECK(first.connector_name == "HQ");
  CHECK(second.epoch == first.epoch + 1);
  CHECK(world.seen(first.epoch) == "CONFLICT");
  CHECK(world.seen(second.epoch) == "OK");
  world.gone(first.epoch);
  CHECK(state::is_online(world.connector(), world.now(), 90s));
  CHECK(world.notices("acme").empty());

  const auto c = world.connector();
  CHECK(c.installation_id == "ins-1");
  CHECK(c.key_id == world.key_id);
  CHECK(c.agent_version == "1.2.3");
  CHECK(c.public_key == Bytes(32, 1));
}

TEST_CASE("another installation is refused while the first is connected, and the tenant is told") {
  Office world;
  const auto first = must(world.login("ins-1", 1));

  const auto second = must(world.login("ins-2", 0));

  CHECK(second.duplicate);
  CHECK(world.seen(first.epoch) == "OK");
  CHECK(world.connector().installation_id == "ins-1");
  const auto notices = world.notices("acme");
  REQUIRE(notices.size() == 1);
  CHECK(notices[0].code == "DUPLICATE_CONNECTION");
  CHECK(notices[0].message.find("agent at HQ") != std::string::npos);
  CHECK(world.notices("bolt").empty());

  SECTION("once it has logged out, the other may come") {
    world.gone(first.epoch);
    CHECK_FALSE(must(world.login("ins-2", 0)).duplicate);
  }
  SECTION("once it has been silent too long, the other may come") {
    world.clock.advance(90s);
    CHECK(must(world.login("ins-2", 0)).duplicate);
    world.clock.advance(1us);
    CHECK_FALSE(must(world.login("ins-2", 0)).duplicate);
  }
}

TEST_CASE("an enrolled connector cannot be enrolled by another device, connected or not") {
  Office world;
  const auto first = must(world.login("ins-1", 1));
  CHECK(must(world.login("ins-2", 2)).duplicate);
  CHECK(must(world.login("ins-1", 2)).duplicate);
  world.gone(first.epoch);
  CHECK(must(world.login("ins-2", 2)).duplicate);
  CHECK(must(world.login("ins-2", 1)).duplicate);
  CHECK_FALSE(must(world.login("ins-1", 1)).duplicate);  // its answer was lost: the same enrolment again
  CHECK(world.connector().public_key == Bytes(32, 1));
}

TEST_CASE("a login without an enrolled device, or with malformed parts, is refused") {
  Office world;
  CHECK(code_of(world.login("ins-1", 0)) == "AUTH_FAILED");
  CHECK(code_of(world.login("", 1)) == "INVALID_REQUEST");
  CHECK(code_of(world.login(std::string(129, 'i'), 1)) == "INVALID_REQUEST");
  state::Login short_key{world.id, world.key_id, "ins-1", "1", "", Bytes(31, 1), 90s};
  CHECK(code_of(world.in("acme", [&](store::Tx& tx) { return state::login(tx, short_key, world.now()); })) ==
        "INVALID_REQUEST");
  CHECK(world.connector().epoch == 0);
}

TEST_CASE("presence is a heartbeat within the time-out") {
  Office world;
  const auto session = must(world.login("ins-1", 1));
  world.clock.advance(60s);
  CHECK(world.seen(session.epoch) == "OK");
  world.clock.advance(90s);
  CHECK(state::is_online(world.connector(), world.now(), 90s));
  world.clock.advance(1us);
  CHECK_FALSE(state::is_online(world.connector(), world.now(), 90s));
  world.gone(session.epoch);
  CHECK_FALSE(world.connector().connected_at);
}

data::Schema schema_of(const std::string& column, std::int64_t rows) {
  data::ColumnInfo id;
  id.name = column;
  id.sql_type = "bigint";
  data::TableInfo table;
  table.name = "orders";
  table.columns = {id};
  table.primary_key = {column};
  table.row_estimate = rows;
  data::Schema schema;
  schema.tables = {table};
  return schema;
}

TEST_CASE("a schema gets a new version when its shape changes, and only then") {
  Office world;
  const auto publish = [&](const std::string& connection, const data::Schema& schema) {
    return world.in("acme", [&](store::Tx& tx) {
      return state::publish_schema(tx, world.id, connection, schema, world.now());
    });
  };
  CHECK(must(publish("erp", schema_of("id", 10))) == 1);
  CHECK(must(publish("erp", schema_of("id", 10))) == 1);
  CHECK(must(publish("erp", schema_of("id", 99))) == 1);
  CHECK(must(publish("erp", schema_of("number", 99))) == 2);
  CHECK(must(publish("mart", schema_of("id", 1))) == 1);
  CHECK(code_of(publish("", schema_of("id", 1))) == "INVALID_REQUEST");

  const auto find = [&](const std::string& connection) {
    return world.in("acme", [&](store::Tx& tx) { return state::find_schema(tx, world.id, connection); });
  };
  CHECK(must(find("erp")).schema == schema_of("number", 99));
  CHECK(must(find("erp")).version == 2);
  CHECK(code_of(find("none")) == "NOT_FOUND");
  const auto all = must(world.in("acme", [&](store::Tx& tx) { return state::list_schemas(tx, world.id); }));
  REQUIRE(all.size() == 2);
  CHECK(all[0].connection == "erp");
  CHECK(all[0].version == 2);

  for (int i = 0; i < state::kSchemaVersionsKept + 5; ++i)
    must(publish("erp", schema_of("c" + std::to_string(i), 1)));
  const auto kept = must(world.in("acme", [](store::Tx& tx) -> Result<std::int64_t> {
    return tx.one("SELECT COUNT(*) FROM schemas WHERE tenant = :tenant AND connection = 'erp'")->integer(0);
  }));
  CHECK(kept == state::kSchemaVersionsKept);
}

TEST_CASE("a connector publishes a bounded number of connections") {
  Office world;
  const auto refused = world.in("acme", [&](store::Tx& tx) -> Result<std::int64_t> {
    for (int i = 0; i < state::kConnectionsPerConnectorMax; ++i)
      VMC_CHECK(state::publish_schema(tx, world.id, "c" + std::to_string(i), {}, world.now()));
    return state::publish_schema(tx, world.id, "one-more", {}, world.now());
  });
  CHECK(code_of(refused) == "QUOTA_EXCEEDED");
}

TEST_CASE("notices come newest first, are cut to size, and the oldest go") {
  Office world;
  must(world.in("acme", [&](store::Tx& tx) -> Result<void> {
    for (int i = 0; i < state::kNoticesPerTenantMax + 20; ++i) {
      world.clock.advance(1us);
      VMC_CHECK(state::add_notice(tx, "CODE", std::to_string(i), world.now()));
    }
    return state::add_notice(tx, "LONG", std::string(999, 'x') + "\u00e9\u00e9", world.now() + 1);
  }));
  const auto some = must(world.in("acme", [](store::Tx& tx) { return state::list_notices(tx, 2); }));
  REQUIRE(some.size() == 2);
  CHECK(some[0].message == std::string(999, 'x'));
  CHECK(some[1].message == std::to_string(state::kNoticesPerTenantMax + 19));
  const auto all = must(world.in("acme", [](store::Tx& tx) { return state::list_notices(tx, 1'000'000); }));
  CHECK(all.size() == static_cast<std::size_t>(state::kNoticesPerTenantMax));
}

}  // namespace
}  // namespace vmc
