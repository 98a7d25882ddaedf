// Which of the server's own tables may be read.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "sql/guard/mssql/names.hpp"
#include "sql/guard/mssql/parser.hpp"

namespace vmc::sql::mssql {
namespace {

// Left out: ROUTINES and VIEWS (source), the privileges, SEQUENCES (values).
constexpr auto kInformationSchema = std::to_array<std::string_view>({
    "columns", "constraint_column_usage", "constraint_table_usage", "domains", "key_column_usage",
    "referential_constraints", "schemata", "table_constraints", "tables", "view_column_usage", "view_table_usage",
});
// Left out: source, accounts and rights, settings, files, statistics, values, other databases, all that is about
// sessions.
constexpr auto kSys = std::to_array<std::string_view>({
    "all_columns", "all_objects", "columns", "default_constraints", "extended_properties", "foreign_key_columns", "foreign_keys",
    "identity_columns", "index_columns", "indexes", "key_constraints", "objects", "partitions", "schemas", "tables",
    "time_zone_info", "types", "views",
});
// Are found without their schema, and behind any: "dbo.sysobjects" is sys.sysobjects.
constexpr auto kOldCatalogue = std::to_array<std::string_view>({
    "sysaltfiles", "syscacheobjects", "syscharsets", "syscolumns", "syscomments", "sysconfigures", "sysconstraints",
    "syscurconfigs", "sysdatabases", "sysdepends", "sysdevices", "sysfilegroups", "sysfiles", "sysforeignkeys",
    "sysfulltextcatalogs", "sysindexes", "sysindexkeys", "syslanguages", "syslockinfo", "syslogins", "sysmembers",
    "sysmessages", "sysobjects", "sysoledbusers", "sysopentapes", "sysperfinfo", "syspermissions", "sysprocesses",
    "sysprotects", "sysreferences", "sysremotelogins", "syssegments", "sysservers", "systypes", "sysusers",
});
static_assert(std::is_sorted(kInformationSchema.begin(), kInformationSchema.end()));
static_assert(std::is_sorted(kSys.begin(), kSys.end()));
static_assert(std::is_sorted(kOldCatalogue.begin(), kOldCatalogue.end()));

bool is_open(std::string_view schema, std::string_view name) {
  if (schema == "sys") return std::binary_search(kSys.begin(), kSys.end(), name);
  return std::binary_search(kInformationSchema.begin(), kInformationSchema.end(), name);
}

bool is_system_database(std::string_view name) {
  return name == "master" || name == "msdb" || name == "model" || name == "tempdb" || name == "distribution";
}

bool is_systems(std::string_view name) {
  return name == "sys" || name == "information_schema" || name == "cdc" ||
         std::binary_search(kOldCatalogue.begin(), kOldCatalogue.end(), name);
}

}  // namespace

void Parser::check_table(const Token& token, Item& item) {
  const auto deny = [&](std::string what, std::string hint) {
    refuse(token, std::move(what), std::move(hint), Layer::names, Code::schema_access_denied);
  };
  if (refused()) return;
  const auto& path = item.path;
  const auto& name = path.back();
  const std::string_view schema = path.size() > 1 ? path[path.size() - 2] : std::string_view{};
  const auto full = fmt::format("{}", fmt::join(path, "."));
  if (path.size() > 3) return deny("a name of four parts reads from another server", "Name the table as schema.table.");
  if (path.size() == 3 && is_system_database(path.front()))
    return deny(fmt::format("'{}' is a database of the server's own", path.front()), "Read tables of the connection's database.");
  if (name.starts_with('#')) return deny("temporary tables are not read", "Use WITH for steps of a query.");
  // Where a server leaves accents out these are its own, too.
  for (const auto part : {schema, std::string_view{name}})
    if (const auto plain = skeleton(part); plain != part && is_systems(plain))
      return deny(fmt::format("'{}' may be a name of the server's own", full), "Name the table without those letters.");
  // The tables of change data capture hold what was written to others.
  if (schema == "cdc")
    return deny(fmt::format("'{}' holds changes of other tables", full), "Read the tables themselves.");
  if (schema == "sys" || schema == "information_schema") {
    if (path.size() > 2)
      return deny("the system catalogue is read without the name of a database",
                  fmt::format("Name it as {}.{}.", schema, name));
    if (!is_open(schema, name))
      return deny(fmt::format("'{}' of the system catalogue is not read", full),
                  "Tables, columns and keys may be read.");
    item.catalogue = true;
    return;
  }
  if (!std::binary_search(kOldCatalogue.begin(), kOldCatalogue.end(), name)) return;
  if (path.size() > 1)
    return deny(fmt::format("'{}' of the system catalogue is not read", full), "Read sys.tables and sys.columns.");
  item.hidden = true;
}

}  // namespace vmc::sql::mssql
