// The agent role: connects out to the gateway, keeps a journal, runs commands on the local databases.
// Everything runs on one loop; it listens nowhere.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/approvals.hpp"
#include "core/clock.hpp"
#include "core/config.hpp"
#include "core/offload.hpp"
#include "crypto/secret.hpp"
#include "data/schema.hpp"
#include "sources/pool.hpp"

namespace vmc::agent {

struct ConnectionSettings {
  std::string id;    // "erp"
  std::string type;  // sqlite | postgres | mysql (of MariaDB too) | mssql | odbc | oracle | hana
  std::string file;  // sqlite
  std::string host;
  std::uint16_t port = 5432;
  std::string database, user, sslmode = "prefer";
  std::string dsn, driver, options;        // of what is reached over ODBC
  config::SecretRef password;              // empty: the vault's record "connection/ID"
  // "intents"; "approved": a statement of a shape not seen before waits for the owner; or any the guard passes
  std::string queries = "select";
  std::vector<std::string> private_names;  // "employees.salary", "audit_*"
  std::vector<std::string> functions;  // the owner's own that statements may call, whatever they do: "shop.vat_of"
  std::vector<std::string> writable_tables;
  std::vector<std::string> leave_out;   // of what is shared: "defaults", "enum_values"
  bool auto_approve_additions = false;  // new tables and columns, unless they match a private name
  std::string weak_grants = "report";  // "refuse": nothing runs for a user with more rights than it needs
  sources::PoolSettings pool;
};

// Words of leave_out: what may hold personal data.
inline constexpr std::string_view kDefaults = "defaults", kEnumValues = "enum_values";

std::uint16_t default_port(std::string_view type);
bool is_odbc(std::string_view type);                    // reached over ODBC: odbc, oracle, hana
std::string_view vendor_driver(std::string_view type);  // as Oracle and SAP call theirs; empty: there is no one driver
std::string_view product(std::string_view type);  // what people call it: "PostgreSQL"

struct Settings {
  std::string name = "agent";
  std::string cloud_url;      // wss://host[:port]/ws
  config::SecretRef api_key;  // needed at enrolment only
  std::string ca_file;        // custom authority; empty: the system's
  std::string pin_sha256;
  Duration heartbeat = std::chrono::seconds{30};
  Duration command_timeout = std::chrono::seconds{30};
  Duration reconnect_min = std::chrono::milliseconds{500};
  Duration reconnect_max = std::chrono::seconds{30};
  std::uint64_t offline_queue_max = 500'000'000;
  std::size_t commands_at_once = 10;  // as many as a pool has sessions
  std::size_t chunk_bytes = 1'000'000;
  Duration rights_check = std::chrono::hours{1};
  Duration discover_every = std::chrono::hours{1};
  std::vector<ConnectionSettings> connections;
  // Reads the connections anew when the owner has changed them beside the running agent; none: they stay. Blocking.
  std::function<Result<std::vector<ConnectionSettings>>()> reread = {};
};
Settings read_settings(config::Table root);  // [agent] and [[connections]]

using SecretResolver = std::function<Result<crypto::Secret>(const config::SecretRef&)>;

// The agent's own folder: vault, key file, journal. Shared between the running role and the command line.
struct Home {
  std::filesystem::path folder;
};

class Agent {
 public:
  virtual ~Agent() = default;
  // Until cancelled: total drains (running commands finish and report), terminal stops now.
  virtual awaitable<void> run() = 0;
};
// Opens the journal; nothing of the vault until it is needed. `secrets` resolves references. CONFLICT when an agent
// runs in that folder.
Result<std::unique_ptr<Agent>> make_agent(asio::io_context& loop, const Settings& settings, Home home,
                                          SecretResolver secrets, const Clock& clock);

// What the owner does locally; each works beside a running agent, which notices through the folder's bus.
Result<void> store_secret(const Home& home, std::string_view record, crypto::Secret secret);  // blocking
// Opens the connection once and reports what it found: sentences, or the specific error. Blocking.
Result<std::vector<std::string>> test_connection(const Home& home, const ConnectionSettings& connection,
                                                 const SecretResolver& secrets);
// One known escape, fired with the layers switched off in turn: at the whole guard, at the guard without its keywords,
// and past the guard at the real session. Empty: not refused.
struct EscapeTried {
  std::string name, statement;
  std::string guard_layer;
  bool by_keyword = false;  // the whole guard knew it by a writing verb
  std::string syntax_layer;
  std::string session_error;
};
struct SelfTest {
  std::vector<EscapeTried> escapes;
  // The last layer. Nothing is fired at it: where the session does not hold, a statement may commit by itself.
  sources::RightsReport rights;
};
Result<SelfTest> self_test(const Home& home, const ConnectionSettings& connection, const SecretResolver& secrets);  // blocking

// All that discovery finds, private parts too. Blocking.
Result<data::Schema> discover(const Home& home, const ConnectionSettings& connection,
                              const SecretResolver& secrets);
// Approves this schema: from now on it is what commands may reach, and what of it is not private is sent to the cloud.
// Blocking.
Result<void> approve_schema(const Home& home, std::string_view connection, const data::Schema& schema);
Result<std::optional<data::Schema>> approved_schema(const Home& home, std::string_view connection);
Result<std::optional<Micros>> approved_at(const Home& home, std::string_view connection);
// Tells a running agent to read its connections anew.
Result<void> announce_settings(const Home& home);
// The consent ledger; see approvals.hpp. Blocking.
Result<std::vector<KnownShape>> known_shapes(const Home& home, std::string_view connection, bool decided);
Result<std::vector<KnownShape>> decide(const Home& home, const std::vector<std::string>& ids, bool yes);

}  // namespace vmc::agent
