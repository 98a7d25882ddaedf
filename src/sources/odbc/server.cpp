#include "sources/odbc/server.hpp"

#include "core/text.hpp"

namespace vmc::sources::odbc {
namespace {

const Customs kGeneric{};

const Customs kSqlite{
    .opening = {"PRAGMA foreign_keys = 1"},
    .opening_to_read = {"PRAGMA query_only = 1"},
    .beginning = {"BEGIN"},
    .read_only = "PRAGMA query_only = 1",
    .standard_schema = "main",
    .stops_by_spare = true,
    .end_reading = "ROLLBACK",
    .sizes_hold = false,
    .applied_columns = " (scope TEXT NOT NULL, part INTEGER NOT NULL, epoch INTEGER NOT NULL, rows INTEGER NOT NULL, "
                       "applied_at TEXT NOT NULL, PRIMARY KEY (scope, part))",
    .writes_first = true,
    .rows_together = true,
    .create_alike = "CREATE TABLE {0} AS SELECT {1} FROM {2} LIMIT 0",
    .create_index = "CREATE INDEX {1}.{0} ON {2} ({3})",
    .written_out = true};

constexpr const char* kPostgresForms =
    "SELECT pg_catalog.set_config('datestyle', 'ISO, YMD', true), pg_catalog.set_config('timezone', 'UTC', true), "
    "pg_catalog.set_config('extra_float_digits', '3', true), "
    "pg_catalog.set_config('standard_conforming_strings', 'on', true)";

const Customs kPostgres{
    .beginning = {"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY", kPostgresForms},
    .beginning_to_load = {"SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE", kPostgresForms,
                          "SELECT pg_catalog.set_config('lock_timeout', '10s', true), "
                          "pg_catalog.set_config('idle_in_transaction_session_timeout', '11min', true)"},
    .read_only = "SET TRANSACTION … READ ONLY",
    .standard_schema = "public",
    .sizes_hold = false,
    .applied_columns = " (scope text NOT NULL, part bigint NOT NULL, epoch bigint NOT NULL, rows bigint NOT NULL, "
                       "applied_at timestamptz NOT NULL, PRIMARY KEY (scope, part))",
    .reaches = "SELECT c.relname FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid JOIN "
               "pg_catalog.pg_class t ON t.oid = k.confrelid JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace "
               "WHERE n.nspname = ? AND t.relname = ? AND k.contype = 'f' AND k.conrelid <> k.confrelid AND k.confdeltype "
               "NOT IN ('a', 'r') ORDER BY 1",
    .has_heirs = "SELECT 1 FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhparent JOIN "
                 "pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ? AND c.relname = ? AND c.relkind "
                 "= 'r'",
    .rows_together = true,
    .before_swap = {"LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", "SET CONSTRAINTS ALL DEFERRED"},
    .after_exchange = "SET CONSTRAINTS ALL IMMEDIATE"};

const Customs kMysql{.beginning = {"SET time_zone = '+00:00', sql_mode = 'NO_ENGINE_SUBSTITUTION'",
                                   "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"},
                     // Otherwise a row that is not there locks the gap around it, and parts side by side deadlock.
                     .beginning_to_load = {"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
                                           "SET time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,"
                                           "NO_ZERO_IN_DATE,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION', "
                                           "lock_wait_timeout = 10, innodb_lock_wait_timeout = 10, wait_timeout = 660"},
                     .read_only = "START TRANSACTION … READ ONLY",
                     // Its driver's SQLCancel closes the statement while another thread fetches from it.
                     .stop = "KILL QUERY {}",
                     .session = "SELECT CONNECTION_ID()",
                     .texts_as_bytes = true,
                     .applied_columns =
                         " (scope varchar(255) NOT NULL, part bigint NOT NULL, epoch bigint NOT NULL, `rows` bigint NOT "
                         "NULL, applied_at datetime(6) NOT NULL, PRIMARY KEY (scope, part)) ENGINE = InnoDB CHARACTER "
                         "SET utf8mb4 COLLATE utf8mb4_bin",
                     .transactional =
                         "SELECT COALESCE(e.TRANSACTIONS, 'NO') FROM information_schema.TABLES t LEFT JOIN "
                         "information_schema.ENGINES e ON e.ENGINE = t.ENGINE WHERE t.TABLE_SCHEMA = ? AND t.TABLE_NAME "
                         "= ?",
                     .reaches = "SELECT TABLE_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE "
                                "UNIQUE_CONSTRAINT_SCHEMA = ? AND REFERENCED_TABLE_NAME = ? AND DELETE_RULE NOT IN ('NO "
                                "ACTION', 'RESTRICT') AND (CONSTRAINT_SCHEMA <> UNIQUE_CONSTRAINT_SCHEMA OR TABLE_NAME <> "
                                "REFERENCED_TABLE_NAME) ORDER BY 1",
                     .rows_together = true,
                     .create_alike = "CREATE TABLE {0} LIKE {2}",
                     .create_index = nullptr,
                     // The DELETE then locks every gap too.
                     .before_swap = {"SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ"}};

constexpr const char* kMssqlForms =
    "SET DATEFORMAT ymd; SET QUOTED_IDENTIFIER ON; SET ANSI_NULLS ON; SET TEXTSIZE 2147483647";

const Customs kMssql{
    .beginning = {kMssqlForms},
    .beginning_to_load = {kMssqlForms, "SET NOCOUNT ON; SET LOCK_TIMEOUT 10000"},
    .standard_schema = "dbo",
    .writable = "SELECT CONCAT(s.name, N'.', o.name) AS name FROM sys.objects AS o JOIN sys.schemas AS s ON "
                "s.schema_id = o.schema_id WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0"
                " AND (HAS_PERMS_BY_NAME(CONCAT(QUOTENAME(s.name), N'.', QUOTENAME(o.name)), N'OBJECT', N'INSERT') = 1"
                " OR HAS_PERMS_BY_NAME(CONCAT(QUOTENAME(s.name), N'.', QUOTENAME(o.name)), N'OBJECT', N'UPDATE') = 1"
                " OR HAS_PERMS_BY_NAME(CONCAT(QUOTENAME(s.name), N'.', QUOTENAME(o.name)), N'OBJECT', N'DELETE') = "
                "1)",
    .applied_columns =
        " ([scope] nvarchar(400) COLLATE Latin1_General_100_BIN2 NOT NULL, [part] bigint NOT NULL, [epoch] bigint NOT "
        "NULL, [rows] bigint NOT NULL, [applied_at] datetime2(3) NOT NULL, PRIMARY KEY ([scope], [part]))",
    .reaches = "SELECT o.name FROM sys.foreign_keys AS k INNER JOIN sys.objects AS o ON o.object_id = k.parent_object_id "
               "INNER JOIN sys.objects AS t ON t.object_id = k.referenced_object_id INNER JOIN sys.schemas AS s ON "
               "s.schema_id = t.schema_id WHERE s.name = ? AND t.name = ? AND k.parent_object_id <> "
               "k.referenced_object_id AND k.delete_referential_action <> 0 ORDER BY o.name",
    .rows_together = true,
    .create_alike = "SELECT TOP (0) {1} INTO {0} FROM {2}",
    .delete_all = "DELETE FROM {} WITH (TABLOCKX, HOLDLOCK)"};

const Customs kOracle{
    .opening = {"ALTER SESSION SET NLS_NUMERIC_CHARACTERS = '.,'", "ALTER SESSION SET NLS_COMP = BINARY",
                "ALTER SESSION SET NLS_SORT = BINARY"},
    .beginning = {"SET TRANSACTION READ ONLY"},
    .read_only = "SET TRANSACTION READ ONLY",
    .current_schema = "SELECT SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA') FROM DUAL",
    .integers_as_text = true,
    .applied_columns =
        " ({0} VARCHAR2(255 CHAR) NOT NULL, {1} NUMBER(19) NOT NULL, {2} NUMBER(19) NOT NULL, {3} NUMBER(19) NOT NULL, "
        "{4} TIMESTAMP(6) NOT NULL, PRIMARY KEY ({0}, {1}))",
    .reaches = "SELECT k.TABLE_NAME FROM ALL_CONSTRAINTS k JOIN ALL_CONSTRAINTS r ON r.OWNER = k.R_OWNER AND "
               "r.CONSTRAINT_NAME = k.R_CONSTRAINT_NAME WHERE r.OWNER = ? AND r.TABLE_NAME = ? AND k.CONSTRAINT_TYPE = 'R' "
               "AND k.DELETE_RULE <> 'NO ACTION' AND NOT (k.OWNER = r.OWNER AND k.TABLE_NAME = r.TABLE_NAME) ORDER BY 1",
    .create_alike = "CREATE TABLE {0} AS SELECT {1} FROM {2} WHERE 1 = 0",
    .before_swap = {"LOCK TABLE {} IN EXCLUSIVE MODE"}};

const Customs kHana{.beginning = {"SET TRANSACTION READ ONLY"},
                    .read_only = "SET TRANSACTION READ ONLY",
                    .current_schema = "SELECT CURRENT_SCHEMA FROM DUMMY",
                    .reaches = "SELECT TABLE_NAME FROM SYS.REFERENTIAL_CONSTRAINTS WHERE REFERENCED_SCHEMA_NAME = ? AND "
                               "REFERENCED_TABLE_NAME = ? AND DELETE_RULE NOT IN ('RESTRICT', 'NO ACTION') AND NOT "
                               "(SCHEMA_NAME = REFERENCED_SCHEMA_NAME AND TABLE_NAME = REFERENCED_TABLE_NAME) ORDER BY 1",
                    .create_alike = "CREATE COLUMN TABLE {0} AS (SELECT {1} FROM {2}) WITH NO DATA",
                    .before_swap = {"LOCK TABLE {} IN EXCLUSIVE MODE"}};

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
    // Rows one by one instead of all of them in memory. A lock is waited for as long twice, and no interrupt ends that.
    {"sqlite", {"StepAPI=1;NoCreat=1;Timeout=5000"}},
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
