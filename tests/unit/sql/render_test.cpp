// Intents become statements: every value a parameter, every name quoted, nothing outside the approved schema.
#include <catch2/catch.hpp>

#include "sql/dialect.hpp"

using namespace vmc;
using data::Filter;
using data::Kind;
using Op = data::Filter::Op;
using sql::Dialect;

namespace {

data::ColumnInfo column(std::string name, std::string sql_type, data::Type type, bool nullable = false) {
  return {std::move(name), std::move(sql_type), type, nullable, std::nullopt, {}};
}

data::TableInfo orders() {
  data::TableInfo table;
  table.name = "orders";
  table.columns = {column("id", "bigint", {Kind::int64}),
                   column("code", "text", {Kind::text}),
                   column("padded", "character(5)", {Kind::text}),
                   column("mood", "public.mood", {Kind::text}, true),
                   column("amount", "numeric(12,2)", {Kind::decimal, 12, 2}),
                   column("seen", "timestamp(3) without time zone", {Kind::timestamp}),
                   column("doc", "jsonb", {Kind::json}),
                   column("od\"d", "uuid", {Kind::uuid})};
  table.primary_key = {"id"};
  return table;
}

data::Intent intent(std::vector<std::string> columns) {
  data::Intent out;
  out.table = "orders";
  out.columns = std::move(columns);
  return out;
}

Filter compare(Op op, std::string name, std::vector<data::Value> values) {
  Filter out;
  out.op = op;
  out.column = std::move(name);
  out.values = std::move(values);
  return out;
}

}  // namespace

TEST_CASE("names are quoted whole, whatever they hold") {
  CHECK(*sql::quote(Dialect::postgres, "a\"; DROP TABLE x; --") == "\"a\"\"; DROP TABLE x; --\"");
  CHECK(*sql::quote_table(Dialect::postgres, "orders") == "\"public\".\"orders\"");
  CHECK(*sql::quote_table(Dialect::postgres, "sales.orders.old") == "\"sales\".\"orders.old\"");
  CHECK(*sql::quote_table(Dialect::sqlite, "orders") == "\"main\".\"orders\"");
}

TEST_CASE("a name no database could hold is refused") {
  CHECK(sql::quote(Dialect::postgres, std::string(64, 'x')).error().code == Code::command_malformed);
  CHECK(sql::quote(Dialect::postgres, std::string(63, 'x')).has_value());
  CHECK(sql::quote(Dialect::sqlite, std::string_view{"a\0b", 3}).error().code == Code::command_malformed);
  CHECK(sql::quote(Dialect::sqlite, "").error().code == Code::command_malformed);
  CHECK(sql::quote(Dialect::sqlite, "\xff\xfe").error().code == Code::command_malformed);
  CHECK(sql::quote_table(Dialect::sqlite, "main.").error().code == Code::command_malformed);
}

TEST_CASE("a whole intent renders for PostgreSQL with typed parameters") {
  auto all = intent({"id", "code", "mood"});
  all.filter =
      Filter{Op::all,
             "",
             {},
             {compare(Op::ge, "amount", {std::int64_t{10}}), compare(Op::eq, "mood", {std::string{"calm"}}),
              Filter{Op::negate, "", {}, {compare(Op::is_null, "code", {})}}}};
  all.ranges = {{{"id"}, {std::int64_t{5}}, {std::int64_t{9}}}};
  all.order = {{"id", false}, {"code", true}};
  all.limit = 3;
  const auto statement = sql::render(Dialect::postgres, all, orders());
  REQUIRE(statement.has_value());
  CHECK(statement->text ==
        "SELECT \"id\"::pg_catalog.int8, \"code\"::pg_catalog.text, \"mood\"::pg_catalog.text FROM "
        "\"public\".\"orders\" WHERE "
        "((\"amount\" >= $1::pg_catalog.numeric) AND (\"mood\" = $2) AND (NOT (\"code\" IS NULL))) "
        "AND (\"id\" > $3::pg_catalog.int8) AND (\"id\" <= $4::pg_catalog.int8) "
        "ORDER BY \"id\", \"code\" DESC LIMIT $5::pg_catalog.int8");
  REQUIRE(statement->params.size() == 5);
  CHECK(statement->params[0] == data::Value{data::Decimal{10, 0}});
}

