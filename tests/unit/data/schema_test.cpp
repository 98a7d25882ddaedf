#include "data/schema.hpp"
#include "support/json_schema.hpp"
#include "support/show_result.hpp"

using namespace vmc;
using namespace vmc::data;

namespace {

TableInfo orders() {
  TableInfo table;
  table.name = "sales.orders";
  table.columns = {{"id", "bigint", {Kind::int64, 0, 0}, false, std::nullopt, {}},
                   {"code", "varchar(8)", {Kind::text, 0, 0}, false, "''", {}},
                   {"state", "mood", {Kind::text, 0, 0}, true, "new", {"new", "paid"}},
                   {"amount", "numeric(12,2)", {Kind::decimal, 12, 2}, true, std::nullopt, {}}};
  table.primary_key = {"id"};
  table.unique_keys = {{"code"}, {"code", "state"}};
  table.foreign_keys = {{{"code"}, "codes", {"code"}}};
  table.row_estimate = 1'000'000'000'000;
  return table;
}

test::JsonSchemas& schemas() {
  static test::JsonSchemas all{std::string{VMC_SOURCE_DIR} + "/schemas"};
  return all;
}

// Both know the same fields.
void check_described(const Json& json, const Json& described) {
  for (const auto& [key, value] : json.items()) {
    INFO(key);
    CHECK(described.at("properties").contains(key));
  }
  for (const auto& [key, value] : described.at("properties").items()) {
    INFO(key);
    CHECK(json.contains(key));
  }
}

std::string complaint(Json json, const char* pointer, const Json& value) {
  json[Json::json_pointer{pointer}] = value;
  const auto schema = schema_from_json(json);
  if (schema) return "";
  CHECK(schema.error().code == Code::invalid_request);
  return schema.error().message;
}

}  // namespace

TEST_CASE("a schema survives its JSON, sorted by table") {
  TableInfo customers;
  customers.name = "customers";
  customers.view = true;
  customers.columns = {{"id", "", {Kind::uuid, 0, 0}, true, std::nullopt, {}}};
  const Schema schema{{customers, orders()}};
  CHECK(schema_from_json(parse_json(to_json(schema).dump()).value()).value() == schema);
  const Schema unsorted{{orders(), customers}};
  CHECK(schema_from_json(to_json(unsorted)).value() == schema);
  CHECK(schema.table("sales.orders")->name == "sales.orders");
  CHECK(schema.table("orders") == nullptr);
  CHECK(table_from_json(to_json(orders())).value() == orders());
}

TEST_CASE("schemas/schema.json describes exactly what is written") {
  const Json& described = schemas().document("schema.json");
  auto full = orders();
  full.reads = {{"customers", {"id", "name"}}, {"archive.notes", {"*"}}};
  full.definition = std::string(64, 'a');
  full.columns.at(2).reads = {{"sales.orders", {"id"}}, {"*", {"*"}}};
  const Schema schema{{full}, "shop", true};
  const Json written = to_json(schema);
  CHECK(schema_from_json(written).value() == schema);
  CHECK(schemas().problems(written, "schema.json") == std::vector<std::string>{});
  const Json& table = written.at("tables").at(0);
  check_described(written, described);
  check_described(table, described.at("$defs").at("table"));
  check_described(table.at("columns").at(2), described.at("$defs").at("column"));
  check_described(table.at("foreignKeys").at(0), described.at("$defs").at("foreignKey"));
}

TEST_CASE("with a view stands all that it reads, and every view where it may read anything") {
  const auto view = [](std::string name, Reads reads) {
    TableInfo made;
    made.name = std::move(name);
    made.view = true;
    made.reads = std::move(reads);
    return made;
  };
  TableInfo plain;
  plain.name = "plain";
  const Schema schema{
      {view("any", {{"*", {"*"}}}), plain, view("stacked", {{"under", {"a"}}}), view("under", {{"plain", {"a"}}})}, ""};
  const auto names = [&](const std::string& name) {
    std::vector<std::string> found;
    for (const auto* table : with_what_they_read(schema, {name})) found.push_back(table->name);
    return found;
  };
  CHECK(names("plain") == std::vector<std::string>{"plain"});
  CHECK(names("stacked") == std::vector<std::string>{"stacked", "under", "plain"});
  CHECK(names("any") == std::vector<std::string>{"any", "stacked", "under", "plain"});
  CHECK(names("missing").empty());
}

TEST_CASE("fields a newer agent adds are ignored") {
  Json json = to_json(Schema{{orders()}});
  json["tables"][0]["comment"] = "new";
  CHECK(schema_from_json(json).value() == Schema{{orders()}});
}

