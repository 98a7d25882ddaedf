#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "agent/agent.hpp"
#include "core/ids.hpp"
#include "core/text.hpp"
#include "sources/odbc/connection_string.hpp"

namespace vmc::agent {
namespace {

bool is_function_name(std::string_view name) {
  constexpr std::size_t kDatabaseSchemaName = 3;
  const auto parts = split(name, '.');
  const auto is_part = [](const std::string& part) {
    return !part.empty() && part.find_first_of(" \t\r\n()[]`\"'*,;") == std::string::npos;
  };
  return parts.size() <= kDatabaseSchemaName && std::ranges::all_of(parts, is_part);
}

// What stands behind an ODBC driver has no guard of its own.
void check_odbc(config::Table& table, const ConnectionSettings& c) {
  if (c.dsn.empty() == c.driver.empty())
    table.complain("driver", "or dsn is needed for an ODBC connection, one of them");
  if (auto outcome = sources::odbc::check_options(c.options); !outcome)
    table.complain("options", "cannot be used: " + outcome.error().message);
  if (c.queries != "intents")
    table.complain("queries", fmt::format("can only be \"intents\" for a {} connection: no guard reads its SQL",
                                          product(c.type)));
  if (table.has("sslmode")) table.complain("sslmode", "is not for ODBC: say it in options, in the driver's words");
}

void check_no_odbc(config::Table& table, const ConnectionSettings& c) {
  for (const auto& [key, value] : {std::pair{"dsn", &c.dsn}, {"driver", &c.driver}, {"options", &c.options}})
    if (!value->empty()) table.complain(key, "is for ODBC connections only");
}

void check_server(config::Table& table, const ConnectionSettings& c) {
  for (const auto& [key, value] : {std::pair{"host", &c.host}, {"database", &c.database}, {"user", &c.user}})
    if (value->empty()) table.complain(key, fmt::format("is needed for a {} connection", product(c.type)));
}

ConnectionSettings read_connection(config::Table table) {
  ConnectionSettings c;
  c.id = table.required_str("id");
  c.type = table.choice("type", "", {"sqlite", "postgres", "mysql", "mariadb", "mssql", "odbc", "oracle", "hana"});
  if (c.type == "mariadb") c.type = "mysql";  // one source for both
  c.file = table.str("file");
  c.host = table.str("host");
  c.port = static_cast<std::uint16_t>(table.integer("port", default_port(c.type), c.type == "odbc" ? 0 : 1, 65535));
  c.dsn = table.str("dsn");
  c.driver = table.str("driver", c.dsn.empty() ? std::string{vendor_driver(c.type)} : "");
  c.options = table.str("options");
  c.database = table.str("database");
  c.user = table.str("user");
  c.sslmode = table.choice("sslmode", c.sslmode,
                           {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"});
  c.password = table.secret("password");
  c.queries = table.choice("queries", is_odbc(c.type) ? "intents" : c.queries, {"intents", "approved", "select"});
  c.functions = table.strings("functions");
  for (const auto& name : c.functions)
    if (!is_function_name(name)) table.complain("functions", "holds names like vat_of or shop.vat_of");
  if (c.type == "sqlite" && !c.functions.empty())
    table.complain("functions", "is not for SQLite: it has none of its owner's");
  c.private_names = table.strings("private");
  c.leave_out = table.strings("leave_out");
  for (const auto& word : c.leave_out)
    if (word != kDefaults && word != kEnumValues)
      table.complain("leave_out", "holds \"defaults\", \"enum_values\" or both");
  c.writable_tables = table.strings("writable_tables");
  c.auto_approve_additions = table.boolean("auto_approve_additions", c.auto_approve_additions);
  c.weak_grants = table.choice("weak_grants", c.weak_grants, {"report", "refuse"});
  auto pool = table.table("pool");
  c.pool.min = static_cast<std::size_t>(pool.integer("min", static_cast<std::int64_t>(c.pool.min), 0, 100));
  c.pool.max = static_cast<std::size_t>(pool.integer("max", static_cast<std::int64_t>(c.pool.max), 1, 100));
  c.pool.lifetime = pool.duration("lifetime", c.pool.lifetime);
  c.pool.idle_timeout = pool.duration("idle_timeout", c.pool.idle_timeout);
  c.pool.acquire_timeout = pool.duration("acquire_timeout", c.pool.acquire_timeout);
  c.pool.ping = pool.duration("ping", c.pool.ping);
  if (c.pool.min > c.pool.max) table.complain("pool", "min is larger than max");
  if (!c.id.empty() && !is_plain_id(c.id))
    table.complain("id", "may hold letters, digits, '_' and '-', up to 64");
  if (c.type == "sqlite" && c.file.empty()) table.complain("file", "is needed for a SQLite connection");
  if (is_odbc(c.type))
    check_odbc(table, c);
  else
    check_no_odbc(table, c);
  if (!c.type.empty() && c.type != "sqlite" && !is_odbc(c.type)) check_server(table, c);
  return c;
}

}  // namespace

std::uint16_t default_port(std::string_view type) {
  if (type == "mssql") return 1433;
  if (type == "odbc") return 0;  // the driver's own
  if (type == "oracle") return 1521;
  if (type == "hana") return 30015;
  return type == "mysql" || type == "mariadb" ? 3306 : 5432;
}

bool is_odbc(std::string_view type) { return type == "odbc" || type == "oracle" || type == "hana"; }

std::string_view vendor_driver(std::string_view type) {
  if (type == "oracle") return "Oracle 21 ODBC driver";
  return type == "hana" ? "HDBODBC" : "";
}

std::string_view product(std::string_view type) {
  if (type == "odbc") return "ODBC";
  if (type == "oracle") return "Oracle";
  if (type == "hana") return "SAP HANA";
  if (type == "postgres") return "PostgreSQL";
  if (type == "mssql") return "SQL Server";
  return type == "sqlite" ? "SQLite" : "MySQL or MariaDB";
}

Settings read_settings(config::Table root) {
  Settings s;
  auto agent = root.table("agent");
  s.name = agent.str("name", s.name);
  s.cloud_url = agent.required_str("cloud_url");
  s.api_key = agent.secret("api_key");
  s.ca_file = agent.str("ca_file");
  s.pin_sha256 = agent.str("pin_sha256");
  s.heartbeat = agent.duration("heartbeat", s.heartbeat);
  s.command_timeout = agent.duration("command_timeout", s.command_timeout);
  s.reconnect_min = agent.duration("reconnect_min", s.reconnect_min);
  s.reconnect_max = agent.duration("reconnect_max", s.reconnect_max);
  s.offline_queue_max = agent.size("offline_queue_max", s.offline_queue_max);
  s.commands_at_once = static_cast<std::size_t>(
      agent.integer("commands_at_once", static_cast<std::int64_t>(s.commands_at_once), 1, 64));
  s.chunk_bytes = agent.size("chunk_bytes", s.chunk_bytes);
  s.discover_every = agent.duration("discover_every", s.discover_every);
  s.rights_check = agent.duration("rights_check", s.rights_check);
  if (!s.ca_file.empty() && !s.pin_sha256.empty())
    agent.complain("pin_sha256", "and ca_file exclude each other");
  std::set<std::string> ids;
  for (auto& table : root.tables("connections")) {
    auto connection = read_connection(table);
    if (!ids.insert(connection.id).second)
      table.complain("id", fmt::format("'{}' is used twice", connection.id));
    s.connections.push_back(std::move(connection));
  }
  return s;
}

}  // namespace vmc::agent
