// Reading from PostgreSQL by COPY: the same rows as singly, its values bound as ever, left early without a trace.
#include <catch2/catch.hpp>

#include "../../support/postgres_server.hpp"
#include "../../support/rows.hpp"

using namespace vmc;
using namespace vmc::test;
using data::Value;

namespace {

struct Shop {
  std::string name;
  Shop() {
    static int next = 0;
    name = "copy_" + std::to_string(next++);
    PostgresServer::instance().create_database(name);
  }
  std::string run(const std::string& sql) const { return PostgresServer::instance().run(sql, name); }
  std::unique_ptr<sources::Session> open() const {
    auto session = sources::make_postgres_source(PostgresServer::instance().settings(name))
                       ->open(sources::Access::read, std::chrono::seconds{10});
    if (!session) FAIL(session.error().text());
    return std::move(*session);
  }
};

// The key's rows in (after, up_to], copied; and with more values than COPY is given, so that they come singly.
std::pair<Rows, Rows> both_ways(sources::Session& session, const data::TableInfo& table, const Value& after,
                                const Value& up_to) {
  const auto& key = table.primary_key;
  auto intent = intent_for(table, key, {{key[0], false}});
  const data::KeyRange range{key, {after}, {up_to}};
  intent.ranges.push_back(range);
  const auto copied = read_all(session, intent, table);
  intent.ranges.insert(intent.ranges.end(), 4, range);
  return {copied, read_all(session, intent, table)};
}

}  // namespace

TEST_CASE("PostgreSQL: rows are copied out, but come singly where there is a filter or a great many bounds") {
  Shop shop;
  shop.run("CREATE VIEW shown AS SELECT query::text AS q, 1 AS one FROM pg_stat_activity WHERE pid = pg_backend_pid()");
  auto session = shop.open();
  const auto table = table_named(*session, "shown");
  const auto sent = [&](const data::Intent& intent) {
    const auto rows = read_all(*session, intent, table);
    REQUIRE(rows.size() == 1);
    return std::get<std::string>(rows[0][0]);
  };
  auto intent = intent_for(table, {"q"});
  CHECK(sent(intent).starts_with("COPY (SELECT"));
  const data::KeyRange range{{"one"}, {std::int64_t{0}}, {std::int64_t{1}}};
  intent.ranges.push_back(range);
  intent.limit = 1;
  CHECK(sent(intent).starts_with("COPY (SELECT"));
  auto filtered = intent;
  filtered.filter = data::Filter{data::Filter::Op::eq, "one", {std::int64_t{1}}, {}};
  CHECK(sent(filtered).starts_with("SELECT ROW("));
  intent.ranges.insert(intent.ranges.end(), 4, range);
  CHECK(sent(intent).starts_with("SELECT ROW("));
}

TEST_CASE("PostgreSQL: a range means the same for keys of every type, however odd its values and its name") {
  struct Case {
    const char* type;
    std::vector<const char*> values;  // in their order
  };
  const std::vector<Case> cases{
      {"bigint", {"-9223372036854775808", "-1", "0", "9223372036854775807"}},
      {"numeric(38,10)", {"-1234567890123456789012345678.0123456789", "0", "0.0000000001"}},
      {"double precision", {"'-Infinity'", "0.1", "0.30000000000000004", "'Infinity'"}},
      {"boolean", {"false", "true"}},
      {"date", {"'4000-01-01 BC'", "'0001-01-01'", "'9999-12-31'", "'12345-06-07'", "'infinity'"}},
      {"time", {"'00:00'", "'12:34:56.789012'", "'24:00'"}},
      {"timestamp", {"'-infinity'", "'4000-01-01 BC'", "'2024-02-29 12:00:00.000001'", "'99999-01-01'"}},
      {"timestamptz", {"'-infinity'", "'1900-01-01 00:00:00+00'", "'2024-02-29 12:00:00.000001+02'", "'infinity'"}},
      {"uuid", {"'00000000-0000-0000-0000-000000000001'", "'ffffffff-0000-0000-0000-000000000000'"}},
      {"bytea", {"'\\x'", "'\\x00'", "'\\x005c27'", "'\\xff'"}},
      {"text COLLATE \"C\"", {"''", "'\"$1\"'", "'a\\b'", "'it''s $1::int'", "'日本'"}},
      {"char(4)", {"'a'", "'b'"}},
      {"inet", {"'10.0.0.0/8'", "'10.0.0.1'", "'::1'"}},
  };
  Shop shop;
  for (const auto& [type, values] : cases) {
    INFO(type);
    shop.run(std::string{"DROP TABLE IF EXISTS t; CREATE TABLE t (\"a\"\"$1'::b\" "} + type + " PRIMARY KEY)");
    for (const auto* value : values) shop.run(std::string{"INSERT INTO t VALUES ("} + value + ")");
    auto session = shop.open();
    const auto table = table_named(*session, "t");
    const auto all = read_all(*session, intent_for(table, table.primary_key, {{table.primary_key[0], false}}), table);
    REQUIRE(all.size() == values.size());
    const auto [copied, single] = both_ways(*session, table, all.front()[0], all.back()[0]);
    CHECK(copied == single);
    CHECK(copied == Rows{all.begin() + 1, all.end()});
  }
}

