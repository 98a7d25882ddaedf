// The databases that the contract of a Source is asked of: a real SQLite file, a real PostgreSQL, a real MariaDB and
// the TDS test server; and all of them through ODBC's drivers, for reading.
#pragma once

#include <sqlite3.h>
#include <catch2/catch.hpp>

#include <limits>
#include <map>
#include <regex>

#include "../../support/mariadb_server.hpp"
#include "../../support/mssql_server.hpp"
#include "../../support/odbc_driver.hpp"
#include "../../support/postgres_server.hpp"
#include "../../support/rows.hpp"
#include "../../support/temp_dir.hpp"

namespace vmc::test {

using sources::Access;

// A database under test: how to speak to it directly, and what its types are called.
struct Backend {
  virtual ~Backend() = default;
  virtual std::unique_ptr<sources::Source> source() = 0;
  virtual std::unique_ptr<sources::Source> writing_source() { return source(); }
  virtual void run(const std::string& sql) = 0;
  virtual std::string type(const std::string& kind) const = 0;
  // A view that never ends.
  virtual std::string endless() const = 0;
  // A statement's parameter, counted from 1.
  virtual std::string parameter(int number) const { return "?" + std::to_string(number); }
  // What its unbounded number and its instant with a zone hold at their ends; four of each.
  virtual std::vector<std::string> numbers() const {
    return {"-0.000000000000000000000000000000000000000000000000001",
            "123456789012345678901234567890123456789012345678901234567890.5", "0", "10000"};
  }
  virtual std::vector<std::int64_t> instants() const {
    return {-1, 1'709'208'000'000'001, 253'402'300'799'999'999, 0};
  }
  // Does discovery read what views reach? Otherwise each counts as reaching anything.
  virtual bool reads_views() const { return true; }
  virtual void redefine(const std::string& view, const std::string& select) {
    run("CREATE OR REPLACE VIEW " + view + " AS " + select);
  }
  // Kinds the database has no type for.
  virtual std::vector<std::string> lacks() const { return {}; }
  // The smallest number above zero that its float holds.
  virtual double least() const { return std::numeric_limits<double>::denorm_min(); }

  std::unique_ptr<sources::Session> open(Access access) {
    auto session = (access == Access::load ? writing_source() : source())->open(access, std::chrono::seconds{10});
    if (!session) FAIL(session.error().text());
    return std::move(*session);
  }
  // By the database's own source.
  virtual std::unique_ptr<sources::Session> looking() { return open(Access::read); }
};

struct Sqlite final : Backend {
  TempDir directory;
  std::string file = directory.path() / "test.db";
  Sqlite() { run("CREATE TABLE seed (n INTEGER)"); }
  std::unique_ptr<sources::Source> source() override { return sources::make_sqlite_source({file}); }
  void run(const std::string& sql) override {
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open(file.c_str(), &db) == SQLITE_OK);
    char* text = nullptr;
    const int rc = sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &text);
    INFO(sql << ": " << (text ? text : ""));
    sqlite3_free(text);
    sqlite3_close(db);
    REQUIRE(rc == SQLITE_OK);
  }
  void redefine(const std::string& view, const std::string& select) override {
    run("DROP VIEW " + view + "; CREATE VIEW " + view + " AS " + select);
  }
  std::string type(const std::string& kind) const override {
    static const std::map<std::string, std::string> names{{"decimal", "DECIMAL_TEXT(12,2)"},
                                                          {"wide", "DECIMAL_TEXT(38,10)"},
                                                          {"number", "NUMERIC_TEXT"},
                                                          {"float64", "REAL"},
                                                          {"bytes", "BLOB"},
                                                          {"timestamptz", "TIMESTAMPTZ"},
                                                          {"json", "JSON_TEXT"}};
    const auto it = names.find(kind);
    return it == names.end() ? kind : it->second;
  }
  std::string endless() const override {
    return "CREATE VIEW endless AS WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n) "
           "SELECT CAST(count(*) AS TEXT) AS v FROM n";
  }
};