TEST_CASE("a schema that contradicts itself is refused, by the field's name") {
  const Json good = to_json(Schema{{orders()}});
  CHECK(complaint(good, "/tables/0/columns/0/type", "bigint").find("tables[0].columns[0].type") !=
        std::string::npos);
  CHECK(complaint(good, "/tables/0/columns/1/name", "id").find("twice") != std::string::npos);
  CHECK(complaint(good, "/tables/0/columns/1/name", "") != "");
  CHECK(complaint(good, "/tables/0/columns/1/name", std::string("a\0b", 3)) != "");
  CHECK(complaint(good, "/tables/0/primaryKey", Json::array({"nope"})).find("lacks") != std::string::npos);
  CHECK(complaint(good, "/tables/0/primaryKey", Json::array({"id", "id"})) != "");
  CHECK(complaint(good, "/tables/0/uniqueKeys", Json::array({"id"})) != "");
  CHECK(complaint(good, "/tables/0/uniqueKeys", Json::array({Json::array()})) != "");
  CHECK(complaint(good, "/tables/0/foreignKeys/0/referenced", Json::array({"a", "b"})) != "");
  CHECK(complaint(good, "/tables/0/rowEstimate", -1) != "");
  CHECK(complaint(good, "/tables/0/reads", Json{{"customers", Json::array({1})}}) != "");
  CHECK(complaint(good, "/tables/0/reads", Json{{"", Json::array()}}) != "");
  CHECK(complaint(good, "/tables/0/definition", "abc") != "");
  CHECK(complaint(good, "/tables/0/definition", std::string(64, 'G')) != "");
  CHECK(complaint(good, "/tables/0/columns/0/reads", Json{{"customers", Json::array({1})}}) != "");
  CHECK(complaint(good, "/tables/0/columns/0/reads", Json::array({"customers"})) != "");
  CHECK(complaint(good, "/database", std::string("a\0b", 3)) != "");
  CHECK(complaint(good, "/ignoresCase", 1) != "");
  CHECK(complaint(good, "/tables/0/columns/2/enum", Json::array({1})) != "");
  CHECK(complaint(good, "/tables/1", good.at("tables").at(0)).find("twice") != std::string::npos);
  CHECK(complaint(good, "/tables", Json::object()) != "");
  CHECK_FALSE(schema_from_json(Json::array()));
}

TEST_CASE("the row key is the first key whose columns are never null") {
  TableInfo table = orders();
  CHECK(table.row_key() == std::vector<std::string>{"id"});
  table.primary_key.clear();
  CHECK(table.row_key() == std::vector<std::string>{"code"});
  table.unique_keys = {{"code", "state"}};
  CHECK(table.row_key().empty());
}

TEST_CASE("what is derived from a part is found through columns and views, in any order") {
  const auto column = [](const char* name, Reads reads) {
    return ColumnInfo{name, "text", {Kind::text, 0, 0}, true, {}, {}, std::move(reads)};
  };
  TableInfo people, view;
  people.name = "people";
  people.columns = {column("third", {{"people", {"second"}}}), column("second", {{"People", {"EMAIL"}}}),
                    column("email", {}), column("plain", {{"people", {"id"}}}), column("id", {})};
  view.name = "view";
  view.view = true;
  view.columns = {column("x", {})};
  view.reads = {{"people", {"third"}}};
  Parts parts{{"people", {"email"}}};
  add_derived(Schema{{view, people}}, parts);
  CHECK(parts == Parts{{"people", {"email", "second", "third"}}, {"view", {"*"}}});
}

TEST_CASE("tables with the same rows share what is private, column by column") {
  const auto table = [](const char* name, const char* own) {
    TableInfo info;
    info.name = name;
    for (const char* one : {"id", "email", own})
      info.columns.push_back({one, "text", {Kind::text, 0, 0}, true, {}, {}});
    return info;
  };
  Schema schema{{table("child", "more"), table("grandchild", "most"), table("parent", "name")}};
  add_same_rows(schema.tables[2], schema.tables[0]);
  add_same_rows(schema.tables[0], schema.tables[1]);
  Parts parts{{"parent", {"email"}}};
  add_derived(schema, parts);
  CHECK(parts == Parts{{"child", {"email"}}, {"grandchild", {"email"}}, {"parent", {"email"}}});
  parts = {{"grandchild", {"*"}}};
  add_derived(schema, parts);
  CHECK(parts == Parts{{"child", {"email", "id"}}, {"grandchild", {"*"}}, {"parent", {"email", "id"}}});
}
