#include "data/intent.hpp"
#include "support/json_schema.hpp"
#include "support/show_result.hpp"

using namespace vmc;
using namespace vmc::data;

namespace {

using Op = Filter::Op;

Filter leaf(Op op, std::string column, std::vector<Value> values) {
  return {op, std::move(column), std::move(values), {}};
}

Intent everything() {
  Intent intent;
  intent.table = "sales.orders";
  intent.columns = {"id", "amount"};
  Filter any{Op::any, "", {}, {leaf(Op::eq, "state", {std::string{"new"}}), leaf(Op::is_null, "note", {})}};
  Filter negate{Op::negate, "", {}, {leaf(Op::like, "name", {std::string{"A%"}})}};
  intent.filter = Filter{
      Op::all,
      "",
      {},
      {any, negate, leaf(Op::in, "id", {INT64_MAX, std::int64_t{2}}),
       leaf(Op::ge, "amount", {Decimal{1250, 2}}), leaf(Op::is_not_null, "at", {}), leaf(Op::ne, "a", {true}),
       leaf(Op::lt, "b", {Timestamp{0}}), leaf(Op::le, "c", {Date{1}}), leaf(Op::gt, "d", {1.5})}};
  intent.ranges = {
      {{"at", "id"}, {Timestamp{5}, std::int64_t{1}}, {}}, {{"id"}, {}, {std::int64_t{9}}}, {{"id"}, {}, {}}};
  intent.order = {{"at", true}, {"id", false}};
  intent.limit = 10;
  return intent;
}

std::string complaint(Json json, const char* pointer, const Json& value) {
  json[Json::json_pointer{pointer}] = value;
  const auto intent = intent_from_json(json);
  if (intent) return "";
  CHECK(intent.error().code == Code::command_malformed);
  return intent.error().message;
}

Json filtered(const Json& filter) { return {{"table", "t"}, {"columns", {"a"}}, {"filter", filter}}; }

Json nested(std::size_t depth) {
  Json filter{{"op", "is_null"}, {"column", "a"}};
  for (std::size_t i = 1; i < depth; ++i) filter = Json{{"op", "not"}, {"filter", filter}};
  return filter;
}

test::JsonSchemas& schemas() {
  static test::JsonSchemas all{std::string{VMC_SOURCE_DIR} + "/schemas"};
  return all;
}

}  // namespace

TEST_CASE("an intent survives its JSON") {
  const Intent intent = everything();
  CHECK(intent_from_json(parse_json(to_json(intent).dump()).value()).value() == intent);
  const Intent least{"t", {"a"}, {}, {}, {}, {}};
  CHECK(to_json(least).dump() == R"({"columns":["a"],"table":"t"})");
  CHECK(intent_from_json(to_json(least)).value() == least);
  const KeyRange range = intent.ranges[0];
  CHECK(range_from_json(to_json(range)).value() == range);
}

TEST_CASE("schemas/intent.json accepts what is written") {
  Intent intent = everything();
  for (const Value& value : std::vector<Value>{INT64_MIN, -0.0, Decimal{-5, 1}, Number{"NaN"}, std::string{},
                                               Bytes{1}, Date{kDateInfinity}, Time{-1}, Timestamp{kInfinity},
                                               TimestampTz{0}, Uuid{}, JsonText{"{}"}, true})
    intent.filter->children.push_back(leaf(Op::eq, "x", {value}));
  CHECK(schemas().problems(to_json(intent), "intent.json") == std::vector<std::string>{});
  CHECK(intent_from_json(to_json(intent)));
}

TEST_CASE("schemas/intent.json and the product agree on what is an intent") {
  const Json good = to_json(everything());
  const auto agree = [&](const char* pointer, const Json& value) {
    Json json = good;
    json[Json::json_pointer{pointer}] = value;
    INFO(pointer << " = " << value.dump());
    CHECK(schemas().problems(json, "intent.json").empty() == intent_from_json(json).has_value());
  };
  agree("/where", "1=1");
  agree("/table", "");
  agree("/table", 5);
  agree("/columns", Json::array());
  agree("/columns", Json::array({"a", "a"}));
  agree("/limit", -1);
  agree("/limit", 0);
  agree("/limit", 1.5);
  agree("/ranges/0/from", 1);
  agree("/order/0/descending", false);
  agree("/order/0/nulls", "last");
  for (const char* op : {"all", "any", "not", "eq", "ne", "lt", "le", "gt", "ge", "in", "is_null",
                         "is_not_null", "like", "exists", "isNull", "negate"})
    for (const char* rest :
         {R"({"column":"a"})", R"({"column":"a","value":1})", R"({"column":"a","value":"x"})",
          R"({"column":"a","value":null})", R"({"column":"a","values":[1]})", R"({"column":"a","values":[]})",
          R"({"column":"a","value":{"decimal":"1"}})", R"({"column":"a","value":{"money":"1"}})",
          R"({"column":"a","value":{"date":1}})", R"({"value":1})",
          R"({"filters":[{"op":"is_null","column":"a"}]})", R"({"filters":[]})",
          R"({"filter":{"op":"is_null","column":"a"}})",
          R"({"filter":{"op":"is_null","column":"a"},"column":"a"})"}) {
      Json filter = parse_json(rest).value();
      filter["op"] = op;
      agree("/filter", filter);
    }
}

