#include "sources/odbc/server.hpp"

#include "core/text.hpp"

namespace vmc::sources::odbc {
namespace {

const Customs kGeneric{};

const Customs kSqlite{.opening = {"PRAGMA query_only = 1"},
                      .read_only = "PRAGMA query_only = 1",
                      .standard_schema = "main",
                      .sizes_hold = false,
                      .written_out = true};

const Customs kPostgres{.beginning = {"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
                                      "SELECT pg_catalog.set_config('datestyle', 'ISO, YMD', true), "
                                      "pg_catalog.set_config('timezone', 'UTC', "
                                      "true), pg_catalog.set_config('extra_float_digits', '3', true), "
                                      "pg_catalog.set_config('standard_conforming_strings', 'on', true)"},
                        .read_only = "SET TRANSACTION … READ ONLY",
                        .standard_schema = "public",
                        .sizes_hold = false};

const Customs kMysql{.beginning = {"SET time_zone = '+00:00', sql_mode = 'NO_ENGINE_SUBSTITUTION'",
                                   "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"},
                     .read_only = "START TRANSACTION … READ ONLY",
                     .texts_as_bytes = true};

const Customs kMssql{
    .beginning = {"SET DATEFORMAT ymd; SET QUOTED_IDENTIFIER ON; SET ANSI_NULLS ON; SET TEXTSIZE "
                  "2147483647"},
    .standard_schema = "dbo",
    .writable = "SELECT CONCAT(s.name, N'.', o.name) AS name FROM sys.objects AS o JOIN sys.schemas AS s ON "
                "s.schema_id = o.schema_id WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0"
                " AND (HAS_PERMS_BY_NAME(CONCAT(QUOTENAME(s.name), N'.', QUOTENAME(o.name)), N'OBJECT', N'INSERT') = 1"
                " OR HAS_PERMS_BY_NAME(CONCAT(QUOTENAME(s.name), N'.', QUOTENAME(o.name)), N'OBJECT', N'UPDATE') = 1"
                " OR HAS_PERMS_BY_NAME(CONCAT(QUOTENAME(s.name), N'.', QUOTENAME(o.name)), N'OBJECT', N'DELETE') = "
                "1)"};

const Customs kOracle{
    .opening = {"ALTER SESSION SET NLS_NUMERIC_CHARACTERS = '.,'", "ALTER SESSION SET NLS_COMP = BINARY",
                "ALTER SESSION SET NLS_SORT = BINARY"},
    .beginning = {"SET TRANSACTION READ ONLY"},
    .read_only = "SET TRANSACTION READ ONLY",
    .current_schema = "SELECT SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA') FROM DUAL",
    .integers_as_text = true};

const Customs kHana{.beginning = {"SET TRANSACTION READ ONLY"},
                    .read_only = "SET TRANSACTION READ ONLY",
                    .current_schema = "SELECT CURRENT_SCHEMA FROM DUMMY"};

struct Named {
  std::string_view part;  // of the name, in lower case
  Family family;
};

constexpr Named kServers[] = {{"postgresql", Family::postgres},
                              {"mariadb", Family::mysql},
                              {"mysql", Family::mysql},
                              {"sqlite", Family::sqlite},
                              {"sql server", Family::mssql},
                              {"oracle", Family::oracle},
                              {"hdb", Family::hana},
                              {"hana", Family::hana}};

struct Driver {
  std::string_view part;  // of its name, in lower case
  DriverNeeds needs;
};

// FreeTDS tries one version of its protocol after the other until somebody answers, each up to the time limit, and
// the oldest with the password in the clear. Older servers: --options "TDS_Version=…".
constexpr DriverNeeds kFreetds{"TDS_Version=7.4", false, true};

constexpr Driver kDrivers[] = {
    // A cursor instead of all rows in memory; truth values and bytes as what they are.
    {"psqlodbc", {"UseDeclareFetch=1;Fetch=2000;BoolsAsChar=0;ByteaAsLongVarBinary=1;Debug=0;CommLog=0"}},
    {"postgresql", {"UseDeclareFetch=1;Fetch=2000;BoolsAsChar=0;ByteaAsLongVarBinary=1;Debug=0;CommLog=0"}},
    {"maodbc", {"NO_CACHE=1;FORWARDONLY=1"}},
    {"mariadb", {"NO_CACHE=1;FORWARDONLY=1"}},
    {"myodbc", {"NO_CACHE=1;FORWARDONLY=1"}},
    {"mysql", {"NO_CACHE=1;FORWARDONLY=1"}},
    {"sqlite", {"StepAPI=1;NoCreat=1"}},
    {"tdsodbc", kFreetds},
    {"freetds", kFreetds},
};

}  // namespace

Family family_named(std::string_view dbms) {
  const auto name = lowered(dbms);
  for (const auto& [part, family] : kServers)
    if (name.find(part) != name.npos) return family;
  return Family::generic;
}

const Customs& customs_of(Family family) {
  switch (family) {
    case Family::sqlite:
      return kSqlite;
    case Family::postgres:
      return kPostgres;
    case Family::mysql:
      return kMysql;
    case Family::mssql:
      return kMssql;
    case Family::oracle:
      return kOracle;
    case Family::hana:
      return kHana;
    case Family::generic:
      break;
  }
  return kGeneric;
}

bool is_system_schema(std::string_view schema) {
  const auto name = lowered(schema);
  for (std::string_view own : {"information_schema", "pg_catalog", "sys", "performance_schema", "syscat", "sysibm",
                               "sysstat", "sysibmadm"})
    if (name == own) return true;
  return false;
}

DriverNeeds driver_needs(std::string_view driver) {
  const auto name = lowered(driver);
  for (const auto& [part, needs] : kDrivers)
    if (name.find(part) != name.npos) return needs;
  return {};
}

}  // namespace vmc::sources::odbc
