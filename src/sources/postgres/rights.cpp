#include <fmt/format.h>

#include "core/text.hpp"
#include "sources/postgres/parts.hpp"
#include "sql/dialect.hpp"

namespace vmc::sources::postgres {
namespace {

constexpr auto kRightsLimit = std::chrono::seconds{30};

constexpr const char* kRole =
    "SELECT rolname, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls, "
    "pg_catalog.current_database(),"
    " pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')"
    " FROM pg_catalog.pg_roles WHERE rolname = current_user";

// Roles that reach beyond the user's tables, and which of them lead out of the database: to files, programs, other servers.
constexpr const char* kPowers =
    "SELECT rolname, rolname IN ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program', "
    "'pg_create_subscription') FROM pg_catalog.pg_roles WHERE rolname IN ('pg_read_server_files', "
    "'pg_write_server_files',"
    " 'pg_execute_server_program', 'pg_write_all_data', 'pg_signal_backend', 'pg_maintain', 'pg_checkpoint',"
    " 'pg_database_owner', 'pg_monitor', 'pg_read_all_stats', 'pg_stat_scan_tables', "
    "'pg_create_subscription')"
    " AND pg_catalog.pg_has_role(current_user, oid, 'USAGE') ORDER BY rolname";

constexpr const char* kSchemas =
    "SELECT nspname, pg_catalog.has_schema_privilege(oid, 'CREATE'), pg_catalog.has_schema_privilege(oid, "
    "'USAGE')"
    " FROM pg_catalog.pg_namespace WHERE nspname NOT IN ('pg_catalog', 'information_schema') AND nspname NOT "
    "LIKE 'pg\\_%'"
    " ORDER BY nspname";

constexpr const char* kWritable =
    "SELECT n.nspname || '.' || c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid "
    "= c.relnamespace"
    " WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND n.nspname NOT IN ('pg_catalog', "
    "'information_schema')"
    " AND n.nspname NOT LIKE 'pg\\_%' AND CASE WHEN c.relkind = 'S'"
    " THEN pg_catalog.has_sequence_privilege(c.oid, 'USAGE, UPDATE')"
    " ELSE pg_catalog.has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') END ORDER BY 1";

// Functions that act with their owner's rights, or reach other servers.
constexpr const char* kFunctions =
    "SELECT n.nspname || '.' || p.proname, p.proname LIKE 'dblink%' FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid "
    "= p.pronamespace"
    " WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND (p.prosecdef OR p.proname LIKE "
    "'dblink%')"
    " AND pg_catalog.has_function_privilege(p.oid, 'EXECUTE') ORDER BY 1";

struct Rows {
  PgResult result;
  int count() const { return PQntuples(result.get()); }
  // Is column `column` true in one of them?
  bool any(int column) const {
    for (int row = 0; row < count(); ++row)
      if (cell_true(result, row, column)) return true;
    return false;
  }
  // The first names of column 0, and how many more there are.
  std::string some() const {
    constexpr int kShown = 5;
    std::string out;
    for (int row = 0; row < std::min(count(), kShown); ++row) out += (row ? ", " : "") + cell(result, row, 0);
    return count() > kShown ? fmt::format("{} and {} more", out, count() - kShown) : out;
  }
};

// The exact statements that make the user this connection should have.
Result<std::string> reader_statements(const std::string& database, const Rows& schemas) {
  VMC_TRY(quoted_database, sql::quote(sql::Dialect::postgres, database));
  std::string out = fmt::format(
      "CREATE ROLE vmc_reader LOGIN PASSWORD '<choose one>' NOSUPERUSER NOCREATEDB NOCREATEROLE "
      "NOREPLICATION;\n"
      "ALTER ROLE vmc_reader SET default_transaction_read_only = on;\n"
      "GRANT CONNECT ON DATABASE {} TO vmc_reader;\n",
      quoted_database);
  for (int row = 0; row < schemas.count(); ++row) {
    if (!cell_true(schemas.result, row, 2)) continue;
    VMC_TRY(schema, sql::quote(sql::Dialect::postgres, cell(schemas.result, row, 0)));
    if (cell(schemas.result, row, 0) == "public" && cell_true(schemas.result, row, 1))
      out += "REVOKE CREATE ON SCHEMA public FROM PUBLIC;\n";
    out += fmt::format(
        "GRANT USAGE ON SCHEMA {0} TO vmc_reader;\n"
        "GRANT SELECT ON ALL TABLES IN SCHEMA {0} TO vmc_reader;\n"
        "ALTER DEFAULT PRIVILEGES IN SCHEMA {0} GRANT SELECT ON TABLES TO vmc_reader;\n",
        schema);
  }
  return out;
}

}  // namespace

Result<RightsReport> rights(Connection& db) {
  VMC_TRY(transaction, Transaction::begin(db, kRightsLimit));
  const auto ask = [&](const char* text) -> Result<Rows> {
    VMC_TRY(result, db.run(text));
    return Rows{std::move(result)};
  };
  VMC_TRY(role, ask(kRole));
  if (role.count() != 1)
    return fail(Code::database_error, "the server does not tell the rights of its own user");
  VMC_TRY(powers, ask(kPowers));
  VMC_TRY(schemas, ask(kSchemas));
  VMC_TRY(writable, ask(kWritable));
  VMC_TRY(functions, ask(kFunctions));
  RightsReport report;
  const auto user = cell(role.result, 0, 0), database = cell(role.result, 0, 6);
  const auto found = [&](std::string sentence) { report.findings.push_back(std::move(sentence)); };
  report.superuser = cell_true(role.result, 0, 1);
  if (report.superuser)
    found(fmt::format("User '{}' is a superuser: it can write everything and run programs on the server.",
                      user));
  if (cell_true(role.result, 0, 2)) found(fmt::format("User '{}' may create databases.", user));
  if (cell_true(role.result, 0, 3)) found(fmt::format("User '{}' may create users.", user));
  if (cell_true(role.result, 0, 4))
    found(fmt::format("User '{}' may replicate, and so read everything.", user));
  if (cell_true(role.result, 0, 5)) found(fmt::format("User '{}' is exempt from row security.", user));
  if (!report.superuser && powers.count() > 0)
    found(fmt::format("User '{}' has roles that reach beyond its tables: {}.", user, powers.some()));
  std::string creatable;
  for (int row = 0; row < schemas.count(); ++row)
    if (cell_true(schemas.result, row, 1))
      creatable += (creatable.empty() ? "" : ", ") + cell(schemas.result, row, 0);
  const bool creates = !creatable.empty() || cell_true(role.result, 0, 7);
  if (!creatable.empty()) found(fmt::format("User '{}' may create objects in schema {}.", user, creatable));
  if (cell_true(role.result, 0, 7))
    found(fmt::format("User '{}' may create schemas in database '{}'.", user, database));
  if (writable.count() > 0)
    found(fmt::format("User '{}' may write {} tables or sequences: {}.", user, writable.count(),
                      writable.some()));
  if (functions.count() > 0)
    found(
        fmt::format("User '{}' may call functions that act with other rights: {}.", user, functions.some()));
  const bool creates_databases = cell_true(role.result, 0, 2);
  report.can_write = report.superuser || creates || creates_databases || writable.count() > 0;
  const bool makes_users = cell_true(role.result, 0, 3), replicates = cell_true(role.result, 0, 4);
  report.reaches_beyond = makes_users || replicates || powers.any(1) || functions.any(1);
  if (!report.findings.empty()) {
    VMC_TRY(statements, reader_statements(database, schemas));
    found("For a user that can only read, run as an administrator:\n" + statements);
  }
  return report;
}

}  // namespace vmc::sources::postgres