TEST_CASE("what an intent does not know it refuses, by the field's name") {
  const Json good = to_json(everything());
  CHECK(complaint(good, "/where", "1=1").find("'where'") != std::string::npos);
  CHECK(complaint(good, "/filter/sql", "x").find("filter.sql") != std::string::npos);
  CHECK(complaint(good, "/filter/filters/0/filters/1/value", 1).find("filter.filters[0].filters[1].value") !=
        std::string::npos);
  CHECK(complaint(good, "/filter/op", "exists").find("filter.op") != std::string::npos);
  CHECK(complaint(good, "/ranges/0/from", 1).find("ranges[0].from") != std::string::npos);
  CHECK(complaint(good, "/order/0/nulls", "last").find("order[0].nulls") != std::string::npos);
}

TEST_CASE("a malformed intent is refused") {
  const Json good = to_json(everything());
  CHECK(complaint(good, "/table", "") != "");
  CHECK(complaint(good, "/table", 5) != "");
  CHECK(complaint(good, "/table", std::string("a\0b", 3)) != "");
  CHECK(complaint(good, "/table", std::string(513, 'a')) != "");
  CHECK(complaint(good, "/columns", Json::array()) != "");
  CHECK(complaint(good, "/columns", Json::array({"a", "a"})) != "");
  CHECK(complaint(good, "/columns", Json::array({"a", 1})) != "");
  CHECK(complaint(good, "/limit", -1) != "");
  CHECK(complaint(good, "/limit", 1.5) != "");
  CHECK(complaint(good, "/limit", 18446744073709551615u) != "");
  CHECK(complaint(good, "/ranges/0/after", Json::array({1})) != "");
  CHECK(complaint(good, "/ranges/0/after", Json::array({1, nullptr})) != "");
  CHECK(complaint(good, "/ranges/0/columns", Json::array()) != "");
  CHECK(complaint(good, "/order/0/column", "") != "");
  CHECK(complaint(good, "/filter/filters", Json::array()) != "");
  for (const char* filter :
       {R"({"op":"eq","column":"a"})", R"({"op":"eq","column":"a","value":null})",
        R"({"op":"eq","column":"a","value":1.5})", R"({"op":"eq","value":1})",
        R"({"op":"in","column":"a","values":[]})", R"({"op":"in","column":"a","values":[null]})",
        R"({"op":"like","column":"a","value":5})", R"({"op":"not"})", R"({"op":"not","filter":[]})",
        R"({"op":"all"})", R"({"op":"eq","column":"a","value":1,"values":[1]})", R"({})", R"("a = 1")"})
    CHECK(complaint(filtered(Json{}), "/filter", parse_json(filter).value()) != "");
  CHECK_FALSE(intent_from_json(Json::array()));
}

TEST_CASE("a filter may be deep and wide, up to a limit") {
  CHECK(intent_from_json(filtered(nested(kFilterDepthMax))));
  CHECK_FALSE(intent_from_json(filtered(nested(kFilterDepthMax + 1))));
  const auto list = [](std::size_t values) {
    return filtered({{"op", "in"}, {"column", "a"}, {"values", std::vector<int>(values, 1)}});
  };
  CHECK(intent_from_json(list(kFilterNodesMax - 1)));
  CHECK_FALSE(intent_from_json(list(kFilterNodesMax)));
  const Json wide{{"op", "any"}, {"filters", std::vector<Json>(kFilterNodesMax, nested(1))}};
  CHECK_FALSE(intent_from_json(filtered(wide)));
}

TEST_CASE("every column an intent touches is named once") {
  CHECK(columns_touched(everything()) ==
        std::vector<std::string>{"id", "amount", "state", "note", "name", "at", "a", "b", "c", "d"});
}
