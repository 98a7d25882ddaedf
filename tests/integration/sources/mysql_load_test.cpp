// Loading into MariaDB: nothing rounded, cut, padded or numbered by the server; by key, not by any key.
#include <catch2/catch.hpp>

#include "../../support/mariadb_shop.hpp"

using namespace vmc;
using namespace vmc::test;
using data::Kind;
using data::Value;
using sources::Access;

namespace {

using Shop = MariadbShop;

Result<sources::LoadOutcome> load(sources::Session& session, const data::TableInfo& table,
                                  const std::vector<std::string>& columns, const Rows& rows,
                                  sources::LoadRequest::Mode mode = sources::LoadRequest::Mode::upsert) {
  static int next = 0;
  auto request = load_request(table, columns, "run " + std::to_string(next++));
  request.mode = mode;
  auto outcome = session.load(request, table, once(batch_of(request.columns, rows)));
  if (!outcome) session.reset();
  return outcome;
}

constexpr auto kInsert = sources::LoadRequest::Mode::insert;
constexpr auto kUpsert = sources::LoadRequest::Mode::upsert;

// The server takes no LOAD DATA LOCAL while this stands.
struct NoLocalInfile {
  NoLocalInfile() { MariadbServer::instance().run("SET GLOBAL local_infile = 0"); }
  ~NoLocalInfile() { MariadbServer::instance().run("SET GLOBAL local_infile = 1"); }
};

}  // namespace

TEST_CASE("MariaDB: what was read from any type is loaded into the same, equal at the end") {
  const std::vector<std::pair<const char*, std::vector<const char*>>> types{
      {"boolean", {"0", "1"}},
      {"tinyint", {"-128", "127"}},
      {"mediumint unsigned", {"16777215"}},
      {"bigint unsigned", {"0", "18446744073709551615"}},
      {"decimal(65,30)", {"99999999999999999999999999999999999.999999999999999999999999999999", "-1"}},
      {"decimal(38,38)", {"-0.00000000000000000000000000000000000001"}},
      {"decimal(12,2)", {"-0.05", "9999999999.99", "0"}},
      {"float", {"0.1", "-3.40282347e38", "1.17549435e-38"}},
      {"double", {"0.1", "-1.7976931348623157e308", "2.2250738585072014e-308"}},
      {"bit(1)", {"b'0'", "b'1'"}},
      {"bit(9)", {"b'100000001'"}},
      {"bit(64)", {"18446744073709551615"}},
      {"year", {"1901", "2155", "0", "1970"}},
      {"date", {"'0001-01-01'", "'9999-12-31'"}},
      {"time(6)", {"'-838:59:59'", "'838:59:59'", "'-00:00:00.000001'"}},
      {"datetime(6)", {"'0001-01-01 00:00:00'", "'9999-12-31 23:59:59.999999'"}},
      {"timestamp(6) NULL", {"'1970-01-01 00:00:01'", "'2038-01-19 03:14:07.999999'"}},
      {"char(5)", {"'ab'", "'日本😀'", "''"}},
      {"varchar(20)", {"'ab  '", "''", "'\\\\N'", "'\\\\'", "'tab\\tline\\nend'", "'日😀'"}},
      {"varchar(20) CHARACTER SET latin1", {"'é'"}},
      {"varchar(20) CHARACTER SET utf8mb3", {"'日本'"}},
      {"longtext", {"'x'"}},
      {"binary(4)", {"x'00ff'"}},
      {"varbinary(8)", {"x''", "x'00'", "x'e30a095c00'"}},
      {"enum('calm','wild ''one''')", {"'wild ''one'''", "'calm'"}},
      {"set('a','b','c')", {"'a,c'", "''"}},
      {"json", {"'{\"b\": 1.50, \"a\": \"\\\\n\"}'"}},
      {"uuid", {"'00112233-4455-6677-8899-aabbccddeeff'"}},
      {"inet6", {"'::1'"}},
      {"point", {"ST_GeomFromText('POINT(1 2)')"}},
  };
  Shop shop;
  auto reader = shop.open();
  auto writer = shop.open(Access::load);
  for (const auto& [type, values] : types) {
    INFO(type);
    shop.run("DROP TABLE IF EXISTS a; DROP TABLE IF EXISTS b; CREATE TABLE a (n int PRIMARY KEY AUTO_INCREMENT, v " +
             std::string{type} + "); CREATE TABLE b LIKE a");
    for (const char* value : values)
      shop.run(std::string{"SET sql_mode = ''; INSERT INTO a (v) VALUES ("} + value + ")");
    shop.run("INSERT INTO a (v) VALUES (NULL); SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'; UPDATE a SET n = 0 WHERE n = 1");
    const auto from = table_named(*reader, "a"), to = table_named(*reader, "b");
    const auto rows = read_all(*reader, intent_for(from, {"n", "v"}, {{"n", false}}), from);
    const auto read_back = [&] { return read_all(*reader, intent_for(to, {"n", "v"}, {{"n", false}}), to); };
    for (const auto mode : {kInsert, kUpsert, kUpsert}) {
      auto outcome = load(*writer, to, {"n", "v"}, rows, mode);
      if (!outcome) FAIL(outcome.error().text());
      CHECK(read_back() == rows);
    }
    shop.run("DELETE FROM b");
    const NoLocalInfile none;
    for (const auto mode : {kInsert, kUpsert}) {
      auto outcome = load(*writer, to, {"n", "v"}, rows, mode);
      if (!outcome) FAIL(outcome.error().text());
      CHECK(read_back() == rows);
    }
  }
}

