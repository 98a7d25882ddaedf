// tenant, key, token, connector, schema: the platform's nouns, through its API.
#include <fmt/format.h>

#include "cli/session.hpp"
#include "core/text.hpp"
#include "wire/command.hpp"

namespace vmc::cli {
namespace {

// Options of one verb live as long as its action.
template <class T>
std::shared_ptr<T> options() {
  return std::make_shared<T>();
}

Result<int> show_items(const Session& session, const Json& list, const std::vector<std::string>& header,
                       const std::function<std::vector<std::string>(const Json&)>& row) {
  if (session.json) {
    print_json(list);
    return 0;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& item : list.at("items")) rows.push_back(row(item));
  print_table(header, rows);
  return 0;
}

std::string flag(const Json& value, const char* yes, const char* no) {
  return value.is_boolean() && value.get<bool>() ? yes : no;
}

}  // namespace

void add_tenant(CLI::App& root, Session& session) {
  auto* noun = add_noun(root, "tenant", "Tenants of this platform (embedded store only)");
  struct Create {
    std::string tenant, name, tier = "free";
  };
  auto create = options<Create>();
  auto* verb = add_verb(*noun, session, "create", "Create a tenant", [&session, create]() -> Result<int> {
    ApiClient api{session};
    VMC_TRY(made, api.post("/api/v1/tenants", {{"tenant", create->tenant},
                                               {"name", create->name.empty() ? create->tenant : create->name},
                                               {"tier", create->tier}}));
    if (session.json)
      print_json(made);
    else
      print_line(
          fmt::format("Tenant '{}' created. Work on it with --tenant {}.", create->tenant, create->tenant));
    return 0;
  });
  verb->add_option("tenant", create->tenant, "short name: lower-case letters, digits, '-'")->required();
  verb->add_option("--name", create->name, "name for people");
  verb->add_option("--tier", create->tier, "free, standard or enterprise");
  add_verb(*noun, session, "list", "List tenants", [&session]() -> Result<int> {
    ApiClient api{session};
    VMC_TRY(list, api.get("/api/v1/tenants"));
    return show_items(session, list, {"TENANT", "NAME", "TIER"},
                      [](const Json& item) -> std::vector<std::string> {
                        return {text_of(item["tenant"]), text_of(item["name"]), text_of(item["tier"])};
                      });
  });
}

void add_key(CLI::App& root, Session& session) {
  auto* noun = add_noun(root, "key", "API keys: one for each agent");
  auto name = options<std::string>();
  auto* create = add_verb(
      *noun, session, "create", "Create a key for a connector and show it once",
      [&session, name]() -> Result<int> {
        ApiClient api{session};
        VMC_CHECK(api.ensure_tenant());
        VMC_TRY(made, api.post("/api/v1/keys", {{"name", *name}}));
        if (session.json) {
          print_json(made);
          return 0;
        }
        say(fmt::format("Key {} for connector '{}'. It is shown this once: keep it in a safe place.",
                        text_of(made["keyId"]), text_of(made["connectorName"])));
        print_line(text_of(made["key"]));
        say("On the agent's machine: vmc agent configure --api-key-stdin --name … --cloud-url wss://…/ws");
        return 0;
      });
  create->add_option("--name", *name, "name of the connector, for example \"Warehouse SAP\"")->required();
  add_verb(*noun, session, "list", "List keys", [&session]() -> Result<int> {
    ApiClient api{session};
    VMC_TRY(list, api.get("/api/v1/keys"));
    return show_items(session, list, {"KEY", "CONNECTOR", "CREATED", "LAST USED", "STATE"},
                      [](const Json& item) -> std::vector<std::string> {
                        return {
                            text_of(item["keyId"]), text_of(item["connectorName"]),
                            time_of(item["createdAt"]), time_of(item["usedAt"]),
                            item["revokedAt"].is_null() ? "live" : "revoked " + time_of(item["revokedAt"])};
                      });
  });
  auto id = options<std::string>();
  auto* revoke = add_verb(*noun, session, "revoke", "Revoke a key; its agent is cut off at once",
                          [&session, id]() -> Result<int> {
                            ApiClient api{session};
                            VMC_TRY(done, api.post("/api/v1/keys/" + *id + "/revoke", Json::object()));
                            if (session.json)
                              print_json(done);
                            else
                              print_line(fmt::format("Key {} is revoked.", *id));
                            return 0;
                          });
  revoke->add_option("key", *id, "id of the key, as 'vmc key list' shows it")->required();
}

void add_token(CLI::App& root, Session& session) {
  auto* noun = add_noun(root, "token", "API tokens: for programs and for this command line over --gateway");
  auto name = options<std::string>();
  auto* create = add_verb(*noun, session, "create", "Create a token and show it once",
                          [&session, name]() -> Result<int> {
                            ApiClient api{session};
                            VMC_CHECK(api.ensure_tenant());
                            VMC_TRY(made, api.post("/api/v1/tokens", {{"name", *name}}));
                            if (session.json)
                              print_json(made);
                            else
                              print_line(text_of(made["token"]));
                            return 0;
                          });
  create->add_option("--name", *name, "what the token is for")->required();
}

void add_connector(CLI::App& root, Session& session) {
  auto* noun = add_noun(root, "connector", "Connectors: the agents of a tenant");
  add_verb(*noun, session, "list", "List connectors", [&session]() -> Result<int> {
    ApiClient api{session};
    VMC_TRY(list, api.get("/api/v1/connectors"));
    return show_items(session, list, {"NAME", "STATE", "LAST SEEN", "VERSION", "ID"},
                      [](const Json& item) -> std::vector<std::string> {
                        return {text_of(item["name"]), flag(item["online"], "online", "offline"),
                                time_of(item["seenAt"]), text_of(item["agentVersion"]),
                                text_of(item["connectorId"])};
                      });
  });
  struct Query {
    std::string connector, connection, intent_file, table, columns, sql_file;
    std::vector<std::string> params;
    std::int64_t limit = 20, timeout_ms = 30'000;
  };
  auto query = options<Query>();
  auto* verb = add_verb(
      *noun, session, "query", "Ask one connector one small query: an intent, or a statement its guard passes",
      [&session, query]() -> Result<int> {
        Json intent;
        Json body{{"connection", query->connection}, {"timeoutMs", query->timeout_ms}};
        if (!query->sql_file.empty()) {
          VMC_TRY(text, read_text_file(query->sql_file, wire::kStatementBytesMax));
          body["query"] = std::move(text);
          body["params"] = query->params;
        } else if (!query->intent_file.empty()) {
          VMC_TRY(text, read_text_file(query->intent_file, 1u << 20));
          VMC_TRY(parsed, parse_json(text));
          intent = std::move(parsed);
        } else {
          if (query->table.empty() || query->columns.empty())
            return fail(Code::invalid_request, "say what to read",
                        "Give --table and --columns, or --intent FILE.");
          intent = {
              {"table", query->table}, {"columns", split(query->columns, ',')}, {"limit", query->limit}};
        }
        if (!intent.is_null()) body["intent"] = std::move(intent);
        ApiClient api{session};
        VMC_TRY(answer, api.post("/api/v1/connectors/" + query->connector + "/query", body));
        if (session.json) {
          print_json(answer);
          return 0;
        }
        std::vector<std::string> header;
        for (const auto& column : answer.at("columns")) header.push_back(text_of(column["name"]));
        std::vector<std::vector<std::string>> rows;
        for (const auto& row : answer.at("rows")) {
          rows.emplace_back();
          for (const auto& cell : row) rows.back().push_back(cell.is_null() ? "NULL" : text_of(cell));
        }
        print_table(header, rows);
        say(fmt::format("{} rows in {} ms", text_of(answer["rowCount"]), text_of(answer["durationMs"])));
        return 0;
      });
  verb->add_option("connector", query->connector, "name of the connector")->required();
  verb->add_option("connection", query->connection, "id of the agent's connection")->required();
  verb->add_option("--table", query->table, "table to read");
  verb->add_option("--columns", query->columns, "columns, separated by commas");
  verb->add_option("--limit", query->limit, "rows at most (default: 20)")->check(CLI::Range(1, 10'000));
  verb->add_option("--intent", query->intent_file, "the whole intent as JSON (schemas/intent.json)")
      ->type_name("FILE");
  verb->add_option("--sql", query->sql_file, "a file with one SQL statement, or - for standard input")->type_name("FILE");
  verb->add_option("--param", query->params, "a value of the statement's next parameter; repeat for more");
  verb->add_option("--timeout-ms", query->timeout_ms, "time limit in ms (default: 30000)")
      ->check(CLI::Range(1, 600'000));
}

void add_schema(CLI::App& root, Session& session) {
  auto* noun = add_noun(root, "schema", "Published schemas");
  struct Show {
    std::string connector, connection;
  };
  auto show = options<Show>();
  auto* verb = add_verb(
      *noun, session, "show", "Show what a connector has published", [&session, show]() -> Result<int> {
        ApiClient api{session};
        VMC_TRY(found, api.get("/api/v1/connectors/" + show->connector + "/schemas/" + show->connection));
        if (session.json) {
          print_json(found.at("schema"));
          return 0;
        }
        for (const auto& table : found.at("schema").at("tables")) {
          print_line(text_of(table["name"]));
          for (const auto& column : table.at("columns"))
            print_line(fmt::format("  {:<28} {}", text_of(column["name"]), text_of(column["type"])));
        }
        say(fmt::format("version {}, published {}", text_of(found["version"]),
                        time_of(found["publishedAt"])));
        return 0;
      });
  verb->add_option("connector", show->connector, "name of the connector")->required();
  verb->add_option("connection", show->connection, "id of the agent's connection")->required();
}

}  // namespace vmc::cli
