#include <catch2/catch.hpp>

#include "agent/agent.hpp"
#include "agent/privacy.hpp"

using namespace vmc;

namespace {

struct Read {
  agent::Settings settings;
  std::vector<config::Complaint> complaints;
};

Read read(std::string_view text) {
  auto document = config::Document::parse(text, "agent.toml");
  REQUIRE(document.has_value());
  Read out;
  out.settings = agent::read_settings(document->root());
  out.complaints = document->finish();
  return out;
}

}  // namespace

TEST_CASE("every key of the agent's configuration is read") {
  const auto [settings, complaints] = read(R"(
[agent]
name = "Warehouse"
cloud_url = "wss://connector.example.com/ws"
api_key = "file:/run/key"
ca_file = "/etc/vmc/authority.pem"
heartbeat = "10s"
command_timeout = "20s"
reconnect_min = "100ms"
reconnect_max = "2s"
offline_queue_max = "1MB"
commands_at_once = 3
discover_every = "15m"
chunk_bytes = "500KB"
rights_check = "10m"

[[connections]]
id = "erp"
type = "postgres"
host = "10.0.0.5"
port = 5433
database = "erp"
user = "reader"
sslmode = "require"
password = "env:ERP_PASSWORD"
queries = "intents"
private = ["employees.salary"]
writable_tables = ["targets"]
functions = ["shop.vat_of"]
weak_grants = "refuse"
auto_approve_additions = true
pool = { min = 1, max = 4, lifetime = "10m", idle_timeout = "1m", acquire_timeout = "3s", ping = "30s" }

[[connections]]
id = "shop"
type = "mariadb"
queries = "approved"
host = "10.0.0.6"
database = "shop"
user = "reader"

[[connections]]
id = "files"
type = "sqlite"
file = "/srv/a.db"
)");

  CHECK(complaints.empty());
  CHECK(settings.name == "Warehouse");
  CHECK(settings.cloud_url == "wss://connector.example.com/ws");
  CHECK(settings.api_key.scheme == "file");
  CHECK(settings.ca_file == "/etc/vmc/authority.pem");
  CHECK(settings.heartbeat == std::chrono::seconds{10});
  CHECK(settings.reconnect_max == std::chrono::seconds{2});
  CHECK(settings.offline_queue_max == 1'000'000);
  CHECK(settings.commands_at_once == 3);
  CHECK(settings.discover_every == std::chrono::minutes{15});
  CHECK(settings.rights_check == std::chrono::minutes{10});
  REQUIRE(settings.connections.size() == 3);
  CHECK(settings.connections[1].type == "mysql");
  CHECK(settings.connections[1].port == 3306);
  CHECK(settings.connections[1].queries == "approved");
  const auto& erp = settings.connections.front();
  CHECK(erp.auto_approve_additions);
  CHECK(erp.port == 5433);
  CHECK(erp.sslmode == "require");
  CHECK(erp.password.rest == "ERP_PASSWORD");
  CHECK(erp.private_names == std::vector<std::string>{"employees.salary"});
  CHECK(erp.writable_tables == std::vector<std::string>{"targets"});
  CHECK(erp.functions == std::vector<std::string>{"shop.vat_of"});
  CHECK(erp.weak_grants == "refuse");
  CHECK(erp.pool.max == 4);
  CHECK(erp.pool.lifetime == std::chrono::minutes{10});
  CHECK(erp.pool.idle_timeout == std::chrono::minutes{1});
  CHECK(erp.pool.acquire_timeout == std::chrono::seconds{3});
  CHECK(erp.pool.ping == std::chrono::seconds{30});
  CHECK(settings.connections.back().file == "/srv/a.db");
}

TEST_CASE("a pin and a custom authority exclude each other, and an id is used once") {
  const auto complaints = read(R"(
[agent]
cloud_url = "wss://x/ws"
ca_file = "a.pem"
pin_sha256 = "abc"
[[connections]]
id = "a"
type = "sqlite"
file = "x"
[[connections]]
id = "a"
type = "sqlite"
file = "y"
)").complaints;

  REQUIRE(complaints.size() == 2);
  CHECK(complaints[0].message.find("exclude each other") != std::string::npos);
  CHECK(complaints[1].message.find("used twice") != std::string::npos);
}

