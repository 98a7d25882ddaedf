// agent: run the role, and what its owner does locally about key and connections.
#include "agent/agent.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "agent/grants.hpp"
#include "app/roles.hpp"
#include "app/secrets.hpp"
#include "cli/agent_home.hpp"
#include "cli/name_list.hpp"
#include "core/config_edit.hpp"
#include "core/log.hpp"
#include "core/text.hpp"
#include "crypto/api_key.hpp"
#include "sources/odbc/connection_string.hpp"

namespace vmc::cli {
namespace {

namespace fs = std::filesystem;

Result<void> write_new_file(const fs::path& file, const std::string& text, bool replace) {
  std::error_code ec;
  fs::create_directories(file.parent_path(), ec);
  const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (replace ? O_TRUNC : O_EXCL);
  const int fd = open(file.c_str(), flags, 0600);
  if (fd < 0 && errno == EEXIST)
    return fail(Code::conflict, fmt::format("{} exists already", file.string()),
                "Edit it, or add --force to replace it.");
  if (fd < 0)
    return fail(Code::unavailable, fmt::format("cannot write {}", file.string()),
                "Check the folder's permissions.");
  const bool written =
      write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && fsync(fd) == 0;
  close(fd);
  if (!written) return fail(Code::unavailable, fmt::format("cannot write {}", file.string()));
  return {};
}

struct Configure {
  std::string name, cloud_url, authority;
  bool key_from_stdin = false, force = false;
};

Result<int> configure(const Session& session, const Configure& options) {
  VMC_TRY(home, home_of(session));
  if (!options.key_from_stdin)
    return fail(Code::invalid_request, "the API key is missing",
                "Pass it on standard input: vmc agent configure --api-key-stdin … < key.txt");
  VMC_TRY(key, read_secret("API key"));
  VMC_TRY(parts, crypto::parse_api_key(key.text()));
  std::string text = fmt::format("[agent]\nname = {}\ncloud_url = {}\napi_key = \"vault:apikey\"\n",
                                 config::quoted(options.name), config::quoted(options.cloud_url));
  if (!options.authority.empty())
    text += fmt::format("ca_file = {}\n", config::quoted(fs::absolute(options.authority).string()));
  VMC_CHECK(write_new_file(agent_config(session), text, options.force));
  VMC_CHECK(agent::store_secret(home, "apikey", std::move(key)));
  print_line(fmt::format("Agent '{}' is set up for tenant '{}' in {}.", options.name, parts.tenant,
                         agent_config(session).string()));
  say("Next: vmc agent db add, then vmc agent schema publish, then vmc agent");
  return 0;
}

// Where a connection's database is, as its section of the configuration says it.
Result<std::string> place_of_file(const agent::ConnectionSettings& c) {
  if (c.file.empty()) return fail(Code::invalid_request, "a SQLite connection needs --file");
  return fmt::format("file = {}\n", config::quoted(fs::absolute(c.file).string()));
}

Result<std::string> place_of_odbc(const agent::ConnectionSettings& c) {
  if (!c.dsn.empty() && !c.driver.empty()) return fail(Code::invalid_request, "--dsn and --driver exclude each other");
  if (c.dsn.empty() && c.driver.empty() && agent::vendor_driver(c.type).empty())
    return fail(Code::invalid_request, "an ODBC connection needs --dsn or --driver",
                "'odbcinst -q -d' lists the drivers of this machine, 'odbcinst -q -s' its data sources.");
  VMC_CHECK(sources::odbc::check_options(c.options));
  std::string text;
  for (const auto& [key, value] : {std::pair{"dsn", &c.dsn}, {"driver", &c.driver}, {"host", &c.host},
                                   {"database", &c.database}, {"user", &c.user}, {"options", &c.options}})
    if (!value->empty()) text += fmt::format("{} = {}\n", key, config::quoted(*value));
  if (c.port != 0 && !c.host.empty()) text += fmt::format("port = {}\n", c.port);
  return text;
}

Result<std::string> place_of_server(const agent::ConnectionSettings& c) {
  if (c.host.empty() || c.database.empty() || c.user.empty())
    return fail(Code::invalid_request,
                fmt::format("a {} connection needs --host, --database and --user", agent::product(c.type)));
  return fmt::format("host = {}\nport = {}\ndatabase = {}\nuser = {}\nsslmode = {}\n", config::quoted(c.host), c.port,
                     config::quoted(c.database), config::quoted(c.user), config::quoted(c.sslmode));
}

// For a list of connections.
std::string place_in_words(const agent::ConnectionSettings& c) {
  if (c.type == "sqlite") return c.file;
  if (c.host.empty()) return c.dsn.empty() ? c.driver : c.dsn;
  return fmt::format("{}@{}:{}/{}", c.user, c.host, c.port, c.database);
}

std::string_view meaning_of(std::string_view policy) {
  if (policy == "intents") return "intents only, no SQL";
  return policy == "approved" ? "SQL of the shapes you approve" : "any SQL the guard passes";
}

struct DbAdd {
  agent::ConnectionSettings connection;
  std::optional<std::uint16_t> port;
  bool password_from_stdin = false;
};

Result<int> db_add(const Session& session, const DbAdd& options) {
  auto c = options.connection;
  c.port = options.port.value_or(agent::default_port(c.type));
  VMC_TRY(config, load_agent(session));
  if (find_connection(config, c.id)) return fail(Code::conflict, fmt::format("connection '{}' exists already", c.id));
  VMC_TRY(home, home_of(session));
  std::string text =
      fmt::format("[[connections]]\nid = {}\ntype = {}\n", config::quoted(c.id), config::quoted(c.type));
  VMC_TRY(place, c.type == "sqlite"       ? place_of_file(c)
                 : agent::is_odbc(c.type) ? place_of_odbc(c)
                                          : place_of_server(c));
  text += place;
  if (c.queries != agent::ConnectionSettings{}.queries)
    text += fmt::format("queries = {}\n", config::quoted(c.queries));
  if (!c.writable_tables.empty()) {
    std::vector<std::string> tables;
    for (const auto& table : c.writable_tables) tables.push_back(config::quoted(table));
    text += fmt::format("writable_tables = [{}]\n", join(tables, ", "));
  }
  if (!c.private_names.empty()) {
    std::vector<std::string> names;
    for (const auto& name : c.private_names) names.push_back(config::quoted(name));
    text += fmt::format("private = [{}]\n", join(names, ", "));
  }
  if (options.password_from_stdin) {
    VMC_TRY(password, read_secret("Password"));
    VMC_CHECK(agent::store_secret(home, "connection/" + c.id, std::move(password)));
  }
  const auto file = agent_config(session).parent_path() / "conf.d" / (c.id + ".toml");
  VMC_CHECK(write_new_file(file, text, false));
  print_line(fmt::format("Connection '{}' is saved in {}.", c.id, file.string()));
  say(fmt::format("Next: vmc agent db test {}", c.id));
  return 0;
}

Result<int> db_list(const Session& session) {
  VMC_TRY(config, load_agent(session));
  Json items = Json::array();
  std::vector<std::vector<std::string>> rows;
  for (const auto& c : config.agent.connections) {
    const auto where = place_in_words(c);
    items.push_back(
        {{"id", c.id}, {"type", c.type}, {"where", where}, {"writableTables", c.writable_tables}});
    rows.push_back({c.id, c.type, where,
                    c.writable_tables.empty() ? "reads only" : "writes " + join(c.writable_tables, ", ")});
  }
  if (session.json)
    print_json({{"items", items}});
  else
    print_table({"CONNECTION", "TYPE", "WHERE", "ACCESS"}, rows);
  return 0;
}

Result<int> db_policy(const Session& session, const std::string& id, const std::string& policy) {
  VMC_CHECK(connection_of(session, id));
  VMC_TRY(home, home_of(session));
  const config::Change change{"connections", id, "queries", config::quoted(policy)};
  VMC_TRY(file, config::change_file(agent_config(session), change));
  VMC_CHECK(agent::announce_settings(home));
  print_line(fmt::format("Connection '{}' takes {} from now on ({}).", id, meaning_of(policy), file.string()));
  return 0;
}

Result<int> db_writable(const Session& session, const NameList& options) {
  VMC_TRY(connection, connection_of(session, options.connection));
  VMC_TRY(home, home_of(session));
  VMC_TRY(names, changed_names(options, connection.writable_tables, "tables that loads may write"));
  VMC_TRY(approved, agent::approved_schema(home, connection.id));
  for (const auto& name : options.names)
    if (approved && !options.remove && !approved->table(name))
      return fail(Code::not_found, fmt::format("the approved schema of '{}' has no table '{}'", connection.id, name),
                  fmt::format("'vmc agent schema show {}' lists them as they are spelled.", connection.id));
  VMC_TRY(file, keep_names(session, connection.id, "writable_tables", names));
  if (session.json)
    print_json({{"connection", connection.id}, {"writableTables", names}});
  else
    print_line(fmt::format("Loads into '{}' may write: {} ({}).", connection.id, names.empty() ? "nothing" : join(names, ", "),
                           file.string()));
  return 0;
}

Result<int> db_test(const Session& session, const std::string& id) {
  VMC_TRY(connection, connection_of(session, id));
  VMC_TRY(home, home_of(session));
  VMC_TRY(findings, agent::test_connection(home, connection, app::make_secret_resolver()));
  if (session.json)
    print_json({{"connection", id}, {"ok", true}, {"findings", findings}});
  else {
    print_line(fmt::format("Connection '{}' works.", id));
    for (const auto& finding : findings) print_line("  " + finding);
  }
  return 0;
}

Result<int> guard_self_test(const Session& session, const std::string& id) {
  VMC_TRY(connection, connection_of(session, id));
  VMC_TRY(home, home_of(session));
  VMC_TRY(test, agent::self_test(home, connection, app::make_secret_resolver()));
  const auto all = test.escapes.size();
  std::size_t by_guard = 0, by_keyword = 0, by_syntax = 0, by_session = 0;
  Json list = Json::array();
  std::vector<std::vector<std::string>> rows;
  for (const auto& escape : test.escapes) {
    by_guard += escape.guard_layer.empty() ? 0 : 1;
    by_keyword += escape.by_keyword ? 1 : 0;
    by_syntax += escape.syntax_layer.empty() ? 0 : 1;
    by_session += escape.session_error.empty() ? 0 : 1;
    list.push_back({{"name", escape.name}, {"statement", escape.statement}, {"guardLayer", escape.guard_layer},
                    {"byKeyword", escape.by_keyword}, {"syntaxLayer", escape.syntax_layer},
                    {"sessionError", escape.session_error}});
    rows.push_back({escape.name, escape.by_keyword ? "refused" : "no writing verb",
                    escape.syntax_layer.empty() ? "LET THROUGH" : "refused (" + escape.syntax_layer + ")",
                    escape.session_error.empty() ? "not refused" : "refused"});
  }
  const bool weak = agent::is_weak(test.rights, connection);
  const bool held = by_guard == all && by_syntax == all;
  if (session.json) {
    print_json({{"connection", id}, {"held", held}, {"escapes", std::move(list)}, {"grants", weak ? "weak" : "strong"},
                {"findings", test.rights.findings}});
    return held ? 0 : 1;
  }
  print_table({"ESCAPE", "KEYWORDS", "SYNTAX, WITHOUT KEYWORDS", "SESSION, WITHOUT THE GUARD"}, rows);
  say(fmt::format("The guard refused {} of {}: {} by a keyword; without its keywords it refused {}.", by_guard, all, by_keyword, by_syntax));
  say(fmt::format("Without the guard the database itself refused {}; what it took was rolled back.", by_session));
  if (connection.type == "mssql")
    say("SQL Server has no read-only session: without the guard only the user's rights decide.");
  say("The user's rights had a part in that. Nothing is fired at them alone, as a statement may commit by itself: they were looked at.");
  say(weak ? "The user's rights are weak:" : "The user's rights are strong.");
  for (const auto& finding : test.rights.findings) say("  " + finding);
  return held ? 0 : 1;
}

void add_agent_guard(CLI::App& noun, Session& session) {
  auto* guard = add_noun(noun, "guard", "What keeps this agent's databases read-only");
  auto id = std::make_shared<std::string>();
  add_verb(*guard, session, "self-test", "Fire known escapes at a connection and show which layers hold",
           [&session, id] { return guard_self_test(session, *id); })
      ->add_option("connection", *id, "connection")
      ->required();
}

const std::vector<std::string> kPolicies{"intents", "approved", "select"};

void add_db(CLI::App& noun, Session& session) {
  auto* db = add_noun(noun, "db", "Database connections of this agent");
  auto add = std::make_shared<DbAdd>();
  auto* verb = add_verb(*db, session, "add", "Add a connection; the password goes into the vault",
                        [&session, add] { return db_add(session, *add); });
  auto& c = add->connection;
  verb->add_option("id", c.id, "short name of the connection, for example erp")->required();
  verb->add_option("--type", c.type, "sqlite, postgres, mysql (mariadb is the same), mssql (SQL Server), or behind an ODBC driver: odbc, oracle, "
                   "hana")
      ->required()
      ->check(CLI::IsMember({"sqlite", "postgres", "mysql", "mariadb", "mssql", "odbc", "oracle", "hana"}));
  verb->add_option("--file", c.file, "SQLite: the database file");
  verb->add_option("--dsn", c.dsn, "ODBC: the data source's name");
  verb->add_option("--driver", c.driver, "ODBC: the driver's name or library; Oracle and SAP HANA have a default");
  verb->add_option("--options", c.options, "ODBC: more for the driver, \"key=value;…\"; never a password");
  verb->add_option("--host", c.host, "host name or address");
  verb->add_option("--port", add->port, "port (default: 5432, of MySQL and MariaDB 3306, of SQL Server 1433)");
  verb->add_option("--database", c.database, "database name");
  verb->add_option("--user", c.user, "a user that may only read");
  verb->add_option("--sslmode", c.sslmode,
                   "disable, prefer, require, verify-ca or verify-full (default: prefer)");
  verb->add_option("--queries", c.queries, "intents, approved (SQL whose shape you approve) or select (default)")
      ->check(CLI::IsMember(kPolicies));
  verb->add_option("--private", c.private_names,
                   "tables or columns that stay private, for example employees.salary");
  verb->add_option("--writable-table", c.writable_tables, "a table that loads may write; repeat for more");
  verb->add_flag("--password-stdin", add->password_from_stdin, "read the password from standard input");
  add_verb(*db, session, "list", "List connections", [&session] { return db_list(session); });
  auto id = std::make_shared<std::string>();
  add_verb(*db, session, "test", "Open a connection and say what was found",
           [&session, id] { return db_test(session, *id); })
      ->add_option("id", *id, "connection")
      ->required();
  auto policy = std::make_shared<std::string>();
  auto* choose = add_verb(*db, session, "policy", "Say which commands a connection takes: intents, approved or select",
                          [&session, id, policy] { return db_policy(session, *id, *policy); });
  choose->add_option("id", *id, "connection")->required();
  choose
      ->add_option("policy", *policy,
                   "intents: no SQL; approved: SQL whose shape you approve; select: any SQL the guard passes")
      ->required()
      ->check(CLI::IsMember(kPolicies));
  auto writable = std::make_shared<NameList>();
  auto* open = add_verb(*db, session, "writable", "Say which tables loads may write; none unless you list them",
                        [&session, writable] { return db_writable(session, *writable); });
  open->add_option("id", writable->connection, "connection")->required();
  open->add_option("tables", writable->names, "tables as the schema spells them")->required();
  open->add_flag("--remove", writable->remove, "do not let them be written any more");
}

}  // namespace

void add_agent(CLI::App& root, Session& session) {
  auto* noun = root.add_subcommand("agent", "Run the on-premise agent, or set it up with the verbs below");
  noun->fallthrough();
  noun->require_subcommand(0, 1);
  noun->callback([&session, noun] {
    if (!noun->get_subcommands().empty()) return;
    session.action = [&session]() -> Result<int> {
      VMC_TRY(config, load_agent(session));
      VMC_TRY(home, home_of(session));
      log::configure(config.log.level, config.log.format);
      return app::run_agent({std::move(config), home.folder});
    };
  });
  auto options = std::make_shared<Configure>();
  auto* verb =
      add_verb(*noun, session, "configure", "Store the API key in the vault and write the configuration",
               [&session, options] { return configure(session, *options); });
  verb->add_option("--name", options->name, "name of this connector, for example \"Warehouse SAP\"")
      ->required();
  verb->add_option("--cloud-url", options->cloud_url, "wss://host[:port]/ws")->required();
  verb->add_option("--ca-file", options->authority, "certificate authority of the gateway, PEM")
      ->check(CLI::ExistingFile);
  verb->add_flag("--api-key-stdin", options->key_from_stdin, "read the API key from standard input");
  verb->add_flag("--force", options->force, "replace an existing configuration");
  add_db(*noun, session);
  add_agent_schema(*noun, session);
  add_agent_approvals(*noun, session);
  add_agent_audit(*noun, session);
  add_agent_guard(*noun, session);
  add_agent_status(*noun, session);
}

}  // namespace vmc::cli
