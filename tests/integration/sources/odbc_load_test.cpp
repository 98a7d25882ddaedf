// Loading through Debian's ODBC drivers: what is kept is what was sent, or nothing is.
#include <catch2/catch.hpp>

#include <cstdlib>
#include <fstream>
#include <thread>

#include "../../support/mariadb_shop.hpp"
#include "../../support/odbc_driver.hpp"
#include "../../support/temp_dir.hpp"

using namespace vmc;
using namespace vmc::test;
using data::Value;
using sources::Access;
using Mode = sources::LoadRequest::Mode;

namespace {

PostgresServer& postgres() { return PostgresServer::instance(); }

std::unique_ptr<sources::Session> opened(sources::OdbcSettings settings, Access access = Access::load) {
  auto session = sources::make_odbc_source(std::move(settings))->open(access, std::chrono::seconds{10});
  if (!session) FAIL(session.error().text());
  return std::move(*session);
}

void in_sqlite(const std::string& file, const std::string& sql) {
  const auto script = file + ".sql";
  std::ofstream{script} << sql;
  REQUIRE(std::system(("sqlite3 '" + file + "' < '" + script + "'").c_str()) == 0);
}

// Each with the table "t (k, v)", which this makes.
struct Place {
  TempDir folder;
  MariadbShop shop;
  std::string file = folder.path() / "shop.db";
  std::string database;
  Place() {
    static int next = 0;
    database = "odbc_load_" + std::to_string(next++);
    postgres().create_database(database);
  }
  sources::OdbcSettings make(const std::string& which, const std::string& ddl) const {
    if (which == "postgres") return postgres().run(ddl, database), postgres_over_odbc(database);
    if (which == "mariadb") return shop.run(ddl), mariadb_over_odbc(shop.name);
    return in_sqlite(file, ddl), sqlite_over_odbc(file);
  }
};

bool says(const Error& error, std::string_view words) { return error.text().find(words) != std::string::npos; }

}  // namespace

TEST_CASE("ODBC: what the database would change of a row is noticed before the commit, and nothing is loaded") {
  struct Case {
    const char *where, *ddl;
    Value value;
    const char* word;  // of the refusal
  };
  const std::string kept = "keeps another value", key = "CREATE TABLE t (k bigint NOT NULL PRIMARY KEY, v ";
  const std::string trigger =
      "CREATE FUNCTION louder() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.v = upper(NEW.v); RETURN NEW; END'; "
      "CREATE TRIGGER louder BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION louder()";
  const std::vector<std::tuple<std::string, std::string, Value, std::string>> cases{
      {"postgres", key + "char(5))", std::string{"ab"}, kept},
      {"postgres", key + "real)", 0.1, kept},
      {"postgres", key + "jsonb)", data::JsonText{R"({"b":1})"}, kept},
      {"postgres", key + "text); " + trigger, std::string{"quiet"}, kept},
      {"postgres", key + "varchar(3))", std::string{"long"}, "does not fit"},
      {"postgres", key + "text)", std::string{"a\0b", 3}, ""},
      {"mariadb", key + "char(5))", std::string{"ab "}, kept},
      {"mariadb", key + "float)", 0.1, kept},
      {"mariadb", key + "varchar(3))", std::string{"long"}, "does not fit"},
      {"mariadb", key + "timestamp NULL)", data::TimestampTz{1'000'001}, kept},
      {"mariadb", key + "varchar(9) CHARACTER SET latin1)", std::string{"日"}, ""},
      {"sqlite", key + "text)", std::string{"a\0b", 3}, ""}};
  for (const bool again : {false, true})
    for (const auto& [where, ddl, value, word] : cases) {
      const Place place;
      INFO(where << ": " << ddl << (again ? ", upsert" : ", insert"));
      auto session = opened(place.make(where, ddl));
      const auto table = table_named(*session, "t");
      auto request = load_request(table, {"k", "v"}, "run");
      request.mode = again ? Mode::upsert : Mode::insert;
      const auto refused = load(*session, request, table, {{std::int64_t{1}, {}}, {std::int64_t{2}, value}});
      REQUIRE_FALSE(refused);
      CHECK(says(refused.error(), word));
      if (word == kept) {
        CHECK(refused.error().code == Code::invalid_request);
        CHECK(says(refused.error(), "column 'v', row 2"));
      }
      CHECK_FALSE(says(refused.error(), "quiet"));
      if (!session->reset()) session = opened(place.make(where, "SELECT 1"));
      CHECK(read_all(*session, intent_for(table, {"k"}), table).empty());
      CHECK_FALSE(must_load(*session, request, table, {{std::int64_t{1}, {}}}).already_applied);
    }
}