TEST_CASE("functions of the owner's are names, and not of SQLite") {
  const auto complaints = read(R"(
[agent]
cloud_url = "wss://x/ws"
[[connections]]
id = "a"
type = "sqlite"
file = "x"
functions = ["shop.vat_of"]
[[connections]]
id = "b"
type = "postgres"
host = "h"
database = "d"
user = "u"
functions = ["vat of", "a.b.c.d", "a..b"]
)").complaints;

  REQUIRE(complaints.size() == 2);
  CHECK(complaints[0].message.find("not for SQLite") != std::string::npos);
  CHECK(complaints[1].message.find("names like") != std::string::npos);
}

TEST_CASE("a connection over ODBC takes intents only and holds no password") {
  const auto [settings, complaints] = read(R"(
[agent]
cloud_url = "wss://x/ws"
[[connections]]
id = "legacy"
type = "odbc"
dsn = "stock"
options = "TDS_Version=7.4"
[[connections]]
id = "books"
type = "oracle"
host = "10.0.0.7"
database = "ORCL"
user = "reader"
[[connections]]
id = "sap"
type = "hana"
driver = "/opt/sap/libodbcHDB.so"
host = "10.0.0.8"
user = "reader"
)");
  CHECK(complaints.empty());
  REQUIRE(settings.connections.size() == 3);
  CHECK(settings.connections[0].queries == "intents");
  CHECK(settings.connections[0].options == "TDS_Version=7.4");
  CHECK(settings.connections[1].driver == "Oracle 21 ODBC driver");
  CHECK(settings.connections[1].port == 1521);
  CHECK(settings.connections[2].driver == "/opt/sap/libodbcHDB.so");
  CHECK(settings.connections[2].port == 30015);

  const auto complaint = [](const std::string& line) {
    const auto found = read("[agent]\ncloud_url = \"wss://x/ws\"\n[[connections]]\nid = \"a\"\ntype = \"odbc\"\n" + line).complaints;
    REQUIRE(found.size() == 1);
    CHECK(found[0].message.find("hunter2") == std::string::npos);
    return found[0].message;
  };
  CHECK(complaint("driver = \"x\"\nqueries = \"select\"").find("no guard reads its SQL") != std::string::npos);
  CHECK(complaint("driver = \"x\"\noptions = \"PWD=hunter2\"").find("holds a password") != std::string::npos);
  CHECK(complaint("driver = \"x\"\nsslmode = \"require\"").find("options") != std::string::npos);
  CHECK(complaint("driver = \"x\"\ndsn = \"y\"").find("one of them") != std::string::npos);
}

TEST_CASE("a query policy nobody knows is refused") {
  const auto complaints = read(R"(
[agent]
cloud_url = "wss://x/ws"
[[connections]]
id = "a"
type = "sqlite"
file = "x"
queries = "anything"
)").complaints;

  CHECK(complaints.size() == 1);
}

TEST_CASE("what is private vanishes from the schema, with the keys that name it") {
  data::Schema schema;
  data::TableInfo people;
  people.name = "employees";
  people.columns = {{"id", "int", {data::Kind::int64}, false, {}, {}}, {"Salary", "int", {data::Kind::int64}, true, {}, {}}};
  people.primary_key = {"id"};
  people.unique_keys = {{"Salary"}};
  data::TableInfo audit = people;
  audit.name = "audit_log";
  schema.tables = {audit, people};

  const auto shown = agent::visible(schema, {"employees.salary", "AUDIT_*"});

  REQUIRE(shown.tables.size() == 1);
  CHECK(shown.tables[0].columns.size() == 1);
  CHECK(shown.tables[0].unique_keys.empty());
  CHECK(shown.tables[0].primary_key == std::vector<std::string>{"id"});
}

