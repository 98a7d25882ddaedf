// Intents become statements for what is behind an ODBC driver, as the server there writes them.
#include <catch2/catch.hpp>

#include "support/show_result.hpp"
#include "sql/odbc_sql.hpp"

using namespace vmc;
using data::Filter;
using data::Kind;
using Family = sql::OdbcServer::Family;
using Op = data::Filter::Op;

namespace {

data::TableInfo orders() {
  data::TableInfo table;
  table.name = "orders";
  const auto add = [&](const char* name, const char* sql_type, data::Type type) {
    table.columns.push_back({name, sql_type, type, false, std::nullopt, {}});
  };
  add("id", "NUMBER(10,0)", {Kind::int64});
  add("note", "VARCHAR2(20)", {Kind::text});
  add("amount", "NUMBER(12,2)", {Kind::decimal, 12, 2});
  add("at", "TIMESTAMP(6)", {Kind::timestamp});
  add("made", "DATE", {Kind::timestamp});
  add("seen", "TIMESTAMP(6) WITH TIME ZONE", {Kind::timestamptz});
  return table;
}

Filter leaf(Op op, const char* column, std::vector<data::Value> values) {
  Filter out;
  out.op = op;
  out.column = column;
  out.values = std::move(values);
  return out;
}

sql::OdbcServer server(Family family, std::string schema = "") { return {family, "\"", std::move(schema)}; }

std::string rendered(const sql::OdbcServer& to, std::optional<std::int64_t> limit = 3) {
  data::Intent intent;
  intent.table = "orders";
  intent.columns = {"id", "at"};
  intent.filter =
      Filter{Op::all,
             "",
             {},
             {leaf(Op::ge, "amount", {data::Decimal{950, 2}}), leaf(Op::like, "note", {std::string{"a%"}}),
              leaf(Op::lt, "at", {data::Timestamp{0}})}};
  intent.order = {{"id", true}};
  intent.limit = limit;
  const auto statement = sql::render(to, intent, orders());
  REQUIRE(statement);
  CHECK(statement->params.size() == 3);
  return statement->text;
}

}  // namespace

TEST_CASE("an unknown server gets the words of the standard, and no limit nobody knows how to write") {
  CHECK(rendered(server(Family::generic)) ==
        "SELECT \"id\", \"at\" FROM \"orders\" WHERE ((\"amount\" >= ?) AND (\"note\" LIKE ? {escape '\\'}) "
        "AND (\"at\" < "
        "?)) ORDER BY \"id\" DESC");
}

TEST_CASE("rows are written with each server's casts, and nulls as words") {
  const std::vector<std::string> columns{"id", "note", "amount", "at"};
  const std::vector<data::Value> full{std::int64_t{1}, std::string{"x"}, data::Decimal{950, 2}, data::Timestamp{0}},
      empty{std::int64_t{2}, {}, {}, {}};
  const auto inserted = [&](const sql::OdbcServer& to) {
    const auto statement = sql::render_insert(to, orders(), columns, std::vector{full, empty});
    REQUIRE(statement);
    CHECK(statement->params.size() == 5);
    return statement->text;
  };
  CHECK(inserted(server(Family::generic)) ==
        "INSERT INTO \"orders\" (\"id\", \"note\", \"amount\", \"at\") VALUES (?, ?, ?, ?), (?, NULL, NULL, NULL)");
  CHECK(inserted({Family::mysql, "`", "shop"}) ==
        "INSERT INTO `shop`.`orders` (`id`, `note`, `amount`, `at`) VALUES (?, ?, CAST(? AS DECIMAL(65, 2)), CAST(? AS "
        "DATETIME(6))), (?, NULL, NULL, NULL)");
  const auto updated = sql::render_update(server(Family::oracle, "SHOP"), orders(), columns, {true, false, false, true}, full);
  REQUIRE(updated);
  CHECK(updated->text ==
        "UPDATE \"SHOP\".\"orders\" SET \"note\" = ?, \"amount\" = CAST(? AS NUMBER) WHERE \"id\" = CAST(? AS NUMBER) AND "
        "\"at\" = TO_TIMESTAMP(?, 'SYYYY-MM-DD HH24:MI:SS.FF6')");
  CHECK(updated->params == std::vector<data::Value>{full[1], full[2], full[0], full[3]});
}

