// Opening connections through Debian's ODBC drivers: what is wrong is told apart, and what is open only
// reads.
#include <catch2/catch.hpp>

#include <fstream>

#include "../../support/mariadb_shop.hpp"
#include "../../support/odbc_driver.hpp"
#include "../../support/refused_connection.hpp"
#include "../../support/temp_dir.hpp"

using namespace vmc;
using namespace vmc::test;
using sources::Access;

namespace {

Error refused(sources::OdbcSettings settings, Duration timeout = std::chrono::seconds{10}) {
  return refused_by(*sources::make_odbc_source(std::move(settings)), timeout);
}

std::unique_ptr<sources::Session> opened(sources::OdbcSettings settings) {
  auto session = sources::make_odbc_source(std::move(settings))->open(Access::read, std::chrono::seconds{10});
  if (!session) FAIL(session.error().text());
  return std::move(*session);
}

bool says(const Error& error, std::string_view words) {
  INFO(error.text());
  return error.text().find(words) != std::string::npos;
}

std::string all(const sources::RightsReport& rights) {
  std::string out;
  for (const auto& finding : rights.findings) out += finding + "\n";
  return out;
}

}  // namespace

TEST_CASE(
    "ODBC: a wrong password, an unknown database, name, port and driver are told apart, whatever the "
    "driver") {
  const Mute closed{false};
  for (const auto& good :
       {postgres_over_odbc("postgres"), mariadb_over_odbc("mysql"), mssql_over_odbc("master")}) {
    INFO(good.driver);
    auto settings = good;
    settings.password = [] { return Result<crypto::Secret>{crypto::Secret::from_text("wrong-pw")}; };
    CHECK(refused(settings).code == Code::auth_failed);
    settings = good;
    settings.database = "no_such_db";
    const auto unknown = refused(settings);
    CHECK(unknown.code == Code::not_found);
    CHECK(says(unknown, "no_such_db"));
    settings = good;
    settings.host = "no-such-host.invalid";
    CHECK(says(refused(settings), "does not resolve"));
    settings = good;
    settings.port = closed.port();
    CHECK(says(refused(settings), "nothing listens"));
  }
  auto settings = postgres_over_odbc("postgres");
  settings.driver = "/no/such/driver.so";
  CHECK(says(refused(settings), "the ODBC driver '/no/such/driver.so' cannot be loaded"));
  settings.driver = "No Such Driver";
  CHECK(says(refused(settings), "odbcinst"));
  settings.driver = "";
  settings.dsn = "no_such_source";
  CHECK(says(refused(settings), "no ODBC data source 'no_such_source'"));
  CHECK(says(refused(sqlite_over_odbc("/no/such/file.db")), "cannot be opened"));
  const MariadbShop shop;
  shop.user("odbc_outsider");
  CHECK(refused(mariadb_over_odbc(shop.name, "odbc_outsider")).code == Code::schema_access_denied);
  shop.run("DROP USER odbc_outsider");
}

TEST_CASE("ODBC: a server that keeps silent is given up on, where the driver has a limit for it") {
  for (auto settings : {postgres_over_odbc("postgres"), mssql_over_odbc("master")}) {
    const Mute silent{true};
    INFO(settings.driver);
    settings.port = silent.port();
    CHECK(refused(settings, std::chrono::seconds{1}).code == Code::unavailable);
  }
}

TEST_CASE("ODBC: a password may hold what means something to a connection string") {
  const std::string odd = "se;c}r{et= x+%41'\"ü";
  PostgresServer::instance().run("CREATE USER odbc_odd PASSWORD 'se;c}r{et= x+%41''\"ü'");
  CHECK(opened(postgres_over_odbc("postgres", "odbc_odd", odd)));
  PostgresServer::instance().run("DROP USER odbc_odd");
  const MariadbShop shop;
  shop.run("CREATE USER odbc_odd IDENTIFIED BY 'se;c}r{et= x+%41''\"ü'; GRANT SELECT ON *.* TO odbc_odd");
  CHECK(opened(mariadb_over_odbc(shop.name, "odbc_odd", odd)));
  shop.run("DROP USER odbc_odd");
  MssqlServer::instance().control({{"do", "user"}, {"name", "odbc_odd"}, {"password", odd}});
  CHECK(opened(mssql_over_odbc("master", "odbc_odd", odd)));
  // FreeTDS ends a value in braces at the first of these, and knows no other way to write one.
  CHECK(refused(mssql_over_odbc("master", "odbc_odd", "a};b")).code == Code::invalid_request);
}