TEST_CASE("a composite range compares the key as a tuple") {
  auto ranged = intent({"id"});
  ranged.ranges = {{{"code", "amount"}, {std::string{"a"}, data::Decimal{150, 2}}, {}}};
  CHECK(sql::render(Dialect::postgres, ranged, orders())->text ==
        "SELECT \"id\"::pg_catalog.int8 FROM \"public\".\"orders\" WHERE ((\"code\", \"amount\") > "
        "($1::pg_catalog.text, "
        "$2::pg_catalog.numeric))");
  CHECK(
      sql::render(Dialect::sqlite, ranged, orders())->text ==
      "SELECT \"id\" FROM \"main\".\"orders\" WHERE ((\"code\", \"amount\" COLLATE vmc_decimal) > (?1, ?2))");
}

TEST_CASE("a quote in a column name stays a name") {
  CHECK(sql::render(Dialect::sqlite, intent({"od\"d"}), orders())->text ==
        "SELECT \"od\"\"d\" FROM \"main\".\"orders\"");
}

TEST_CASE("what the approved schema lacks does not exist") {
  CHECK(sql::render(Dialect::postgres, intent({"salary"}), orders()).error().code ==
        Code::schema_access_denied);
  auto hidden = intent({"id"});
  hidden.filter = compare(Op::eq, "salary", {std::int64_t{1}});
  CHECK(sql::render(Dialect::sqlite, hidden, orders()).error().code == Code::schema_access_denied);
  auto sorted = intent({"id"});
  sorted.order = {{"salary", false}};
  CHECK(sql::render(Dialect::postgres, sorted, orders()).error().code == Code::schema_access_denied);
  auto ranged = intent({"id"});
  ranged.ranges = {{{"salary"}, {std::int64_t{1}}, {}}};
  CHECK(sql::render(Dialect::postgres, ranged, orders()).error().code == Code::schema_access_denied);
  auto other = intent({"id"});
  other.table = "payroll";
  CHECK(sql::render(Dialect::postgres, other, orders()).error().code == Code::schema_access_denied);
}

TEST_CASE("a value that is not exactly of its column's type is refused without being repeated") {
  const auto refused = [](Op op, std::string name, std::vector<data::Value> values) {
    auto asked = intent({"id"});
    asked.filter = compare(op, std::move(name), std::move(values));
    const auto statement = sql::render(Dialect::postgres, asked, orders());
    REQUIRE_FALSE(statement.has_value());
    CHECK(statement.error().code == Code::command_malformed);
    CHECK(statement.error().text().find("canary") == std::string::npos);
  };
  refused(Op::eq, "id", {std::string{"canary"}});
  refused(Op::eq, "id", {1.5});
  refused(Op::eq, "amount", {0.5});
  refused(Op::eq, "code", {std::int64_t{1}});
  refused(Op::eq, "id", {data::Value{}});
  refused(Op::eq, "doc", {data::JsonText{"\"canary\""}});
  refused(Op::eq, "id", {});
  refused(Op::is_null, "id", {std::int64_t{1}});
  refused(Op::like, "id", {std::string{"canary%"}});
}

