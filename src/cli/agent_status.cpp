// agent status: what the agent that runs on this machine tells.
#include "agent/status.hpp"

#include <fmt/format.h>

#include "cli/agent_home.hpp"

namespace vmc::cli {
namespace {

std::string number(const Json& of, const char* key) { return text_of(of.value(key, Json{})); }

Result<int> status(const Session& session) {
  VMC_TRY(now, agent::read_status(agent_home(session)));
  if (session.json) {
    print_json(now);
    return 0;
  }
  print_line(fmt::format("Agent '{}' (version {}, process {}): {} since {}, {} commands running.",
                         now.value("name", ""), now.value("version", ""), number(now, "pid"),
                         now.value("state", ""), time_of(now.value("since", Json{})),
                         number(now, "activeCommands")));
  std::vector<std::vector<std::string>> rows;
  for (const auto& connection : now.value("connections", Json::array())) {
    const auto pool = connection.value("pool", Json::object());
    rows.push_back({connection.value("id", ""), connection.value("type", ""), connection.value("queries", ""),
                    connection.value("grants", ""), number(pool, "open"), number(pool, "inUse"),
                    number(pool, "waiting"), number(pool, "mostOpen"), number(pool, "openFailures"),
                    number(pool, "exhausted"), number(pool, "longestWaitMs"), number(connection, "schemaChanges")});
  }
  print_table({"CONNECTION", "TYPE", "QUERIES", "RIGHTS", "OPEN", "IN USE", "WAITING", "MOST OPEN", "FAILED", "REFUSED",
               "LONGEST WAIT MS", "SCHEMA CHANGES"},
              rows);
  say(fmt::format("As told at {}.", time_of(now.value("writtenAt", Json{}))));
  return 0;
}

}  // namespace

void add_agent_status(CLI::App& noun, Session& session) {
  add_verb(noun, session, "status",
           "Say what the running agent does: link, database connections, user rights",
           [&session] { return status(session); });
}

}  // namespace vmc::cli