TEST_CASE("ODBC: settings that could carry more than they say are refused") {
  const auto with = [](const std::string& options) {
    auto settings = postgres_over_odbc("postgres");
    settings.options = options;
    return refused(settings).code;
  };
  for (const char* options :
       {"PWD=secret", "Fetch=1; Password = secret", "sslpassword=secret", "SAVEFILE=/tmp/x", "UID=someone",
        "Driver=other.so", "nonsense", "a={b", "a=b\nc=d"}) {
    INFO(options);
    CHECK(with(options) == Code::invalid_request);
  }
  auto both = postgres_over_odbc("postgres");
  both.dsn = "x";
  CHECK(refused(both).code == Code::invalid_request);
  // What the owner says comes first, and counts.
  auto settings = postgres_over_odbc("no_such_db");
  settings.database.clear();
  settings.options = "Database=postgres;Fetch={7};";
  CHECK(opened(settings));
}

TEST_CASE("ODBC: a data source of odbc.ini is opened with the options its driver needs") {
  const TempDir folder;
  const auto file = folder.path() / "odbc.ini";
  const auto server = PostgresServer::instance().settings("postgres");
  std::ofstream{file} << "[mine]\nDriver = " << odbc_driver("psqlodbcw.so")
                      << "\nServername = " << server.host << "\nPort = " << server.port
                      << "\nDatabase = postgres\n";
  setenv("ODBCINI", file.c_str(), 1);
  sources::OdbcSettings settings;
  settings.dsn = "mine";
  settings.user = server.user;
  settings.password = server.password;
  PostgresServer::instance().run("CREATE TABLE IF NOT EXISTS odbc_truth AS SELECT true AS yes");
  auto session = opened(settings);
  unsetenv("ODBCINI");
  const auto table = table_named(*session, "odbc_truth");
  CHECK(table.column("yes")->type == data::Type{data::Kind::boolean});  // BoolsAsChar=0
  CHECK(read_all(*session, intent_for(table, {"yes"}), table) == Rows{{true}});
}

TEST_CASE(
    "ODBC: a session past every other layer does not write where the server has a read-only transaction") {
  const TempDir folder;
  const auto file = (folder.path() / "t.db").string();
  REQUIRE(std::system(
              ("sqlite3 '" + file + "' 'CREATE TABLE t (a integer); INSERT INTO t VALUES (1)'").c_str()) ==
          0);
  const MariadbShop shop;
  for (const char* statement : {"CREATE TABLE t (a integer)", "INSERT INTO t VALUES (1)"})
    shop.run(statement);
  PostgresServer::instance().create_database("odbc_walls");
  PostgresServer::instance().run("CREATE TABLE t (a integer); INSERT INTO t VALUES (1)", "odbc_walls");
  for (const auto& settings :
       {postgres_over_odbc("odbc_walls"), mariadb_over_odbc(shop.name), sqlite_over_odbc(file)}) {
    auto session = opened(settings);
    for (const char* statement : {"DELETE FROM t", "INSERT INTO t VALUES (2)", "UPDATE t SET a = 3"}) {
      INFO(settings.driver << ": " << statement);
      const auto outcome = session->probe(statement);
      REQUIRE_FALSE(outcome);
      CHECK(outcome.error().code == Code::write_operation_rejected);
      REQUIRE(session->reset());
    }
    const auto table = table_named(*session, "t");
    CHECK(read_all(*session, intent_for(table, {"a"}), table) == Rows{{std::int64_t{1}}});
  }
}

TEST_CASE("ODBC: SQL by hand is refused, with what to do instead") {
  auto session = opened(postgres_over_odbc("postgres"));
  Rows rows;
  sources::SqlQuery query;
  query.text = "SELECT 1";
  const auto by_hand = session->query(query, {}, into(rows));
  REQUIRE_FALSE(by_hand);
  CHECK(by_hand.error().code == Code::write_operation_rejected);
  CHECK(says(by_hand.error(), "intents only"));
}

TEST_CASE("ODBC: rights are what the driver lists of them; what nobody tells counts as weak") {
  auto& server = PostgresServer::instance();
  server.create_database("odbc_rights");
  server.run(
      "CREATE TABLE t (a int); CREATE USER odbc_reader PASSWORD 'secret'; GRANT SELECT ON t TO odbc_reader;"
      "CREATE USER odbc_writer PASSWORD 'secret'; GRANT SELECT, UPDATE ON t TO odbc_writer",
      "odbc_rights");
  const auto report = [](const sources::OdbcSettings& settings) {
    auto rights = opened(settings)->rights();
    if (!rights) FAIL(rights.error().text());
    return *rights;
  };
  const auto reader = report(postgres_over_odbc("odbc_rights", "odbc_reader"));
  CHECK_FALSE(reader.can_write);
  CHECK(all(reader).find("only a hint") != std::string::npos);
  const auto writer = report(postgres_over_odbc("odbc_rights", "odbc_writer"));
  CHECK(writer.can_write);
  CHECK(all(writer).find("public.t") != std::string::npos);
  const MariadbShop shop;
  const auto untold = report(mariadb_over_odbc(shop.name));  // rights on everything are on no table
  CHECK(untold.can_write);
  CHECK(all(untold).find("does not tell") != std::string::npos);
  server.run("DROP OWNED BY odbc_reader, odbc_writer; DROP USER odbc_reader, odbc_writer", "odbc_rights");
}