TEST_CASE("ODBC: rows by the thousand are inserted, updated and counted once") {
  for (const std::string where : {"postgres", "mariadb", "sqlite"}) {
    const Place place;
    INFO(where);
    auto session = opened(place.make(where, "CREATE TABLE t (k bigint NOT NULL, part integer NOT NULL, v varchar(40), "
                                            "PRIMARY KEY (part, k))"));
    const auto table = table_named(*session, "t");
    Rows rows, changed;
    for (std::int64_t k = 0; k < 1'501; ++k) {
      rows.push_back({k, k % 7, "row " + std::to_string(k)});
      if (k % 2) changed.push_back({k, k % 7, k % 3 ? Value{"new " + std::to_string(k)} : Value{}});
    }
    auto request = load_request(table, {"k", "part", "v"}, "run");
    request.mode = Mode::insert;
    CHECK(must_load(*session, request, table, rows).rows == 1'501);
    request.mode = Mode::upsert;
    request.part = 1;
    changed.push_back({std::int64_t{9'000}, std::int64_t{1}, std::string{"late"}});
    CHECK(must_load(*session, request, table, changed).rows == 751);
    CHECK(must_load(*session, request, table, {}).already_applied);
    request.part = 2;  // the very same rows: an UPDATE that changes nothing
    CHECK(must_load(*session, request, table, changed).rows == 751);
    Rows expected = rows;
    for (const auto& row : changed)
      if (const auto k = static_cast<std::size_t>(std::get<std::int64_t>(row[0])); k < expected.size()) expected[k] = row;
    expected.push_back(changed.back());
    CHECK(read_all(*session, intent_for(table, {"k", "part", "v"}, {{"k", false}}), table) == expected);
  }
}

TEST_CASE("ODBC: a value of an enumeration and a key the database counts itself are loaded as they are") {
  const Place place;
  auto session = opened(place.make("postgres", "CREATE TYPE mood AS ENUM ('glad', 'sad'); CREATE TABLE t (k bigserial "
                                               "PRIMARY KEY, v mood, w mood)"));
  const auto table = table_named(*session, "t");
  auto request = load_request(table, {"k", "v", "w"}, "run");
  request.mode = Mode::insert;
  const Rows rows{{std::int64_t{7}, std::string{"glad"}, {}}, {std::int64_t{8}, {}, std::string{"sad"}}};
  must_load(*session, request, table, rows);
  CHECK(read_all(*session, intent_for(table, {"k", "v", "w"}, {{"k", false}}), table) == rows);
  auto counted = opened(place.make("mariadb", "CREATE TABLE t (k bigint AUTO_INCREMENT PRIMARY KEY, v ENUM('glad', 'sad'))"));
  const auto other = table_named(*counted, "t");
  const Rows zero{{std::int64_t{0}, std::string{"sad"}}};
  must_load(*counted, load_request(other, {"k", "v"}, "run"), other, zero);
  CHECK(read_all(*counted, intent_for(other, {"k", "v"}), other) == zero);
}

TEST_CASE("ODBC: what could not be found again or rolled back is refused with what to do instead") {
  const Place place;
  auto session = opened(place.make("mariadb", "CREATE TABLE t (k bigint PRIMARY KEY, v varchar(40)); "
                                              "CREATE TABLE loose (v varchar(40), w varchar(40) UNIQUE); "
                                              "CREATE TABLE old (k bigint PRIMARY KEY) ENGINE = MyISAM"));
  const auto refused = [&](const char* name, std::vector<std::string> columns, Mode mode, const Row& row,
                           std::string_view word) {
    const auto table = table_named(*session, name);
    auto request = load_request(table, columns, "run");
    request.mode = mode;
    const auto outcome = load(*session, request, table, {row});
    INFO(name);
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().code == Code::invalid_request);
    CHECK(says(outcome.error(), word));
    REQUIRE(session->reset());
    CHECK(read_all(*session, intent_for(table, columns), table).empty());
  };
  refused("t", {"v"}, Mode::insert, {std::string{"x"}}, "found again by a key");
  refused("loose", {"v", "w"}, Mode::insert, {std::string{"x"}, std::string{"y"}}, "found again by a key");
  refused("old", {"k"}, Mode::upsert, {std::int64_t{1}}, "ENGINE = InnoDB");
  const auto old = table_named(*session, "old");
  CHECK(says(session->swap(load_request(old, {"k"}, "run"), old, 0).error(), "ENGINE = InnoDB"));
}

TEST_CASE("ODBC: a table that others inherit from is not replaced, as their rows would go too") {
  const Place place;
  auto session = opened(place.make("postgres", "CREATE TABLE t (k bigint PRIMARY KEY); CREATE TABLE heir () INHERITS (t); "
                                               "INSERT INTO heir VALUES (1)"));
  const auto table = table_named(*session, "t");
  const auto outcome = session->swap(load_request(table, {"k"}, "run"), table, 0);
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == Code::invalid_request);
  CHECK(says(outcome.error(), "inherit"));
  REQUIRE(session->reset());
  CHECK(read_all(*session, intent_for(table, {"k"}), table).size() == 1);
}

TEST_CASE("ODBC: a user who may not write, or not create vmc_applied, is told which") {
  const Place place;
  place.make("postgres", "CREATE TABLE t (k bigint PRIMARY KEY); CREATE USER odbc_loader PASSWORD 'secret'; "
                         "REVOKE CREATE ON SCHEMA public FROM PUBLIC; GRANT SELECT ON t TO odbc_loader");
  auto session = opened(postgres_over_odbc(place.database, "odbc_loader"));
  const auto table = table_named(*session, "t");
  const auto request = load_request(table, {"k"}, "run");
  const auto refused = [&](std::string_view word) {
    const auto outcome = load(*session, request, table, {{std::int64_t{1}}});
    REQUIRE_FALSE(outcome);
    INFO(outcome.error().text());
    CHECK(outcome.error().code == Code::write_not_permitted);
    CHECK(says(outcome.error(), word));
    REQUIRE(session->reset());
  };
  refused("Create it: CREATE TABLE \"public\".\"vmc_applied\"");
  place.make("postgres", "CREATE TABLE public.vmc_applied (scope text NOT NULL, part bigint NOT NULL, epoch bigint NOT NULL, "
                         "rows bigint NOT NULL, applied_at timestamptz NOT NULL, PRIMARY KEY (scope, part)); "
                         "GRANT SELECT, INSERT, UPDATE ON vmc_applied TO odbc_loader");
  refused("GRANT SELECT, INSERT, UPDATE");
  place.make("postgres", "GRANT INSERT, UPDATE ON t TO odbc_loader");
  CHECK(must_load(*session, request, table, {{std::int64_t{1}}}).rows == 1);
  session.reset();
  place.make("postgres", "DROP OWNED BY odbc_loader; DROP USER odbc_loader");
}

TEST_CASE("ODBC: a load that is interrupted leaves nothing behind") {
  for (const std::string where : {"postgres", "mariadb", "sqlite"}) {
    const Place place;
    INFO(where);
    const auto settings = place.make(where, "CREATE TABLE t (k bigint NOT NULL PRIMARY KEY)");
    auto session = opened(settings);
    const auto table = table_named(*session, "t");
    const auto request = load_request(table, {"k"}, "run");
    std::int64_t batches = 0;
    const auto cut = [&]() -> Result<std::optional<data::Batch>> {
      Rows rows;
      for (std::int64_t k = 0; k < 400; ++k) rows.push_back({batches * 400 + k});
      if (++batches == 2) session->interrupt();
      return std::optional{batch_of(request.columns, rows)};
    };
    const auto outcome = session->load(request, table, cut);
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().code == Code::cancelled);
    CHECK_FALSE(session->reset());
    session = opened(settings);
    CHECK(read_all(*session, intent_for(table, {"k"}), table).empty());
    CHECK_FALSE(must_load(*session, request, table, {{std::int64_t{1}}}).already_applied);
  }
}

TEST_CASE("ODBC: an upsert that another unique key stands against is a conflict, and not one to be tried again") {
  for (const std::string where : {"postgres", "mariadb", "sqlite"}) {
    const Place place;
    INFO(where);
    auto session = opened(place.make(
        where, "CREATE TABLE t (k bigint NOT NULL PRIMARY KEY, v varchar(40) UNIQUE); INSERT INTO t VALUES (1, 'taken')"));
    const auto table = table_named(*session, "t");
    auto request = load_request(table, {"k", "v"}, "run");
    request.mode = Mode::upsert;
    const auto outcome = load(*session, request, table, {{std::int64_t{2}, std::string{"taken"}}});
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().code == Code::conflict);
    CHECK(says(outcome.error(), "unique key"));
    CHECK_FALSE(says(outcome.error(), "taken"));
  }
}