TEST_CASE("PostgreSQL: an enum's range goes singly, because the server alone knows its type") {
  Shop shop;
  shop.run("CREATE TYPE mood AS ENUM ('low', 'mid', 'high'); CREATE TABLE t (m mood PRIMARY KEY);"
           "INSERT INTO t VALUES ('low'), ('mid'), ('high')");
  auto session = shop.open();
  const auto table = table_named(*session, "t");
  const auto [first, second] = both_ways(*session, table, std::string{"low"}, std::string{"high"});
  CHECK(first == second);
  CHECK(first == Rows{{std::string{"mid"}}, {std::string{"high"}}});
}

TEST_CASE("PostgreSQL: no rows, wide rows and rows of nulls are copied") {
  Shop shop;
  shop.run("CREATE TABLE t (id int PRIMARY KEY, v text);"
           "INSERT INTO t VALUES (1, repeat('x', 3000000)), (2, NULL), (3, '')");
  auto session = shop.open();
  const auto table = table_named(*session, "t");
  const auto rows = read_all(*session, intent_for(table, {"id", "v"}, {{"id", false}}), table);
  REQUIRE(rows.size() == 3);
  CHECK(rows[0][1] == Value{std::string(3'000'000, 'x')});
  CHECK(data::is_null(rows[1][1]));
  CHECK(rows[2][1] == Value{std::string{}});
  auto none = intent_for(table, {"id", "v"});
  none.limit = 0;
  CHECK(read_all(*session, none, table).empty());
}

TEST_CASE("PostgreSQL: a copy that is left early or fails midway leaves the session as good as before") {
  Shop shop;
  shop.run("CREATE TABLE t AS SELECT i::bigint AS i FROM generate_series(1, 20000) i;"
           "CREATE VIEW broken AS SELECT 1 / (19999 - i) AS q FROM t");
  auto session = shop.open();
  const auto table = table_named(*session, "t");
  const auto full = [](const data::Batch&) -> Result<void> { return fail(Code::quota_exceeded, "no room"); };
  // All of it has come, or most: it is taken to its end, or the server is told to stop and the session is given up.
  const auto left = session->read(intent_for(table, {"i"}), table, {}, full);
  REQUIRE_FALSE(left);
  CHECK(left.error().code == Code::quota_exceeded);
  if (!session->reset()) session = shop.open();
  auto small = intent_for(table, {"i"});
  small.limit = 8'192;  // one batch: by then the server has sent the end as well, or is about to
  const auto once_more = session->read(small, table, {}, full);
  REQUIRE_FALSE(once_more);
  if (!session->reset()) session = shop.open();
  const auto broken = table_named(*session, "broken");
  Rows rows;
  const auto failed = session->read(intent_for(broken, {"q"}), broken, {}, into(rows));
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == Code::database_error);
  CHECK(session->reset());
  CHECK(read_all(*session, small, table).size() == 8'192);
}