struct Postgres final : Backend {
  std::string database;
  explicit Postgres() {
    static int next = 0;
    database = "contract_" + std::to_string(next++);
    PostgresServer::instance().create_database(database);
  }
  std::unique_ptr<sources::Source> source() override {
    return sources::make_postgres_source(PostgresServer::instance().settings(database));
  }
  void run(const std::string& sql) override { PostgresServer::instance().run(sql, database); }
  std::string type(const std::string& kind) const override {
    static const std::map<std::string, std::string> names{
        {"int64", "bigint"},   {"decimal", "numeric(12,2)"},    {"wide", "numeric(38,10)"},
        {"number", "numeric"}, {"float64", "double precision"}, {"bytes", "bytea"}};
    const auto it = names.find(kind);
    return it == names.end() ? kind : it->second;
  }
  std::string endless() const override {
    return "CREATE VIEW endless AS SELECT count(*)::text AS v FROM generate_series(1, 100000000000) a";
  }
  std::string parameter(int number) const override { return "$" + std::to_string(number); }
};

struct Mariadb final : Backend {
  std::string database;
  explicit Mariadb() {
    static int next = 0;
    database = "contract_" + std::to_string(next++);
    MariadbServer::instance().create_database(database);
  }
  std::unique_ptr<sources::Source> source() override {
    return sources::make_mysql_source(MariadbServer::instance().settings(database));
  }
  void run(const std::string& sql) override { MariadbServer::instance().run(sql, database); }
  std::string type(const std::string& kind) const override {
    static const std::map<std::string, std::string> names{
        {"int64", "bigint"},  {"decimal", "decimal(12,2)"}, {"wide", "decimal(38,10)"}, {"number", "decimal(65,30)"},
        {"float64", "double"}, {"text", "longtext"},        {"bytes", "longblob"},      {"time", "time(6)"},
        {"timestamp", "datetime(6)"}, {"timestamptz", "timestamp(6) NULL"}};
    const auto it = names.find(kind);
    return it == names.end() ? kind : it->second;
  }
  std::string endless() const override {
    return "CREATE VIEW endless AS SELECT CAST(count(a.seq + b.seq) AS char) AS v FROM seq_1_to_1000000000 a, "
           "seq_1_to_1000000000 b";
  }
  std::string parameter(int) const override { return "?"; }
  std::vector<std::string> numbers() const override {
    return {"-0.000000000000000000000000000001", "99999999999999999999999999999999999.5", "0", "10000"};
  }
  std::vector<std::int64_t> instants() const override {
    return {1'000'000, 1'709'208'000'000'001, 2'147'483'647'999'999, 999'999'999'999'999};
  }
};

struct Mssql final : Backend {
  std::string database;
  Mssql() {
    static int next = 0;
    database = "contract_" + std::to_string(next++);
    MssqlServer::instance().create_database(database);
  }
  std::unique_ptr<sources::Source> source() override {
    return sources::make_mssql_source(MssqlServer::instance().settings(database));
  }
  // Unicode, as the suite's texts need it: varchar and text have a code page here.
  void run(const std::string& sql) override {
    static const std::regex varchar{"\\bvarchar\\b"}, text{" text\\b"};
    const bool ddl = sql.starts_with("CREATE TABLE");
    const auto national = std::regex_replace(std::regex_replace(sql, varchar, "nvarchar"), text, " nvarchar(400)");
    MssqlServer::instance().run(ddl ? national : sql, database);
  }
  std::string type(const std::string& kind) const override {
    static const std::map<std::string, std::string> names{
        {"int64", "bigint"},           {"boolean", "bit"},          {"decimal", "decimal(12,2)"},
        {"wide", "decimal(38,10)"},    {"float64", "float"},        {"bytes", "varbinary(max)"},
        {"text", "nvarchar(max)"},     {"time", "time(6)"},         {"timestamp", "datetime2(6)"},
        {"uuid", "uniqueidentifier"},  {"timestamptz", "datetimeoffset(6)"}};
    const auto it = names.find(kind);
    return it == names.end() ? kind : it->second;
  }
  std::string endless() const override {
    return "CREATE VIEW endless AS WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n) "
           "SELECT CAST(count(*) AS TEXT) AS v FROM n";
  }
  std::string parameter(int number) const override { return "@p" + std::to_string(number); }
  void redefine(const std::string& view, const std::string& select) override {
    run("DROP VIEW " + view + "; CREATE VIEW " + view + " AS " + select);
  }
  std::vector<std::string> lacks() const override { return {"number", "json"}; }
  double least() const override { return std::numeric_limits<double>::min(); }
};

