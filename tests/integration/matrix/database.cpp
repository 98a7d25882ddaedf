#include "database.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <map>

#include "../../support/odbc_driver.hpp"
#include "../../support/temp_dir.hpp"

namespace vmc::test {
namespace {

using data::Kind;

constexpr const char* kName = "matrix";

std::string sized(const char* name, data::Type type) {
  return std::string{name} + "(" + std::to_string(type.precision) + "," + std::to_string(type.scale) + ")";
}

std::string named(const std::map<Kind, std::string>& names, const char* decimal, data::Type type) {
  return type.kind == Kind::decimal ? sized(decimal, type) : names.at(type.kind);
}

class Postgres final : public Database {
 public:
  Postgres() {
    PostgresServer::instance().create_database(kName);
    run("CREATE TYPE mood AS ENUM ('calm', 'wild ''one'''); CREATE DOMAIN price AS numeric(6,2); "
        "CREATE DOMAIN word AS varchar(4); CREATE DOMAIN fair_price AS price CHECK (VALUE > 0); "
        "CREATE DOMAIN prices AS numeric(6,2)[]; CREATE DOMAIN shift AS time(2); "
        "CREATE TYPE item AS (name text, cost numeric(6,2), temper mood, bought timestamp); "
        "CREATE TYPE float_range AS RANGE (subtype = float8); CREATE TABLE moods (feeling mood); "
        "CREATE EXTENSION hstore; CREATE EXTENSION citext");
  }
  std::string name() const override { return "postgres"; }
  const std::vector<TypeCase>& types() const override { return postgres_types(); }
  void run(const std::string& sql) override { PostgresServer::instance().run(sql, kName); }
  std::string type_for(data::Type type) const override {
    static const std::map<Kind, std::string> names{
        {Kind::boolean, "boolean"}, {Kind::int64, "bigint"}, {Kind::float64, "double precision"},
        {Kind::number, "numeric"}, {Kind::text, "text"}, {Kind::bytes, "bytea"}, {Kind::date, "date"},
        {Kind::time, "time"}, {Kind::timestamp, "timestamp"}, {Kind::timestamptz, "timestamptz"},
        {Kind::uuid, "uuid"}, {Kind::json, "json"}};
    return named(names, "numeric", type);
  }

 protected:
  std::unique_ptr<sources::Source> source() override {
    return sources::make_postgres_source(PostgresServer::instance().settings(kName));
  }
  sources::OdbcSettings over_odbc() override { return postgres_over_odbc(kName); }
};

class Mariadb final : public Database {
 public:
  Mariadb() { MariadbServer::instance().create_database(kName); }
  std::string name() const override { return "mysql"; }
  const std::vector<TypeCase>& types() const override { return mysql_types(); }
  // Without the strict mode, so that what only old servers wrote can be written here too.
  void run(const std::string& sql) override { MariadbServer::instance().run("SET sql_mode = ''; " + sql, kName); }
  std::string type_for(data::Type type) const override {
    static const std::map<Kind, std::string> names{
        {Kind::boolean, "boolean"}, {Kind::int64, "bigint"}, {Kind::float64, "double"},
        {Kind::number, "decimal(65,30)"}, {Kind::text, "longtext"}, {Kind::bytes, "longblob"}, {Kind::date, "date"},
        {Kind::time, "time(6)"}, {Kind::timestamp, "datetime(6)"}, {Kind::timestamptz, "timestamp(6) NULL"},
        {Kind::uuid, "uuid"}, {Kind::json, "json"}};
    return named(names, "decimal", type);
  }

 protected:
  std::unique_ptr<sources::Source> source() override {
    return sources::make_mysql_source(MariadbServer::instance().settings(kName));
  }
  sources::OdbcSettings over_odbc() override { return mariadb_over_odbc(kName); }
};

class Mssql final : public Database {
 public:
  Mssql() {
    MssqlServer::instance().create_database(kName);
    run("CREATE TYPE phone FROM varchar(20); CREATE TYPE price FROM money");
  }
  std::string name() const override { return "mssql"; }
  const std::vector<TypeCase>& types() const override { return mssql_types(); }
  void run(const std::string& sql) override { MssqlServer::instance().run(sql, kName); }
  std::string type_for(data::Type type) const override {
    static const std::map<Kind, std::string> names{
        {Kind::boolean, "bit"}, {Kind::int64, "bigint"}, {Kind::float64, "float"}, {Kind::number, "decimal(38,10)"},
        {Kind::text, "nvarchar(max)"}, {Kind::bytes, "varbinary(max)"}, {Kind::date, "date"}, {Kind::time, "time(6)"},
        {Kind::timestamp, "datetime2(6)"}, {Kind::timestamptz, "datetimeoffset(6)"},
        {Kind::uuid, "uniqueidentifier"}, {Kind::json, "nvarchar(max)"}};
    return named(names, "decimal", type);
  }

