#include "agent/connections.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "agent/privacy.hpp"

namespace vmc::agent {
namespace {

constexpr auto kApprovedFor = std::chrono::seconds{1};  // what a lost wake-up may cost

Json to_json(const sources::PoolFigures& figures) {
  return {{"open", figures.open},
          {"inUse", figures.in_use},
          {"waiting", figures.waiting},
          {"mostOpen", figures.most_open},
          {"opened", figures.opened},
          {"openFailures", figures.open_failures},
          {"waited", figures.waited},
          {"exhausted", figures.exhausted},
          {"longestWaitMs", std::chrono::duration_cast<std::chrono::milliseconds>(figures.longest_wait).count()}};
}

}  // namespace

Result<sql::Dialect> dialect_of(const ConnectionSettings& connection) {
  if (is_odbc(connection.type))
    return fail(Code::write_operation_rejected,
                fmt::format("connection '{}' takes intents only, no SQL: no guard reads what its ODBC driver takes",
                            connection.id),
                "Name tables and columns instead.");
  if (connection.type == "postgres") return sql::Dialect::postgres;
  if (connection.type == "mssql") return sql::Dialect::mssql;
  return connection.type == "mysql" ? sql::Dialect::mysql : sql::Dialect::sqlite;
}

std::unique_ptr<sources::Source> make_source(const ConnectionSettings& connection,
                                             std::function<Result<crypto::Secret>()> password) {
  if (connection.type == "sqlite") return sources::make_sqlite_source({connection.file});
  if (is_odbc(connection.type))
    return sources::make_odbc_source({connection.type, connection.dsn, connection.driver, connection.host,
                                      connection.port, connection.database, connection.user, connection.options,
                                      std::move(password)});
  sources::ServerSettings server{connection.host, connection.port,    connection.database,
                                 connection.user, connection.sslmode, std::move(password)};
  if (connection.type == "mysql") return sources::make_mysql_source(std::move(server));
  if (connection.type == "mssql") return sources::make_mssql_source(std::move(server));
  return sources::make_postgres_source(std::move(server));
}

Connections::Connections(asio::io_context& loop, const Settings& settings, Keys& keys, Journal& journal)
    : grants_{settings.rights_check}, journal_{journal} {
  for (const auto& connection : settings.connections) {
    auto password = [&keys, connection] { return keys.password(connection); };
    Connection made;
    made.settings = connection;
    made.pool = sources::make_source_pool(loop, make_source(connection, password), connection.pool);
    connections_.emplace(connection.id, std::move(made));
  }
}

Result<Connection*> Connections::find(const std::string& id) {
  const auto found = connections_.find(id);
  if (found == connections_.end())
    return fail(Code::connection_not_found, fmt::format("this agent has no connection '{}'", id));
  return &found->second;
}

awaitable<Result<void>> Connections::admit(std::string id) {
  VMC_CO_TRY(connection, find(id));
  co_return co_await grants_.admit(connection->settings, *connection->pool);
}

awaitable<Result<void>> Connections::look_up(Connection& connection) {
  const bool fresh = connection.shown && connection.shown_approvals == approvals_ &&
                     Steady::now() - connection.shown_at < kApprovedFor;
  if (fresh) co_return Result<void>{};
  const auto known = approvals_;
  auto schema = co_await journal_.approved(connection.settings.id);
  if (!schema) co_return schema.error();
  if (!*schema) {
    connection.shown.reset();
    connection.approved.reset();
    connection.judge.reset();
    co_return fail(Code::schema_access_denied,
                   fmt::format("no schema of connection '{}' is approved", connection.settings.id),
                   fmt::format("Approve it on the agent: vmc agent schema publish {}", connection.settings.id));
  }
  if (!connection.approved || **schema != *connection.approved) {
    connection.shown = visible(**schema, connection.settings.private_names);
    connection.approved = std::make_shared<const data::Schema>(std::move(**schema));
    connection.judge.reset();
  }
  connection.shown_at = Steady::now();
  connection.shown_approvals = known;
  co_return Result<void>{};
}

awaitable<Result<ReachedTable>> Connections::table(std::string connection, std::string name) {
  VMC_CO_TRY(found, find(connection));
  VMC_CO_CHECK(co_await look_up(*found));
  const auto* table = found->shown->table(name);
  if (!table)
    co_return fail(
        Code::schema_access_denied,
        fmt::format("table '{}' is not in the approved schema of connection '{}'", name, connection));
  ReachedTable reached{*table, found->approved, data::with_what_they_read(*found->approved, {name})};
  co_return reached;
}

awaitable<Result<ReachedTable>> Connections::writable_table(std::string connection, std::string name) {
  VMC_CO_TRY(found, find(connection));
  const auto& writable = found->settings.writable_tables;
  if (std::find(writable.begin(), writable.end(), name) == writable.end())
    co_return fail(Code::write_not_permitted,
                   fmt::format("table '{}' of connection '{}' is not opened for writing", name, connection));
  co_return co_await table(std::move(connection), std::move(name));
}

awaitable<Result<std::shared_ptr<const JudgedBy>>> Connections::judge(std::string connection) {
  VMC_CO_TRY(found, find(connection));
  VMC_CO_TRY(dialect, dialect_of(found->settings));
  if (found->settings.queries == "intents")
    co_return fail(Code::write_operation_rejected,
                   fmt::format("connection '{}' takes intents only, no SQL", connection),
                   fmt::format("Its owner can change that on the agent: vmc agent db policy {} approved", connection));
  VMC_CO_CHECK(co_await look_up(*found));
  if (found->judge) co_return found->judge;
  auto made = std::make_shared<JudgedBy>();
  made->schema = found->approved;
  auto parts = hidden_parts(*made->schema, found->settings.private_names);
  if (!found->settings.private_names.empty()) parts["*"];  // whatever it is: the server's catalogue would tell of it
  auto catalogue = sql::Catalogue::make(dialect, made->schema.get(), std::move(parts), found->settings.database);
  const auto& functions = found->settings.functions;
  VMC_CO_TRY(guard, sql::make_guard(dialect, {std::move(catalogue), sql::folded_functions(dialect, functions)}));
  made->guard = std::move(guard);
  made->connection = connection;
  made->dialect = dialect;
  made->by_consent = found->settings.queries == "approved";
  found->judge = std::move(made);
  co_return found->judge;
}

awaitable<Result<std::vector<std::pair<std::string, data::Schema>>>> Connections::approved() {
  std::vector<std::pair<std::string, data::Schema>> schemas;
  for (const auto& [id, connection] : connections_) {
    auto schema = co_await journal_.approved(id);
    if (!schema) co_return schema.error();
    if (*schema) schemas.emplace_back(id, shared(**schema, connection.settings));
  }
  co_return schemas;
}

awaitable<Result<void>> Connections::ask_consent(std::string connection, sql::Shape shape) {
  co_return co_await journal_.ask_consent(std::move(connection), std::move(shape));
}

void Connections::take_over(const std::vector<ConnectionSettings>& settings) {
  for (const auto& given : settings) {
    const auto found = connections_.find(given.id);
    if (found == connections_.end()) continue;
    auto& own = found->second.settings;
    own.queries = given.queries;
    own.functions = given.functions;
    own.private_names = given.private_names;
    own.leave_out = given.leave_out;
    own.writable_tables = given.writable_tables;
    own.auto_approve_additions = given.auto_approve_additions;
    own.weak_grants = given.weak_grants;
    found->second.shown.reset();
    found->second.approved.reset();
    found->second.judge.reset();
  }
}

awaitable<Result<std::optional<Connections::Found>>> Connections::discover(std::string connection) {
  VMC_CO_TRY(known, find(connection));
  VMC_CO_TRY(approved, co_await journal_.approved(connection));
  if (!approved) co_return std::optional<Found>{};
  Found found{std::move(*approved), {}};
  std::function<Result<void>(sources::Session&)> work = [&](sources::Session& session) -> Result<void> {
    VMC_TRY(schema, session.discover());
    found.found = std::move(schema);
    return {};
  };
  VMC_CO_CHECK(co_await known->pool->use(sources::Access::read, work));
  if (found.found.database.empty()) found.found.database = found.approved.database;
  co_return std::optional{std::move(found)};
}

awaitable<Result<void>> Connections::approve(std::string connection, data::Schema schema) {
  VMC_CO_CHECK(co_await journal_.approve(std::move(connection), std::move(schema)));
  forget_approved();
  co_return Result<void>{};
}

void Connections::note_changes(const std::string& connection, std::size_t changes) {
  if (const auto found = connections_.find(connection); found != connections_.end()) found->second.changes = changes;
}

std::vector<ConnectionSettings> Connections::settings() const {
  std::vector<ConnectionSettings> all;
  for (const auto& [id, connection] : connections_) all.push_back(connection.settings);
  return all;
}

Json Connections::status() const {
  Json list = Json::array();
  for (const auto& [id, connection] : connections_) {
    const auto rights = grants_.last(connection.settings);
    list.push_back({{"id", id},
                    {"type", connection.settings.type},
                    {"queries", connection.settings.queries},
                    {"grants", rights ? to_string(rights->strength) : to_string(Grants::Strength::unknown)},
                    {"schemaChanges", connection.changes ? Json(*connection.changes) : Json{}},
                    {"findings", rights ? Json(rights->findings) : Json::array()},
                    {"pool", to_json(connection.pool->figures())}});
  }
  return list;
}

awaitable<void> Connections::close() {
  for (auto& [id, connection] : connections_) co_await connection.pool->close();
}

}  // namespace vmc::agent