// The same databases through ODBC drivers: they only read, what is loaded is loaded by the database's own source.
template <class Native>
struct OverOdbc : Backend {
  Native native;
  std::unique_ptr<sources::Source> writing_source() override { return native.source(); }
  std::unique_ptr<sources::Session> looking() override { return native.open(Access::read); }
  void run(const std::string& sql) override { native.run(sql); }
  std::string type(const std::string& kind) const override { return native.type(kind); }
  std::string endless() const override { return native.endless(); }
  std::vector<std::string> numbers() const override { return native.numbers(); }
  std::vector<std::int64_t> instants() const override { return native.instants(); }
  std::vector<std::string> lacks() const override { return native.lacks(); }
  double least() const override { return native.least(); }
  bool reads_views() const override { return false; }
};

struct OdbcPostgres : OverOdbc<Postgres> {
  std::unique_ptr<sources::Source> source() override {
    return sources::make_odbc_source(postgres_over_odbc(native.database));
  }
};

struct OdbcMariadb : OverOdbc<Mariadb> {
  std::unique_ptr<sources::Source> source() override {
    return sources::make_odbc_source(mariadb_over_odbc(native.database));
  }
};

struct OdbcMssql : OverOdbc<Mssql> {
  std::unique_ptr<sources::Source> source() override {
    return sources::make_odbc_source(mssql_over_odbc(native.database));
  }
};

struct OdbcSqlite : OverOdbc<Sqlite> {
  std::unique_ptr<sources::Source> source() override {
    return sources::make_odbc_source(sqlite_over_odbc(native.file));
  }
};

// Over ODBC in both directions.
template <class Odbc>
struct Writing : Odbc {
  std::unique_ptr<sources::Source> writing_source() override { return this->source(); }
};

// What reads: SQLite's driver knows numbers and text, and no types of ours beside them.
#define FOR_EACH_READER(sentence, tag) \
  TEMPLATE_TEST_CASE(sentence, tag, Sqlite, Postgres, Mariadb, Mssql, OdbcPostgres, OdbcMariadb, OdbcMssql)
#define FOR_EVERY_READER(sentence, tag) \
  TEMPLATE_TEST_CASE(sentence, tag, Sqlite, Postgres, Mariadb, Mssql, OdbcPostgres, OdbcMariadb, OdbcMssql, \
                     OdbcSqlite)
#define FOR_EACH_SOURCE(sentence, tag) TEMPLATE_TEST_CASE(sentence, tag, Sqlite, Postgres, Mariadb, Mssql)
#define FOR_EACH_LOADER(sentence, tag) \
  TEMPLATE_TEST_CASE(sentence, tag, Sqlite, Postgres, Mariadb, Mssql, Writing<OdbcPostgres>, Writing<OdbcMariadb>, \
                     Writing<OdbcMssql>, Writing<OdbcSqlite>)

inline const std::string kItems =
    "CREATE TABLE items (code varchar(20) NOT NULL, part integer NOT NULL, note text, "
    "PRIMARY KEY (code, part))";

}  // namespace vmc::test