 protected:
  std::unique_ptr<sources::Source> source() override {
    return sources::make_mssql_source(MssqlServer::instance().settings(kName));
  }
  sources::OdbcSettings over_odbc() override { return mssql_over_odbc(kName); }
};

class Sqlite final : public Database {
 public:
  Sqlite() { run("CREATE TABLE seed (n INTEGER)"); }
  std::string name() const override { return "sqlite"; }
  const std::vector<TypeCase>& types() const override { return sqlite_types(); }
  void run(const std::string& sql) override {
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open(file_.c_str(), &db) == SQLITE_OK);
    char* text = nullptr;
    const int rc = sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &text);
    INFO(sql << ": " << (text ? text : ""));
    sqlite3_free(text);
    sqlite3_close(db);
    REQUIRE(rc == SQLITE_OK);
  }
  std::string type_for(data::Type type) const override {
    static const std::map<Kind, std::string> names{
        {Kind::boolean, "BOOLEAN"}, {Kind::int64, "BIGINT"}, {Kind::float64, "REAL"}, {Kind::number, "NUMERIC_TEXT"},
        {Kind::text, "TEXT"}, {Kind::bytes, "BLOB"}, {Kind::date, "DATE"}, {Kind::time, "TIME"},
        {Kind::timestamp, "TIMESTAMP"}, {Kind::timestamptz, "TIMESTAMPTZ"}, {Kind::uuid, "UUID"},
        {Kind::json, "JSON_TEXT"}};
    return named(names, "DECIMAL_TEXT", type);
  }

 protected:
  std::unique_ptr<sources::Source> source() override { return sources::make_sqlite_source({file_}); }
  sources::OdbcSettings over_odbc() override { return sqlite_over_odbc(file_); }

 private:
  TempDir directory_;
  std::string file_ = directory_.path() / "matrix.db";
};

std::unique_ptr<sources::Session> opened(sources::Source& source, sources::Access access) {
  auto session = source.open(access, std::chrono::seconds{10});
  if (!session) FAIL(session.error().text());
  return std::move(*session);
}

}  // namespace

std::unique_ptr<sources::Session> Database::open(sources::Access access) { return opened(*source(), access); }

std::unique_ptr<sources::Session> Database::open_over_odbc(sources::Access access) {
  return opened(*sources::make_odbc_source(over_odbc()), access);
}

const data::TableInfo& Database::types_table() {
  if (!types_table_) types_table_ = fill("types", types());
  return *types_table_;
}

data::TableInfo Database::fill(const std::string& name, const std::vector<TypeCase>& types, const std::string& options) {
  std::string columns = "id integer NOT NULL PRIMARY KEY";
  std::size_t most = 0;
  for (const auto& one : types) {
    columns += ", " + one.column + " " + one.type;
    most = std::max(most, one.values.size());
  }
  run("CREATE TABLE " + name + " (" + columns + ")" + options);
  for (std::size_t row = 0; row <= most; ++row) {  // the last one without a value
    std::string text = "INSERT INTO " + name + " VALUES (" + std::to_string(row_number(row));
    for (const auto& one : types) text += ", " + (row < one.values.size() ? one.values[row].literal : "NULL");
    run(text + ")");
  }
  auto session = open(sources::Access::read);
  return table_named(*session, name);
}

const std::vector<std::unique_ptr<Database>>& databases() {
  static const auto all = [] {
    std::vector<std::unique_ptr<Database>> out;
    out.push_back(std::make_unique<Postgres>());
    out.push_back(std::make_unique<Mariadb>());
    out.push_back(std::make_unique<Mssql>());
    out.push_back(std::make_unique<Sqlite>());
    return out;
  }();
  return all;
}

Database& database_named(std::string_view name) {
  for (const auto& one : databases())
    if (one->name() == name) return *one;
  throw std::logic_error{"no such database"};
}

std::string shown(const data::Value& value) {
  if (data::is_null(value)) return "NULL";
  const auto* bytes = std::get_if<Bytes>(&value);
  return bytes ? "0x" + to_hex(*bytes) : data::format(value);
}

}  // namespace vmc::test
