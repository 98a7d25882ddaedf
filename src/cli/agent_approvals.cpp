// agent approvals: the consent ledger, where the owner says yes or no to shapes of statements.
#include <fmt/format.h>

#include "agent/approvals.hpp"
#include "cli/agent_home.hpp"
#include "core/text.hpp"

namespace vmc::cli {
namespace {

struct List {
  std::string connection;
  bool all = false;
};

std::string tables_of(const agent::KnownShape& known) {
  std::vector<std::string> names;
  for (const auto& [table, columns] : known.shape.reads)
    names.push_back(table == "*" ? "the server's own or anything" : table);
  return join(names, ", ");
}

Json to_json(const agent::KnownShape& known) {
  return {{"id", known.id()},
          {"fingerprint", known.shape.fingerprint},
          {"connection", known.connection},
          {"state", to_string(known.consent)},
          {"statement", known.shape.text},
          {"reads", known.shape.reads},
          {"times", known.times},
          {"firstSeen", known.first_seen},
          {"lastSeen", known.last_seen},
          {"decidedAt", known.decided_at ? Json(*known.decided_at) : Json{}}};
}

void print(const Session& session, const std::vector<agent::KnownShape>& shapes) {
  Json items = Json::array();
  std::vector<std::vector<std::string>> rows;
  for (const auto& known : shapes) {
    items.push_back(to_json(known));
    rows.push_back({known.id(), known.connection, std::string{to_string(known.consent)}, std::to_string(known.times),
                    time_of(known.first_seen), tables_of(known), known.shape.text});
  }
  if (session.json)
    print_json({{"items", items}});
  else
    print_table({"ID", "CONNECTION", "STATE", "TIMES", "SINCE", "REACHES", "STATEMENT"}, rows);
}

Result<int> list(const Session& session, const List& options) {
  VMC_TRY(home, home_of(session));
  if (!options.connection.empty()) VMC_CHECK(connection_of(session, options.connection));
  VMC_TRY(shapes, agent::known_shapes(home, options.connection, options.all));
  print(session, shapes);
  if (!session.json && shapes.empty()) say("Nothing waits for you.");
  return 0;
}

Result<int> decide(const Session& session, const std::vector<std::string>& ids, bool yes) {
  VMC_TRY(home, home_of(session));
  VMC_TRY(shapes, agent::decide(home, ids, yes));
  print(session, shapes);
  return 0;
}

}  // namespace

void add_agent_approvals(CLI::App& noun, Session& session) {
  auto* approvals = add_noun(noun, "approvals", "Statements that wait for your yes (queries = \"approved\")");
  auto options = std::make_shared<List>();
  auto* verb = add_verb(*approvals, session, "list", "List the statements that wait, newest first",
                        [&session, options] { return list(session, *options); });
  verb->add_option("--connection", options->connection, "of this connection only");
  verb->add_flag("--all", options->all, "those that are decided too");
  auto ids = std::make_shared<std::vector<std::string>>();
  add_verb(*approvals, session, "approve", "Let statements of these shapes run",
           [&session, ids] { return decide(session, *ids, true); })
      ->add_option("id", *ids, "the id, or the beginning of the fingerprint")
      ->required();
  add_verb(*approvals, session, "deny", "Refuse statements of these shapes",
           [&session, ids] { return decide(session, *ids, false); })
      ->add_option("id", *ids, "the id, or the beginning of the fingerprint")
      ->required();
}

}  // namespace vmc::cli
