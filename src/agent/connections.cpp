#include "agent/connections.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "agent/privacy.hpp"

namespace vmc::agent {

std::unique_ptr<sources::Source> make_source(const ConnectionSettings& connection,
                                             std::function<Result<crypto::Secret>()> password) {
  if (connection.type == "sqlite") return sources::make_sqlite_source({connection.file});
  sources::PostgresSourceSettings settings;
  settings.host = connection.host;
  settings.port = connection.port;
  settings.database = connection.database;
  settings.user = connection.user;
  settings.sslmode = connection.sslmode;
  settings.password = std::move(password);
  return sources::make_postgres_source(std::move(settings));
}

Connections::Connections(asio::io_context& loop, const std::vector<ConnectionSettings>& settings, Keys& keys,
                         Journal& journal)
    : journal_{journal} {
  for (const auto& connection : settings) {
    auto password = [&keys, connection] { return keys.password(connection); };
    Connection made{connection,
                    sources::make_source_pool(loop, make_source(connection, password), connection.pool)};
    connections_.emplace(connection.id, std::move(made));
  }
}

Result<Connection*> Connections::find(const std::string& id) {
  const auto found = connections_.find(id);
  if (found == connections_.end())
    return fail(Code::connection_not_found, fmt::format("this agent has no connection '{}'", id));
  return &found->second;
}

awaitable<Result<data::TableInfo>> Connections::table(std::string connection, std::string name) {
  VMC_CO_TRY(found, find(connection));
  auto schema = co_await journal_.approved(connection);
  if (!schema) co_return schema.error();
  if (!*schema)
    co_return fail(Code::schema_access_denied,
                   fmt::format("no schema of connection '{}' is approved", connection),
                   fmt::format("Approve it on the agent: vmc agent schema publish {}", connection));
  const auto shown = visible(**schema, found->settings.private_names);
  const auto* table = shown.table(name);
  if (!table)
    co_return fail(
        Code::schema_access_denied,
        fmt::format("table '{}' is not in the approved schema of connection '{}'", name, connection));
  co_return *table;
}

awaitable<Result<data::TableInfo>> Connections::writable_table(std::string connection, std::string name) {
  VMC_CO_TRY(found, find(connection));
  const auto& writable = found->settings.writable_tables;
  if (std::find(writable.begin(), writable.end(), name) == writable.end())
    co_return fail(Code::write_not_permitted,
                   fmt::format("table '{}' of connection '{}' is not opened for writing", name, connection));
  co_return co_await table(std::move(connection), std::move(name));
}

awaitable<Result<std::vector<std::pair<std::string, data::Schema>>>> Connections::approved() {
  std::vector<std::pair<std::string, data::Schema>> schemas;
  for (const auto& [id, connection] : connections_) {
    auto schema = co_await journal_.approved(id);
    if (!schema) co_return schema.error();
    if (*schema) schemas.emplace_back(id, visible(**schema, connection.settings.private_names));
  }
  co_return schemas;
}

awaitable<void> Connections::close() {
  for (auto& [id, connection] : connections_) co_await connection.pool->close();
}

}  // namespace vmc::agent
