#include <fmt/format.h>

#include "core/text.hpp"
#include "sources/mssql/parts.hpp"
#include "sql/dialect.hpp"

namespace vmc::sources::mssql {
namespace {

constexpr auto kRightsLimit = std::chrono::seconds{30};

// Membership and permissions by which a login can do more than read; the sentence about each. SQL Server has no
// read-only session: these are what decides.
struct Power {
  const char* question;
  const char* sentence;
  bool writes, beyond;  // beyond: the server's files, other logins, rights of others
};

constexpr Power kPowers[] = {
    {"IS_SRVROLEMEMBER(N'sysadmin')", "is a sysadmin: it can write everything and run programs on the server", true, true},
    {"IS_SRVROLEMEMBER(N'serveradmin')", "may change and stop the server (serveradmin)", false, true},
    {"IS_SRVROLEMEMBER(N'securityadmin')", "may grant itself any right (securityadmin)", true, true},
    {"IS_SRVROLEMEMBER(N'bulkadmin')", "may read files of the server (bulkadmin)", false, true},
    {"IS_SRVROLEMEMBER(N'dbcreator')", "may create and restore databases (dbcreator)", true, true},
    {"IS_ROLEMEMBER(N'db_owner')", "owns the database (db_owner)", true, false},
    {"IS_ROLEMEMBER(N'db_ddladmin')", "may create and change objects (db_ddladmin)", true, false},
    {"IS_ROLEMEMBER(N'db_datawriter')", "may write every table (db_datawriter)", true, false},
    {"IS_ROLEMEMBER(N'db_securityadmin')", "may grant itself rights in the database (db_securityadmin)", true, true},
    {"HAS_PERMS_BY_NAME(NULL, NULL, N'CONTROL SERVER')", "controls the server", true, true},
    {"HAS_PERMS_BY_NAME(NULL, NULL, N'ADMINISTER BULK OPERATIONS')", "may read files of the server (OPENROWSET)",
     false, true},
    {"HAS_PERMS_BY_NAME(NULL, NULL, N'IMPERSONATE ANY LOGIN')", "may act as other logins", true, true},
    {"HAS_PERMS_BY_NAME(QUOTENAME(DB_NAME()), N'DATABASE', N'CREATE TABLE')", "may create tables", true, false},
    {"HAS_PERMS_BY_NAME(QUOTENAME(DB_NAME()), N'DATABASE', N'ALTER')", "may change the database", true, false},
    {"HAS_PERMS_BY_NAME(QUOTENAME(DB_NAME()), N'DATABASE', N'EXECUTE')", "may run every procedure of the database",
     true, false},
};

constexpr const char* kWritable =
    "SELECT CONCAT(s.name, N'.', o.name) AS name FROM sys.objects AS o JOIN sys.schemas AS s ON s.schema_id = "
    "o.schema_id"
    " WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0"
    " AND (HAS_PERMS_BY_NAME(CONCAT(QUOTENAME(s.name), N'.', QUOTENAME(o.name)), N'OBJECT', N'INSERT') = 1"
    " OR HAS_PERMS_BY_NAME(CONCAT(QUOTENAME(s.name), N'.', QUOTENAME(o.name)), N'OBJECT', N'UPDATE') = 1"
    " OR HAS_PERMS_BY_NAME(CONCAT(QUOTENAME(s.name), N'.', QUOTENAME(o.name)), N'OBJECT', N'DELETE') = 1)"
    " ORDER BY s.name, o.name";

constexpr const char* kProcedures =
    "SELECT CONCAT(s.name, N'.', o.name) AS name FROM sys.objects AS o JOIN sys.schemas AS s ON s.schema_id = "
    "o.schema_id"
    " WHERE o.type IN ('P', 'PC') AND o.is_ms_shipped = 0"
    " AND HAS_PERMS_BY_NAME(CONCAT(QUOTENAME(s.name), N'.', QUOTENAME(o.name)), N'OBJECT', N'EXECUTE') = 1"
    " ORDER BY s.name, o.name";

// The first names, and how many more there are.
std::string some(const Table& rows) {
  constexpr std::size_t kShown = 5;
  std::string out;
  for (std::size_t row = 0; row < std::min(rows.size(), kShown); ++row)
    out += (row ? ", " : "") + text_of(rows[row], 0);
  return rows.size() > kShown ? fmt::format("{} and {} more", out, rows.size() - kShown) : out;
}

// The exact statements that make the user this connection should have.
Result<std::string> reader_statements(const std::string& database) {
  VMC_TRY(quoted, sql::quote(sql::Dialect::mssql, database));
  return fmt::format(
      "CREATE LOGIN vmc_reader WITH PASSWORD = '<choose one>', DEFAULT_DATABASE = {0};\n"
      "USE {0};\n"
      "CREATE USER vmc_reader FOR LOGIN vmc_reader;\n"
      "ALTER ROLE db_datareader ADD MEMBER vmc_reader;\n"
      "ALTER ROLE db_denydatawriter ADD MEMBER vmc_reader;\n",
      quoted);
}

std::string power_questions() {
  std::string out = "SELECT SUSER_SNAME() AS login_name, DB_NAME() AS database_name";
  std::size_t n = 0;
  for (const auto& power : kPowers) out += fmt::format(", {} AS power{}", power.question, ++n);
  return out;
}

}  // namespace

Result<RightsReport> rights(Connection& db) {
  VMC_TRY(transaction, Transaction::begin(db, kRightsLimit, Transaction::Over::catalogue));
  VMC_TRY(powers, db.run(power_questions()));
  if (powers.size() != 1) return fail(Code::database_error, "the server does not tell the rights of its own user");
  VMC_TRY(writable, db.run(kWritable));
  VMC_TRY(procedures, db.run(kProcedures));
  RightsReport report;
  const auto& answers = powers[0];
  const auto user = text_of(answers, 0), database = text_of(answers, 1);
  const auto found = [&](std::string_view what) {
    report.findings.push_back(fmt::format("User '{}' {}.", user, what));
  };
  std::size_t at = 2;
  for (const auto& power : kPowers) {
    const bool has = number_of(answers, at++) == 1;
    if (!has) continue;
    report.superuser = report.superuser || at == 3;
    report.can_write = report.can_write || power.writes;
    report.reaches_beyond = report.reaches_beyond || power.beyond;
    found(power.sentence);
    if (report.superuser) break;  // the rest follows from it
  }
  if (!report.superuser && !writable.empty()) {
    found(fmt::format("may write {} tables or views: {}", writable.size(), some(writable)));
    report.can_write = true;
  }
  if (!report.superuser && !procedures.empty()) {
    found(fmt::format("may run {} procedures: {}", procedures.size(), some(procedures)));
    report.can_write = true;
  }
  if (report.findings.empty()) return report;
  report.findings.push_back(
      "SQL Server has no read-only session: what this user may do, a statement that slipped through could do.");
  VMC_TRY(statements, reader_statements(database));
  report.findings.push_back("For a user that can only read, run as an administrator:\n" + statements);
  return report;
}

}  // namespace vmc::sources::mssql
