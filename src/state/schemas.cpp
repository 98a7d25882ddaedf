// The schema registry: what each connector's connections have published, by version.
#include <fmt/format.h>

#include "state/connectors.hpp"
#include "state/detail.hpp"

namespace vmc::state {
namespace {

constexpr std::size_t kConnectionNameMax = 64;
constexpr std::size_t kSchemasListed = 1000;

// What makes a version: everything but the estimates, which change with every insert.
std::string shape_of(data::Schema schema) {
  for (auto& table : schema.tables) table.row_estimate.reset();
  return data::to_json(schema).dump();
}

Result<data::Schema> schema_from_text(const std::string& text) {
  VMC_TRY(json, parse_json(text, kSchemaBytesMax));
  return data::schema_from_json(json);
}

Result<PublishedSchema> schema_from(const store::Row& row, std::string_view connector_id) {
  VMC_TRY(schema, schema_from_text(row.text(2)));
  return PublishedSchema{std::string{connector_id}, row.text(0), row.integer(1), std::move(schema),
                         row.integer(3)};
}

Result<void> check_room(store::Tx& tx, std::string_view connector_id) {
  const auto row = tx.one(
      "SELECT COUNT(DISTINCT connection) FROM schemas WHERE tenant = :tenant AND connector_id = :connector",
      {{"connector", connector_id}});
  if (row.value().integer(0) < kConnectionsPerConnectorMax) return {};
  return fail(Code::quota_exceeded,
              fmt::format("a connector publishes at most {} connections", kConnectionsPerConnectorMax));
}

}  // namespace

Result<std::int64_t> publish_schema(store::Tx& tx, std::string_view connector_id, std::string_view connection,
                                    const data::Schema& schema, Micros now) {
  if (!detail::is_plain_line(connection, kConnectionNameMax))
    return fail(Code::invalid_request, "a connection's name is one line of 1 to 64 bytes");
  auto body = data::to_json(schema).dump();
  if (body.size() > kSchemaBytesMax) {
    return fail(Code::quota_exceeded,
                fmt::format("a schema has at most {} MiB as JSON", kSchemaBytesMax >> 20),
                "Share fewer tables or columns.");
  }
  VMC_CHECK(find_connector(tx, connector_id));

  const auto newest = tx.one(
      "SELECT version, body FROM schemas WHERE tenant = :tenant AND connector_id = :connector "
      "AND connection = :connection ORDER BY version DESC LIMIT 1",
      {{"connector", connector_id}, {"connection", connection}});
  std::int64_t version = 1;
  if (newest) {
    version = newest->integer(0);
    if (newest->text(1) == body) return version;
    VMC_TRY(before, schema_from_text(newest->text(1)));
    if (shape_of(std::move(before)) == shape_of(schema)) {
      tx.exec(
          "UPDATE schemas SET body = :body WHERE tenant = :tenant AND connector_id = :connector "
          "AND connection = :connection AND version = :version",
          {{"connector", connector_id},
           {"connection", connection},
           {"version", version},
           {"body", std::move(body)}});
      return version;
    }
    ++version;
  } else {
    VMC_CHECK(check_room(tx, connector_id));
  }
  tx.exec(
      "INSERT INTO schemas (tenant, connector_id, connection, version, body, published_at) "
      "VALUES (:tenant, :connector, :connection, :version, :body, :now)",
      {{"connector", connector_id},
       {"connection", connection},
       {"version", version},
       {"body", std::move(body)},
       {"now", now}});
  tx.exec(
      "DELETE FROM schemas WHERE tenant = :tenant AND connector_id = :connector AND connection = :connection "
      "AND version <= :oldest",
      {{"connector", connector_id}, {"connection", connection}, {"oldest", version - kSchemaVersionsKept}});
  return version;
}

Result<PublishedSchema> find_schema(store::Tx& tx, std::string_view connector_id,
                                    std::string_view connection) {
  const auto row = tx.one(
      "SELECT connection, version, body, published_at FROM schemas WHERE tenant = :tenant "
      "AND connector_id = :connector AND connection = :connection ORDER BY version DESC LIMIT 1",
      {{"connector", connector_id}, {"connection", connection}});
  if (!row) {
    return fail(Code::not_found,
                fmt::format("this connector has published no connection \"{}\"",
                            detail::clipped(connection, kConnectionNameMax)),
                "The connector publishes a connection's schema once it has connected to the database.");
  }
  return schema_from(*row, connector_id);
}

Result<std::vector<PublishedSchema>> list_schemas(store::Tx& tx, std::string_view connector_id) {
  const auto rows = tx.query(
      "SELECT s.connection, s.version, s.body, s.published_at FROM schemas s "
      "WHERE s.tenant = :tenant AND s.connector_id = :connector AND s.version = "
      "(SELECT MAX(n.version) FROM schemas n WHERE n.tenant = :tenant AND n.connector_id = :connector "
      "AND n.connection = s.connection) ORDER BY s.connection LIMIT :most",
      {{"connector", connector_id}, {"most", kSchemasListed}});
  std::vector<PublishedSchema> list;
  for (const auto& row : rows) {
    VMC_TRY(schema, schema_from(row, connector_id));
    list.push_back(std::move(schema));
  }
  return list;
}

}  // namespace vmc::state