TEST_CASE("a known server behind ODBC gets its own limit, casts and LIKE") {
  CHECK(rendered(server(Family::postgres, "public")) ==
        "SELECT \"id\"::pg_catalog.int8, \"at\"::pg_catalog.text FROM \"public\".\"orders\" WHERE "
        "((\"amount\" >= "
        "?::pg_catalog.numeric) AND (\"note\"::pg_catalog.text LIKE ?::pg_catalog.text ESCAPE '\\') AND "
        "(\"at\" < "
        "?::pg_catalog.timestamp)) ORDER BY \"id\" DESC LIMIT 3");
  CHECK(rendered({Family::mysql, "`", "shop"}) ==
        "SELECT `id`, `at` FROM `shop`.`orders` WHERE ((`amount` >= CAST(? AS DECIMAL(65, 2))) AND "
        "(CONVERT(`note` USING "
        "utf8mb4) COLLATE utf8mb4_bin LIKE ? ESCAPE '\\\\') AND (`at` < CAST(? AS DATETIME(6)))) ORDER BY "
        "`id` DESC LIMIT 3");
  CHECK(rendered(server(Family::mssql, "dbo")) ==
        "SELECT TOP (3) \"id\", CONVERT(nvarchar(27), \"at\", 121) FROM \"dbo\".\"orders\" WHERE "
        "((\"amount\" >= CAST(? AS decimal(38, 2))) AND "
        "(\"note\" COLLATE Latin1_General_100_BIN2 LIKE ? ESCAPE N'\\') AND (\"at\" < CAST(? AS "
        "datetime2(7)))) ORDER BY "
        "\"id\" DESC");
  CHECK(rendered(server(Family::oracle, "SALES")) ==
        "SELECT TO_CHAR(\"id\", 'TM9', 'NLS_NUMERIC_CHARACTERS=''.,'''), TO_CHAR(\"at\", 'SYYYY-MM-DD "
        "HH24:MI:SS.FF6') FROM "
        "\"SALES\".\"orders\" WHERE ((\"amount\" >= CAST(? AS NUMBER)) AND (\"note\" LIKE ? ESCAPE '\\') AND "
        "(\"at\" < "
        "TO_TIMESTAMP(?, 'SYYYY-MM-DD HH24:MI:SS.FF6'))) ORDER BY \"id\" DESC FETCH FIRST 3 ROWS ONLY");
  CHECK(rendered(server(Family::hana, "SALES")) ==
        "SELECT \"id\", TO_VARCHAR(CAST(\"at\" AS TIMESTAMP), 'YYYY-MM-DD HH24:MI:SS.FF7') FROM "
        "\"SALES\".\"orders\" WHERE "
        "((\"amount\" >= TO_DECIMAL(?, 38, 2)) AND (\"note\" LIKE ? ESCAPE '\\') AND (\"at\" < "
        "TO_TIMESTAMP(?, 'YYYY-MM-DD "
        "HH24:MI:SS.FF7'))) ORDER BY \"id\" DESC LIMIT 3");
  CHECK(rendered(server(Family::sqlite, "main"), std::nullopt).find("\"note\" GLOB ?") != std::string::npos);
}

TEST_CASE("Oracle's DATE has a time, and an instant is read in UTC") {
  const auto list = sql::select_list(server(Family::oracle), {"made", "seen"}, orders());
  REQUIRE(list);
  CHECK(*list ==
        "TO_CHAR(CAST(\"made\" AS TIMESTAMP(0)), 'SYYYY-MM-DD HH24:MI:SS.FF6'), "
        "TO_CHAR(SYS_EXTRACT_UTC(\"seen\"), "
        "'SYYYY-MM-DD HH24:MI:SS.FF6')");
}

TEST_CASE("SQL Server writes its times itself, and no alias stands in the way of an order") {
  data::TableInfo table;
  table.name = "t";
  const auto add = [&](const char* name, const char* sql_type, Kind kind) {
    table.columns.push_back({name, sql_type, {kind}, false, std::nullopt, {}});
  };
  add("d", "date", Kind::date);
  add("t", "time(6)", Kind::time);
  add("z", "datetimeoffset(6)", Kind::timestamptz);
  add("fine", "datetimeoffset(7)", Kind::text);
  add("v", "varchar(20)", Kind::text);
  add("n", "nvarchar(20)", Kind::text);
  const auto list = sql::select_list(server(Family::mssql, "dbo"), {"d", "t", "z", "fine", "v", "n"}, table);
  REQUIRE(list);
  CHECK(*list ==
        "CONVERT(nvarchar(10), \"d\", 121), CONVERT(nvarchar(16), \"t\", 121), CONVERT(nvarchar(27), "
        "CAST(SWITCHOFFSET(\"z\", '+00:00') AS datetime2(7)), 121), CONVERT(nvarchar(34), \"fine\", 121), "
        "CAST(\"v\" AS nvarchar(20)), \"n\"");
}

TEST_CASE("a server without quotes takes plain names only") {
  const sql::OdbcServer bare{Family::generic, "", ""};
  CHECK(*sql::quote(bare, "plain_1") == "plain_1");
  for (const char* name : {"1plain", "a b", "a\"b", "a;b", "ü"})
    CHECK(sql::quote(bare, name).error().code == Code::command_malformed);
  CHECK(*sql::quote(server(Family::generic), "a\"; DROP TABLE x; --") == "\"a\"\"; DROP TABLE x; --\"");
  CHECK(*sql::quote_table(server(Family::generic), "sales.orders.old") == "\"sales\".\"orders.old\"");
}

TEST_CASE("keys are bounded column by column, and looked up one by one") {
  data::Intent intent;
  intent.table = "orders";
  intent.columns = {"id"};
  intent.ranges = {{{"id", "note"}, {std::int64_t{1}, std::string{"a"}}, {}}};
  const auto statement = sql::render(server(Family::generic), intent, orders());
  REQUIRE(statement);
  CHECK(
      statement->text ==
      "SELECT \"id\" FROM \"orders\" WHERE ((\"id\" > ? OR (\"id\" = ? AND \"note\" > ?)) AND \"id\" >= ?)");
  CHECK(statement->params ==
        std::vector<data::Value>{std::int64_t{1}, std::int64_t{1}, std::string{"a"}, std::int64_t{1}});
  const auto lookup =
      sql::render_lookup(server(Family::generic), orders(), {"note"}, {"id", "note"},
                         {{std::int64_t{1}, std::string{"a"}}, {std::int64_t{2}, std::string{"b"}}});
  REQUIRE(lookup);
  CHECK(
      lookup->text ==
      "SELECT \"note\" FROM \"orders\" WHERE (\"id\" = ? AND \"note\" = ?) OR (\"id\" = ? AND \"note\" = ?)");
  CHECK(lookup->params.size() == 4);
}