TEST_CASE("text for a typed column is parsed exactly") {
  auto asked = intent({"id"});
  asked.filter = compare(Op::in, "seen", {std::string{"2024-02-29 12:00:00.5"}, data::Timestamp{7}});
  const auto statement = sql::render(Dialect::postgres, asked, orders());
  REQUIRE(statement.has_value());
  CHECK(statement->params[0] == data::Value{data::Timestamp{1'709'208'000'500'000}});
  CHECK(statement->text.ends_with("(\"seen\" IN ($1::pg_catalog.timestamp, $2::pg_catalog.timestamp))"));
}

TEST_CASE("empty lists and groups keep their logic") {
  const auto where = [](Filter filter) {
    auto asked = intent({"id"});
    asked.filter = std::move(filter);
    const auto text = sql::render(Dialect::sqlite, asked, orders())->text;
    return text.substr(text.find("WHERE"));
  };
  CHECK(where(compare(Op::in, "id", {})) == "WHERE (1=0)");
  CHECK(where(Filter{Op::all, "", {}, {}}) == "WHERE (1=1)");
  CHECK(where(Filter{Op::any, "", {}, {}}) == "WHERE (1=0)");
}

TEST_CASE("filters are bounded in depth, size and values") {
  Filter deep = compare(Op::is_null, "id", {});
  for (std::size_t i = 0; i < data::kFilterDepthMax; ++i) deep = Filter{Op::negate, "", {}, {deep}};
  auto asked = intent({"id"});
  asked.filter = deep;
  CHECK(sql::render(Dialect::postgres, asked, orders()).error().code == Code::command_malformed);
  asked.filter =
      Filter{Op::any, "", {}, std::vector<Filter>(data::kFilterNodesMax, compare(Op::is_null, "id", {}))};
  CHECK(sql::render(Dialect::postgres, asked, orders()).error().code == Code::command_malformed);
  asked.filter = compare(Op::in, "id", std::vector<data::Value>(sql::kParamsMax + 1, std::int64_t{1}));
  CHECK(sql::render(Dialect::postgres, asked, orders()).error().code == Code::command_malformed);
}

TEST_CASE("a blank-padded column is compared as such and an exotic one by the server's own type") {
  auto asked = intent({"padded"});
  asked.filter = compare(Op::eq, "padded", {std::string{"ab"}});
  CHECK(sql::render(Dialect::postgres, asked, orders())
            ->text.ends_with("(\"padded\" = $1::pg_catalog.bpchar)"));
  asked.filter = compare(Op::like, "mood", {std::string{"c%"}});
  CHECK(sql::render(Dialect::postgres, asked, orders())
            ->text.ends_with("(\"mood\"::pg_catalog.text LIKE $1::pg_catalog.text ESCAPE '\\')"));
}

TEST_CASE("in SQLite a like pattern is a glob, with what a glob takes for itself in brackets") {
  auto asked = intent({"code"});
  asked.filter = compare(Op::like, "code", {std::string{"a_%*?[\\%\\_\\\\]\\"}});
  const auto rendered = sql::render(Dialect::sqlite, asked, orders());
  REQUIRE(rendered.has_value());
  CHECK(rendered->text.ends_with("(\"code\" GLOB ?1)"));
  CHECK(rendered->params == std::vector<data::Value>{std::string{"a?*[*][?][[]%_\\]\\"}});
}

TEST_CASE("an intent is split in key order and never with a limit") {
  const auto split = sql::render_split(Dialect::sqlite, intent({"code"}), orders(), {"id"}, 100);
  REQUIRE(split.has_value());
  CHECK(split->params == std::vector<data::Value>{std::int64_t{100}});
  auto limited = intent({"id"});
  limited.limit = 5;
  CHECK(sql::render_split(Dialect::sqlite, limited, orders(), {"id"}, 100).error().code ==
        Code::command_malformed);
  CHECK(sql::render_split(Dialect::sqlite, intent({"id"}), orders(), {}, 100).error().code ==
        Code::command_malformed);
  CHECK(sql::render_split(Dialect::sqlite, intent({"id"}), orders(), {"id"}, 0).error().code ==
        Code::command_malformed);
}

TEST_CASE("only a key that may be null is searched for nulls") {
  CHECK_FALSE(sql::render_null_keys(Dialect::postgres, intent({"id"}), orders(), {"id"})->has_value());
  const auto search = sql::render_null_keys(Dialect::postgres, intent({"id"}), orders(), {"id", "mood"});
  REQUIRE(search->has_value());
  CHECK((*search)->text == "SELECT 1 FROM \"public\".\"orders\" WHERE (\"mood\" IS NULL) LIMIT 1");
}

TEST_CASE("MySQL's names stand in back quotes, and a bare table is in the connection's own database") {
  CHECK(*sql::quote(Dialect::mysql, "a`; DROP TABLE x; -- \"") == "`a``; DROP TABLE x; -- \"`");
  CHECK(*sql::quote_table(Dialect::mysql, "orders") == "`orders`");
  CHECK(*sql::quote_table(Dialect::mysql, "sales.orders.old") == "`sales`.`orders.old`");
  CHECK(sql::quote(Dialect::mysql, std::string(193, 'x')).error().code == Code::command_malformed);
}

TEST_CASE("a whole intent renders for MySQL with bound values only") {
  data::TableInfo table;
  table.name = "orders";
  table.columns = {column("id", "bigint(20)", {Kind::int64}), column("code", "varchar(20)", {Kind::text}),
                   column("mood", "enum('a','b')", {Kind::text}, true)};
  auto asked = intent({"id", "code"});
  asked.filter = compare(Op::like, "code", {std::string{"x%"}});
  asked.ranges = {{{"code", "id"}, {std::string{"a"}, std::int64_t{1}}, {}}};
  asked.order = {{"mood", true}};
  asked.limit = 5;
  const auto statement = sql::render(Dialect::mysql, asked, table);
  REQUIRE(statement.has_value());
  CHECK(statement->text ==
        "SELECT `id`, `code` FROM `orders` WHERE (CONVERT(`code` USING utf8mb4) COLLATE utf8mb4_bin LIKE ? ESCAPE "
        "'\\\\') AND ((`code` > ? OR (`code` = ? AND `id` > ?)) AND `code` >= ?) ORDER BY CONVERT(`mood` USING utf8mb4) "
        "DESC LIMIT ?");
  CHECK(statement->params.size() == 6);
  const auto keys = sql::render_split(Dialect::mysql, intent({"id"}), table, {"id"}, 10);
  REQUIRE(keys.has_value());
  CHECK(keys->text == "SELECT `id` FROM `orders` ORDER BY `id`");
}

TEST_CASE("a whole intent renders for SQL Server: TOP, named parameters, no row values") {
  data::TableInfo table;
  table.name = "sales.or]ders";
  table.columns = {column("id", "bigint", {Kind::int64}), column("code", "varchar(20)", {Kind::text}),
                   column("amount", "money", {Kind::decimal, 19, 4}), column("seen", "datetime", {Kind::timestamp}),
                   column("old", "text", {Kind::text})};
  data::Intent intent;
  intent.table = table.name;
  intent.columns = {"id", "code", "old"};
  intent.filter = compare(Op::lt, "amount", {data::Decimal{15, 1}});
  intent.ranges = {{{"code", "id"}, {std::string{"a"}, std::int64_t{1}}, {}}};
  intent.order = {{"old", true}};
  intent.limit = 5;
  const auto text = sql::render(Dialect::mssql, intent, table);
  REQUIRE(text.has_value());
  CHECK(text->text ==
        "SELECT TOP (@p4) [id], CAST([code] AS nvarchar(20)) AS [code], CAST([old] AS nvarchar(max)) AS [old]"
        " FROM [sales].[or]]ders] WHERE ([amount] < CAST(@p1 AS decimal(38, 1)))"
        " AND ([code] > @p2 OR ([code] = @p2 AND ([id] > @p3))) ORDER BY CAST([old] AS nvarchar(max)) DESC");
  CHECK(text->params.size() == 4);

  const auto refused = [&](Filter filter) {
    intent.filter = std::move(filter);
    const auto rendered = sql::render(Dialect::mssql, intent, table);
    return !rendered && rendered.error().code == Code::command_malformed;
  };
  CHECK(refused(compare(Op::eq, "seen", {data::Timestamp{1'000}})));  // between two ticks of a datetime
  CHECK(refused(compare(Op::eq, "seen", {std::string{"1970-01-01 00:00:00.001"}})));
  CHECK_FALSE(refused(compare(Op::eq, "seen", {std::string{"1970-01-01 00:00:00.003"}})));
  CHECK(refused(compare(Op::in, "id", std::vector<data::Value>(2'001, std::int64_t{1}))));
}

TEST_CASE("a pattern for SQL Server has no classes, and keeps its escapes") {
  data::TableInfo table;
  table.name = "t";
  table.columns = {column("v", "nvarchar(9)", {Kind::text})};
  data::Intent intent;
  intent.table = "t";
  intent.columns = {"v"};
  intent.filter = compare(Op::like, "v", {std::string{"[a]\\[\\%%\\"}});
  const auto text = sql::render(Dialect::mssql, intent, table);
  REQUIRE(text.has_value());
  CHECK(text->text == "SELECT [v] FROM [dbo].[t] WHERE ([v] COLLATE Latin1_General_100_BIN2 LIKE @p1 ESCAPE N'\\')");
  CHECK(std::get<std::string>(text->params.at(0)) == "\\[a]\\[\\%%\\");
}
