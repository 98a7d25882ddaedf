// agent schema: what this agent shares about its databases, from discovery to the owner's approval.
#include <unistd.h>

#include <algorithm>
#include <iostream>

#include <fmt/format.h>

#include "agent/privacy.hpp"
#include "app/secrets.hpp"
#include "cli/agent_home.hpp"
#include "cli/name_list.hpp"
#include "core/text.hpp"
#include "data/schema_diff.hpp"

namespace vmc::cli {
namespace {

constexpr std::size_t kSchemaFileMax = 64u << 20;

struct Discovered {
  agent::ConnectionSettings connection;
  agent::Home home;
  data::Schema schema;
};

Result<Discovered> discover(const Session& session, const std::string& id) {
  VMC_TRY(connection, connection_of(session, id));
  VMC_TRY(home, home_of(session));
  VMC_TRY(schema, agent::discover(home, connection, app::make_secret_resolver()));
  return Discovered{std::move(connection), std::move(home), std::move(schema)};
}

// What a view of a schema written by hand reads nobody knows.
Result<Discovered> from_file(const Session& session, const std::string& id, const std::string& file) {
  VMC_TRY(connection, connection_of(session, id));
  VMC_TRY(home, home_of(session));
  VMC_TRY(text, read_text_file(file, kSchemaFileMax));
  VMC_TRY(json, parse_json(text, kSchemaFileMax));
  VMC_TRY(schema, data::schema_from_json(json));
  if (schema.tables.empty()) return fail(Code::invalid_request, fmt::format("{} has no tables", file));
  if (schema.database.empty() && connection.type != "sqlite") schema.database = connection.database;
  for (auto& table : schema.tables)
    if (table.view && table.definition.empty()) table.reads = {{"*", {"*"}}};
  return Discovered{std::move(connection), std::move(home), std::move(schema)};
}

Result<int> schema_show(const Session& session, const std::string& id) {
  VMC_TRY(found, discover(session, id));
  print_json(data::to_json(agent::shared(found.schema, found.connection)));
  return 0;
}

Result<int> schema_export(const Session& session, const std::string& id) {
  VMC_TRY(found, discover(session, id));
  print_json(data::to_json(found.schema));
  return 0;
}

std::size_t columns_of(const data::Schema& schema) {
  std::size_t columns = 0;
  for (const auto& table : schema.tables) columns += table.columns.size();
  return columns;
}

Result<int> schema_list(const Session& session) {
  VMC_TRY(config, load_agent(session));
  VMC_TRY(home, home_of(session));
  Json items = Json::array();
  std::vector<std::vector<std::string>> rows;
  for (const auto& connection : config.agent.connections) {
    VMC_TRY(approved, agent::approved_schema(home, connection.id));
    VMC_TRY(at, agent::approved_at(home, connection.id));
    const auto shared = approved ? agent::shared(*approved, connection) : data::Schema{};
    const auto columns = columns_of(shared), kept_back = approved ? columns_of(*approved) - columns : 0;
    const Json approved_at = at ? Json(*at) : Json{};
    items.push_back({{"connection", connection.id},
                     {"approvedAt", approved_at},
                     {"tables", shared.tables.size()},
                     {"columns", columns},
                     {"privateColumns", kept_back}});
    rows.push_back({connection.id, time_of(approved_at), std::to_string(shared.tables.size()), std::to_string(columns),
                    std::to_string(kept_back)});
  }
  if (session.json)
    print_json({{"items", items}});
  else
    print_table({"CONNECTION", "APPROVED", "TABLES", "COLUMNS", "PRIVATE COLUMNS"}, rows);
  return 0;
}

Json to_json(const std::vector<data::SchemaChange>& changes) {
  Json list = Json::array();
  for (const auto& change : changes) list.push_back(data::to_json(change));
  return list;
}

Result<int> schema_diff(const Session& session, const std::string& id) {
  VMC_TRY(found, discover(session, id));
  VMC_TRY(approved, agent::approved_schema(found.home, id));
  const auto changes = data::changes_between(approved.value_or(data::Schema{}), found.schema);
  if (session.json) {
    print_json({{"connection", id}, {"approved", approved.has_value()}, {"changes", to_json(changes)}});
  } else {
    for (const auto& change : changes) print_line(data::describe(change));
    if (!approved) say(fmt::format("Nothing of '{}' is approved yet.", id));
    say(changes.empty() ? "The database is as approved."
                        : fmt::format("{} changes. Approve them: vmc agent schema publish {}", changes.size(), id));
  }
  return changes.empty() ? 0 : 1;
}

// Views that are not shared though their names are not private.
std::vector<std::string> kept_views(const data::Schema& found, const data::Schema& shared,
                                    const std::vector<std::string>& private_names) {
  std::vector<std::string> views;
  for (const auto& table : found.tables)
    if (table.view && !agent::matches_any(private_names, table.name) && !shared.table(table.name))
      views.push_back(table.name);
  return views;
}

// Does the name stand for anything in the schema?
bool means_something(const data::Schema& schema, const std::string& name) {
  return std::any_of(schema.tables.begin(), schema.tables.end(), [&](const auto& table) {
    return agent::matches(name, table.name) ||
           std::any_of(table.columns.begin(), table.columns.end(),
                       [&](const auto& column) { return agent::matches(name, table.name + "." + column.name); });
  });
}

// Private names that keep nothing back.
std::vector<std::string> idle_names(const data::Schema& schema, std::vector<std::string> names) {
  std::erase_if(names, [&](const auto& name) { return means_something(schema, name); });
  return names;
}

struct Publish {
  std::string connection, file;
  bool yes = false;
};

// What is about to be approved, and whether its owner says yes. `shared` is what would leave this machine.
Result<bool> confirmed(const Session& session, const Publish& options, const std::vector<data::SchemaChange>& changes,
                       const data::Schema& shared) {
  if (!session.json)
    for (const auto& change : changes) say(data::describe(change));
  if (options.yes || changes.empty()) return true;
  if (isatty(STDIN_FILENO) != 1)
    return fail(
        Code::invalid_request, fmt::format("{} changes wait for a yes, and nobody is here to say it", changes.size()),
        fmt::format("Look at them with 'vmc agent schema diff {}', then run this with --yes.", options.connection));
  for (;;) {
    fmt::print(stderr, "Approve {} changes of '{}'? [y/N, j: show exactly what would be sent] ", changes.size(),
               options.connection);
    std::string answer;
    std::getline(std::cin, answer);
    answer = lowered(trim(answer));
    if (answer != "j") return answer == "y" || answer == "yes";
    say(data::to_json(shared).dump(2, ' ', false, Json::error_handler_t::replace));
  }
}

Result<int> schema_publish(const Session& session, const Publish& options) {
  const auto& id = options.connection;
  VMC_TRY(found, options.file.empty() ? discover(session, id) : from_file(session, id, options.file));
  VMC_TRY(approved, agent::approved_schema(found.home, id));
  const auto changes = data::changes_between(approved.value_or(data::Schema{}), found.schema);
  const auto shared = agent::shared(found.schema, found.connection);
  VMC_TRY(yes, confirmed(session, options, changes, shared));
  if (!yes) return fail(Code::cancelled, "nothing was approved");
  VMC_CHECK(agent::approve_schema(found.home, id, found.schema));
  const auto& private_names = found.connection.private_names;
  const auto columns = columns_of(shared), kept_back = columns_of(found.schema) - columns;
  const auto views = kept_views(found.schema, shared, private_names);
  const auto idle = idle_names(found.schema, private_names);
  if (session.json) {
    print_json({{"connection", id},
                {"tables", shared.tables.size()},
                {"columns", columns},
                {"privateColumns", kept_back},
                {"privateViews", views},
                {"matchNothing", idle},
                {"changes", to_json(changes)}});
    return 0;
  }
  print_line(fmt::format("{} tables with {} columns of '{}' are approved; the agent sends them when it is connected.",
                         shared.tables.size(), columns, id));
  if (kept_back > 0) print_line(fmt::format("{} columns are private and stay here.", kept_back));
  for (const auto& view : views)
    print_line(fmt::format(
        "The view '{}' stays here too: it reads something private, or it cannot be told what it reads.", view));
  for (const auto& name : idle)
    say(fmt::format("The private name '{}' matches nothing here. A partition's rows are read through its table: keep the "
                    "table or its columns private.",
                    name));
  return 0;
}

Result<int> schema_private(const Session& session, const NameList& options) {
  VMC_TRY(connection, connection_of(session, options.connection));
  VMC_TRY(home, home_of(session));
  VMC_TRY(names, changed_names(options, connection.private_names, "private names"));
  VMC_TRY(file, keep_names(session, connection.id, "private", names));
  VMC_TRY(approved, agent::approved_schema(home, connection.id));
  std::vector<std::string> idle;
  if (approved && !options.remove) idle = idle_names(*approved, options.names);
  if (session.json) {
    print_json({{"connection", connection.id}, {"private", names}, {"matchNothing", idle}});
    return 0;
  }
  print_line(fmt::format("Private in '{}' are: {} ({}).", connection.id, names.empty() ? "none" : join(names, ", "),
                         file.string()));
  for (const auto& name : idle) say(fmt::format("'{}' matches nothing of the approved schema.", name));
  return 0;
}

CLI::App* add_look(CLI::App& schema, Session& session, const char* name, const char* summary,
                   Result<int> (*look)(const Session&, const std::string&)) {
  auto id = std::make_shared<std::string>();
  auto* verb = add_verb(schema, session, name, summary, [&session, id, look] { return look(session, *id); });
  verb->add_option("connection", *id, "connection")->required();
  return verb;
}

}  // namespace

void add_agent_schema(CLI::App& noun, Session& session) {
  auto* schema = add_noun(noun, "schema", "What this agent shares about its databases");
  add_verb(*schema, session, "list", "List what is approved", [&session] { return schema_list(session); });
  add_look(*schema, session, "show", "Discover and print exactly what would be shared", schema_show);
  add_look(*schema, session, "export",
           "Print all that discovery finds, private parts too, for vmc guard check --schema", schema_export);
  add_look(*schema, session, "diff", "Say what has changed since the last approval; exit code 1 when something has",
           schema_diff);
  auto publish = std::make_shared<Publish>();
  auto* verb = add_verb(*schema, session, "publish",
                        "Show what discovery finds that is new, approve it and send it to the cloud",
                        [&session, publish] { return schema_publish(session, *publish); });
  verb->add_option("connection", publish->connection, "connection")->required();
  verb->add_flag("--yes", publish->yes, "approve without being asked");
  verb->add_option(
      "--from", publish->file,
      "a schema written by hand (schemas/schema.json), where discovery is impossible; - is standard input");
  auto keep = std::make_shared<NameList>();
  verb = add_verb(*schema, session, "private", "Keep tables or columns private from now on",
                  [&session, keep] { return schema_private(session, *keep); });
  verb->add_option("connection", keep->connection, "connection")->required();
  verb->add_option("names", keep->names, "for example employees.salary, audit_*, *.email")->required();
  verb->add_flag("--remove", keep->remove, "share them again");
}

}  // namespace vmc::cli