TEST_CASE("ODBC: a load pins what the database's owner has made its default") {
  const Place place;
  const auto settings = place.make("postgres", "CREATE TABLE t (k bigint NOT NULL PRIMARY KEY)");
  postgres().run("ALTER DATABASE " + place.database + " SET default_transaction_read_only = on");
  postgres().run("ALTER DATABASE " + place.database + " SET default_transaction_isolation = 'serializable'");
  auto session = opened(settings);
  const auto table = table_named(*session, "t");
  CHECK(must_load(*session, load_request(table, {"k"}, "run"), table, {{std::int64_t{1}}}).rows == 1);
}

TEST_CASE("ODBC: parts of a run are loaded side by side, and one part only once") {
  for (const std::string where : {"postgres", "mariadb", "sqlite"}) {
    const Place place;
    INFO(where);
    const auto settings = place.make(where, "CREATE TABLE t (k bigint NOT NULL PRIMARY KEY, v varchar(40))");
    auto first = opened(settings), second = opened(settings);
    const auto table = table_named(*first, "t");
    must_load(*first, load_request(table, {"k", "v"}, "before"), table, {});  // vmc_applied is there
    // Odd and even keys, a little at a time: whose statements wait for the other's would wait for ever.
    // The batches are made beforehand: the test's own checks are for one thread.
    const auto part_of = [&](std::int64_t part, std::int64_t from) {
      auto request = load_request(table, {"k", "v"}, "run", part);
      auto batches = std::make_shared<std::vector<data::Batch>>();
      for (std::int64_t k = from; k < 400; k += 2) batches->push_back(batch_of(request.columns, {{k, std::string{"x"}}}));
      return [&table, request, batches](sources::Session& session) {
        std::size_t at = 0;
        return session.load(request, table, [&]() -> Result<std::optional<data::Batch>> {
          if (at == batches->size()) return std::optional<data::Batch>{};
          return std::optional{(*batches)[at++]};
        });
      };
    };
    const auto load_even = part_of(0, 0), load_odd = part_of(1, 1);
    std::optional<Result<sources::LoadOutcome>> beside;
    std::thread other{[&] { beside = load_odd(*second); }};
    const auto even = load_even(*first);
    other.join();
    REQUIRE(even);
    REQUIRE(*beside);
    CHECK(even->rows == 200);
    CHECK((*beside)->rows == 200);

    // The second attempt comes while the first is at work.
    const auto request = load_request(table, {"k", "v"}, "again", 5);
    const auto early_rows = batch_of(request.columns, {{std::int64_t{8'000}, std::string{"early"}}});
    const auto late_rows = once(batch_of(request.columns, {{std::int64_t{9'000}, std::string{"late"}}}));
    std::optional<std::thread> late;
    const auto rows = [&]() -> Result<std::optional<data::Batch>> {
      if (late) return std::optional<data::Batch>{};
      late.emplace([&] { beside = second->load(request, table, late_rows); });
      return std::optional{early_rows};
    };
    const auto early = first->load(request, table, rows);
    late->join();
    REQUIRE(early);
    CHECK(early->rows == 1);
    if (*beside)
      CHECK((*beside)->already_applied);
    else
      CHECK(beside->error().code == Code::unavailable);
    first->reset();
    CHECK(read_all(*first, intent_for(table, {"k"}), table).size() == 401);
  }
}