TEST_CASE("MariaDB: a value that the column would not keep is refused, whichever way rows travel") {
  Shop shop;
  shop.run(
      "CREATE TABLE t (id int PRIMARY KEY, s tinyint, f float, c char(5), v varchar(3), l varchar(10) CHARACTER SET "
      "latin1, b binary(2), d datetime(2), y year, m enum('a','b'), n decimal(65,2), tiny tinytext, ts timestamp NULL, "
      "j json, r int, CONSTRAINT positive CHECK (r > 0))");
  auto writer = shop.open(Access::load);
  const auto table = table_named(*writer, "t");
  const std::vector<std::pair<std::string, Value>> bad{
      {"s", std::int64_t{128}},
      {"f", 0.1},
      {"f", std::numeric_limits<double>::infinity()},
      {"c", std::string{"ab "}},
      {"c", std::string{"abcdef"}},
      {"v", std::string{"ab  "}},
      {"v", std::string{"日本日本"}},
      {"l", std::string{"日"}},
      {"b", Bytes{1}},
      {"d", data::Timestamp{1'001}},
      {"d", data::Timestamp{data::kInfinity}},
      {"y", std::int64_t{70}},
      {"m", std::string{"canary"}},
      {"n", data::Number{"0.001"}},
      {"n", data::Number{"NaN"}},
      {"tiny", std::string(256, 'x')},
      {"ts", data::TimestampTz{-1}},
      {"j", data::JsonText{"{\"a\": canary"}},
      {"r", std::int64_t{-1}},
  };
  const auto all_refused = [&] {
    for (const auto& [column, value] : bad)
      for (const auto mode : {kInsert, kUpsert}) {
        INFO(column << (mode == kInsert ? " insert" : " upsert"));
        const auto outcome = load(*writer, table, {"id", column}, {{std::int64_t{1}, value}}, mode);
        CHECK_FALSE(outcome);
        if (!outcome) CHECK(outcome.error().text().find("canary") == std::string::npos);
        CHECK(shop.run("SELECT count(*) FROM t") == "0");
      }
  };
  all_refused();
  const NoLocalInfile none;
  all_refused();
}

TEST_CASE("MariaDB: an upsert goes by the load's key, not by any unique key the table has") {
  Shop shop;
  shop.run(
      "CREATE TABLE t (id int PRIMARY KEY, sku varchar(10) COLLATE utf8mb4_general_ci UNIQUE, note text); INSERT INTO "
      "t "
      "VALUES (1, 'a', 'old'), (2, 'b', 'old')");
  auto writer = shop.open(Access::load);
  const auto table = table_named(*writer, "t");
  const auto note = [](const char* text) { return Value{std::string{text}}; };
  const auto clash = load(*writer, table, {"id", "sku", "note"}, {{std::int64_t{3}, note("B"), note("new")}});
  REQUIRE_FALSE(clash);
  CHECK(clash.error().code == Code::conflict);
  CHECK(shop.run("SELECT group_concat(note ORDER BY id) FROM t") == "old,old");
  const auto good = load(*writer, table, {"id", "sku", "note"},
                         {{std::int64_t{2}, note("b"), note("first")},
                          {std::int64_t{4}, note("d"), note("new")},
                          {std::int64_t{2}, note("c"), note("last")}});
  if (!good) FAIL(good.error().text());
  CHECK(shop.run("SELECT group_concat(id, sku, note ORDER BY id) FROM t") == "1aold,2clast,4dnew");
  // By the other key, whose texts compare without case.
  auto request = load_request(table, {"sku", "note", "id"}, "by sku");
  request.key = {"sku"};
  const Rows rows{{note("A"), note("x"), std::int64_t{1}}, {note("a"), note("y"), std::int64_t{1}}};
  auto by_sku = writer->load(request, table, once(batch_of(request.columns, rows)));
  if (!by_sku) FAIL(by_sku.error().text());
  CHECK(shop.run("SELECT note FROM t WHERE id = 1") == "y");
}

TEST_CASE("MariaDB: a table without transactions is not loaded into") {
  Shop shop;
  shop.run("CREATE TABLE t (id int PRIMARY KEY) ENGINE = MyISAM");
  auto writer = shop.open(Access::load);
  const auto refused = load(*writer, table_named(*writer, "t"), {"id"}, {{std::int64_t{1}}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::invalid_request);
}

TEST_CASE("MariaDB: a user without the right to write is told which one is missing") {
  Shop shop;
  shop.run("CREATE TABLE t (id int PRIMARY KEY)");
  shop.user("reader");
  shop.run("GRANT SELECT ON \"" + shop.name + "\".* TO reader");
  auto writer = shop.open(Access::load, "reader");
  const auto refused = load(*writer, table_named(*writer, "t"), {"id"}, {{std::int64_t{1}}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::write_not_permitted);
  CHECK(refused.error().hint.find("vmc_applied") != std::string::npos);
  // With exactly what the hints ask for it works.
  shop.run(
      "CREATE TABLE vmc_applied (scope varchar(255) NOT NULL, part bigint NOT NULL, epoch bigint NOT NULL, \"rows\" "
      "bigint NOT NULL, applied_at datetime(6) NOT NULL, PRIMARY KEY (scope, part)) ENGINE = InnoDB; GRANT INSERT, "
      "UPDATE, SELECT ON t TO reader; GRANT INSERT, UPDATE, SELECT ON vmc_applied TO reader; GRANT CREATE TEMPORARY "
      "TABLES ON \"" +
      shop.name + "\".* TO reader");
  auto again = shop.open(Access::load, "reader");
  auto outcome = load(*again, table_named(*again, "t"), {"id"}, {{std::int64_t{1}}});
  if (!outcome) FAIL(outcome.error().text());
  CHECK(shop.run("SELECT count(*) FROM t") == "1");
  shop.run("DROP USER reader");
}