TEST_CASE("defaults and the values of enumerations stay where their owner leaves them out") {
  data::Schema schema;
  data::TableInfo people;
  people.name = "people";
  people.columns = {{"mood", "enum('sad','glad')", {data::Kind::text}, false, "glad", {"sad", "glad"}},
                    {"price", "decimal(12,2)", {data::Kind::decimal, 12, 2}, false, "1.5", {}}};
  schema.tables = {people};
  const auto shared = [&](std::vector<std::string> leave_out) {
    agent::ConnectionSettings connection;
    connection.leave_out = std::move(leave_out);
    return agent::shared(schema, connection).tables.at(0).columns;
  };
  CHECK(shared({}) == people.columns);
  const auto no_defaults = shared({"defaults"});
  CHECK_FALSE((no_defaults[0].default_value || no_defaults[1].default_value));
  CHECK(no_defaults[0].enum_values == people.columns[0].enum_values);
  const auto no_values = shared({"enum_values"});
  CHECK(no_values[0].enum_values.empty());
  CHECK(no_values[0].sql_type == "enum");
  CHECK(no_values[1] == people.columns[1]);
}

TEST_CASE("a view that shows something private is private, and so is what cannot be told") {
  data::Schema schema;
  const auto add = [&](const char* name, data::Reads reads) {
    data::TableInfo table;
    table.name = name;
    table.columns = {{"id", "int", {data::Kind::int64}, false, {}, {}}, {"salary", "int", {data::Kind::int64}, true, {}, {}}};
    table.view = !reads.empty();
    table.reads = std::move(reads);
    if (table.view) table.definition = std::string(64, 'a');
    schema.tables.push_back(std::move(table));
  };
  add("a_over_b", {{"b_shows", {"x"}}});
  add("b_shows", {{"Employees", {"id", "SALARY"}}});
  add("c_star", {{"employees", {"*"}}});
  add("d_unknown", {{"*", {"*"}}});
  add("e_honest", {{"employees", {"id"}}});
  add("employees", {});

  const auto names = [](const data::Schema& shown) {
    std::vector<std::string> list;
    for (const auto& table : shown.tables) list.push_back(table.name);
    return list;
  };
  const auto shown = agent::visible(schema, {"employees.salary"});
  CHECK(names(shown) == std::vector<std::string>{"e_honest", "employees"});
  for (const auto& table : shown.tables) CHECK((table.reads.empty() && table.definition.empty()));
  CHECK(names(agent::visible(schema, {})).size() == 6);
  CHECK(names(agent::visible(schema, {"employees"})).empty());
}

TEST_CASE("a computed column over a private one is private, and a default does not tell of what is private") {
  data::Schema schema;
  data::TableInfo people, wages;
  people.name = "people";
  people.columns = {{"id", "int", {data::Kind::int64}, false, "nextval('people_id')", {}},
                    {"email", "text", {data::Kind::text}, true, {}, {}},
                    {"lower_email", "text", {data::Kind::text}, true, {}, {}, {{"people", {"email"}}}},
                    {"id_text", "text", {data::Kind::text}, true, "'emails'", {}, {{"people", {"id"}}}},
                    {"login", "text", {data::Kind::text}, true, "concat(`EMAIL`,'x')", {}},
                    {"pay", "int", {data::Kind::int64}, true, "nextval('wages_id')", {}}};
  wages.name = "wages";
  wages.columns = {{"id", "int", {data::Kind::int64}, false, {}, {}}};
  schema.tables = {people, wages};

  const auto shown = agent::visible(schema, {"people.email", "wages"});

  REQUIRE(shown.tables.size() == 1);
  const auto& columns = shown.tables[0].columns;
  REQUIRE(columns.size() == 4);
  CHECK(columns[0].default_value == "nextval('people_id')");
  CHECK(columns[1].name == "id_text");
  CHECK(columns[1].default_value == "'emails'");
  CHECK_FALSE(columns[2].default_value);
  CHECK_FALSE(columns[3].default_value);
  for (const auto& column : columns) CHECK(column.reads.empty());
}

TEST_CASE("a pattern with stars matches whole names only") {
  CHECK(agent::matches("a*c", "abbbc"));
  CHECK(agent::matches("*", "anything"));
  CHECK_FALSE(agent::matches("a*c", "abbb"));
  CHECK_FALSE(agent::matches("salary", "salary2"));
}
