// Connectors: enrolment, epochs, presence, published schemas, notices to the tenant.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "data/schema.hpp"
#include "state/platform.hpp"

namespace vmc::state {

struct Connector {
  std::string connector_id, name;
  std::string installation_id, key_id, agent_version;  // empty before enrolment
  Bytes public_key;
  std::int64_t epoch = 0;
  std::optional<Micros> connected_at, seen_at;  // connected_at is empty while it is offline
};

Result<Connector> find_connector(store::Tx& tx, std::string_view connector_id);
Result<Connector> find_connector_named(store::Tx& tx, std::string_view name);  // NOT_FOUND lists near names
Result<Connector> find_connector_by_key(store::Tx& tx, std::string_view key_id);
Result<std::vector<Connector>> list_connectors(store::Tx& tx);

struct Login {
  std::string connector_id, key_id, installation_id, agent_version, name;
  Bytes public_key;           // at enrolment; empty at later logins
  Duration presence_timeout;  // after this silence a connected row counts as gone
};
// "cloud" and "mini" mean something else in a workflow; otherwise any line of text.
inline constexpr std::size_t kConnectorNameMax = 64;
bool is_connector_name(std::string_view name);

// Fences: epoch + 1 and presence in one step; the caller has checked key or signature. A connection of the
// same installation is taken over. Another installation is refused with DUPLICATE_CONNECTION while the first
// one is connected, and always at enrolment when a device is enrolled already (the tenant gets a notice;
// commit it: the outcome is a value, not an error). Repeating an enrolment with the same installation and
// public key is fine: its answer may have been lost. A later login of a connector without a device is
// AUTH_FAILED.
struct LoginOutcome {
  std::int64_t epoch = 0;
  std::string connector_name;
  bool duplicate = false;
};
Result<LoginOutcome> login(store::Tx& tx, const Login& login, Micros now);
// Heartbeat: CONFLICT when a newer epoch exists.
Result<void> mark_seen(store::Tx& tx, std::string_view connector_id, std::int64_t epoch, Micros now);
// Only for the same epoch: a fenced session does not log its successor out.
Result<void> mark_gone(store::Tx& tx, std::string_view connector_id, std::int64_t epoch);
bool is_online(const Connector& connector, Micros now, Duration presence_timeout);

struct PublishedSchema {
  std::string connector_id, connection;
  std::int64_t version = 0;
  data::Schema schema;
  Micros published_at = 0;
};
// An unchanged schema keeps its version; row estimates alone do not make a new one. The newest
// kSchemaVersionsKept are kept.
inline constexpr std::int64_t kSchemaVersionsKept = 100;
inline constexpr std::int64_t kConnectionsPerConnectorMax = 1000;  // more: QUOTA_EXCEEDED
inline constexpr std::size_t kSchemaBytesMax = 16u << 20;
Result<std::int64_t> publish_schema(store::Tx& tx, std::string_view connector_id, std::string_view connection,
                                    const data::Schema& schema, Micros now);
Result<PublishedSchema> find_schema(store::Tx& tx, std::string_view connector_id,
                                    std::string_view connection);  // newest
Result<std::vector<PublishedSchema>> list_schemas(store::Tx& tx,
                                                  std::string_view connector_id);  // newest of each

// Bus topic: a schema of this connector was published.
inline std::string schema_topic(std::string_view tenant, std::string_view connector_id) {
  return "schema/" + std::string{tenant} + "/" + std::string{connector_id};
}

struct Notice {
  std::string notice_id;
  Micros time = 0;
  std::string code, message;
};
// The newest kNoticesPerTenantMax are kept. `message` is cut at 1,000 bytes.
inline constexpr std::int64_t kNoticesPerTenantMax = 1000;
Result<void> add_notice(store::Tx& tx, std::string_view code, std::string_view message, Micros now);
Result<std::vector<Notice>> list_notices(store::Tx& tx, std::size_t limit);  // newest first

}  // namespace vmc::state
