#include "sql/guard/escapes.hpp"

#include <array>

namespace vmc::sql {
namespace {

// A session rolls all of it back; the program is one that does nothing.
constexpr std::array kPostgres{
    Escape{"a new table", "CREATE TABLE vmc_self_test (n integer)"},
    Escape{"a deletion", "DELETE FROM pg_catalog.pg_description WHERE false"},
    Escape{"a writing CTE", "WITH gone AS (DELETE FROM pg_catalog.pg_description WHERE false RETURNING 1) SELECT * FROM gone"},
    Escape{"SELECT INTO", "SELECT 1 AS n INTO vmc_self_test"},
    Escape{"a second statement", "SELECT 1; CREATE TABLE vmc_self_test (n integer)"},
    Escape{"a row lock", "SELECT 1 FROM pg_catalog.pg_class LIMIT 1 FOR UPDATE"},
    Escape{"switching to writing", "SELECT pg_catalog.set_config('transaction_read_only', 'off', true)"},
    Escape{"a large object", "SELECT pg_catalog.lo_from_bytea(0, '\\x00')"},
    Escape{"an advisory lock", "SELECT pg_catalog.pg_try_advisory_xact_lock(7236)"},
    Escape{"a file of the server", "SELECT pg_catalog.length(pg_catalog.pg_read_file('PG_VERSION'))"},
    Escape{"a program on the server", "COPY (SELECT 1) TO PROGRAM 'cat > /dev/null'"},
    Escape{"waiting", "SELECT pg_catalog.pg_sleep(0)"},
};

// What commits by itself is refused in a read-only transaction before that.
constexpr std::array kMysql{
    Escape{"a new table", "CREATE TABLE vmc_self_test (n int)"},
    Escape{"a deletion", "DELETE FROM information_schema.tables"},
    Escape{"a second statement", "SELECT 1; CREATE TABLE vmc_self_test (n int)"},
    Escape{"a variable", "SELECT 1 INTO @vmc_self_test"},
    Escape{"an executable comment", "SELECT 1 /*! INTO @vmc_self_test */"},
    Escape{"switching to writing", "SET TRANSACTION READ WRITE"},
    Escape{"a lock", "SELECT GET_LOCK('vmc_self_test', 0)"},
    Escape{"a file of the server", "SELECT LENGTH(LOAD_FILE('/etc/hostname'))"},
    Escape{"waiting", "SELECT SLEEP(0)"},
};

constexpr std::array kMssql{
    Escape{"a new table", "CREATE TABLE dbo.vmc_self_test (n int)"},
    Escape{"SELECT INTO", "SELECT 1 AS n INTO dbo.vmc_self_test"},
    Escape{"a second statement without a semicolon", "SELECT 1 AS n CREATE TABLE dbo.vmc_self_test (n int)"},
    Escape{"a procedure without EXEC", "sp_who"},
    Escape{"another server", "SELECT * FROM OPENROWSET('MSOLEDBSQL', 'Server=localhost', 'SELECT 1') AS x"},
    Escape{"a command of the system", "EXEC xp_cmdshell 'exit 0'"},
    Escape{"waiting", "WAITFOR DELAY '00:00:00'"},
};

constexpr std::array kSqlite{
    Escape{"a new table", "CREATE TABLE vmc_self_test (n INTEGER)"},
    Escape{"a deletion", "DELETE FROM sqlite_master"},
    Escape{"a second statement", "SELECT 1; CREATE TABLE vmc_self_test (n INTEGER)"},
    Escape{"another file", "ATTACH ':memory:' AS vmc_self_test"},
    Escape{"a copy", "VACUUM INTO ''"},
    Escape{"switching to writing", "PRAGMA query_only = 0"},
    Escape{"writing the schema", "PRAGMA writable_schema = 1"},
    Escape{"foreign code", "SELECT load_extension('vmc_self_test')"},
    Escape{"ending the transaction", "COMMIT"},
};

}  // namespace

std::span<const Escape> known_escapes(Dialect dialect) {
  switch (dialect) {
    case Dialect::postgres:
      return kPostgres;
    case Dialect::mysql:
      return kMysql;
    case Dialect::mssql:
      return kMssql;
    case Dialect::sqlite:
      return kSqlite;
  }
  return {};
}

}  // namespace vmc::sql
