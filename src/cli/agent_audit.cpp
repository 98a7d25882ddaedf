// agent audit: what commands did to this agent's databases.
#include <fmt/format.h>

#include <deque>
#include <map>

#include "agent/keys.hpp"
#include "cli/agent_home.hpp"
#include "core/text.hpp"

namespace vmc::cli {
namespace {

struct Show {
  std::string connection, command;
  std::size_t last = 50;
};

// A command's start and end, or its refusal.
struct Entry {
  Json start;
  Json end = Json::object();  // empty: none is recorded
};

std::string tables_of(const Json& start, bool done) {
  std::vector<std::string> names;
  for (const char* role : {"reads", "writes"}) {
    const auto tables = start.value(role, Json::object());
    if (tables.is_number()) names.push_back(fmt::format("{} tables", tables.get<std::int64_t>()));
    if (!tables.is_object()) continue;
    for (const auto& [table, columns] : tables.items())
      names.push_back(table == "*" ? "the server's own" : role[0] == 'r' ? table : table + (done ? " (written)" : " (to be written)"));
  }
  return join(names, ", ");
}

bool wanted(const Json& record, const Show& options) {
  const auto is = [&](const char* field, const std::string& value) {
    return value.empty() || record.value(field, "") == value;
  };
  return is("connection", options.connection) && is("command", options.command);
}

// Of a file, oldest first. An end whose start stands in another file waits in `ends`.
Result<std::deque<Entry>> entries_of(const std::filesystem::path& file, const Show& options,
                                     std::map<std::string, Json>& ends) {
  constexpr auto kUnwanted = static_cast<std::size_t>(-1);
  std::deque<Entry> entries;
  std::map<std::string, std::size_t> last;  // start of a command, as a place in `entries`
  const auto take = [&](std::string_view line) {
    auto read = agent::read_audit_line(line);
    if (!read) return true;
    auto& record = read->record;
    const auto event = record.value("event", ""), command = record.value("command", "");
    if (event == "end") {
      const auto at = last.find(command);
      if (at == last.end())
        ends[command] = std::move(record);
      else if (at->second != kUnwanted)
        entries[at->second].end = std::move(record);
      return true;
    }
    const bool shown = wanted(record, options);
    if (event == "start") last[command] = shown ? entries.size() : kUnwanted;
    if (shown && event == "start") entries.push_back({std::move(record)});
    if (shown && event == "refused") entries.push_back({record, record});
    return true;
  };
  VMC_CHECK(agent::each_audit_line(file, take));
  for (const auto& [command, at] : last)
    if (auto end = ends.extract(command); end && at != kUnwanted && entries[at].end.empty())
      entries[at].end = std::move(end.mapped());
  return entries;
}

Result<std::deque<Entry>> newest(const std::filesystem::path& folder, const Show& options) {
  std::deque<Entry> out;
  std::map<std::string, Json> ends;
  VMC_TRY(files, agent::audit_files(folder));
  for (auto file = files.rbegin(); file != files.rend() && out.size() < options.last; ++file) {
    VMC_TRY(entries, entries_of(*file, options, ends));
    out.insert(out.begin(), std::make_move_iterator(entries.begin()), std::make_move_iterator(entries.end()));
  }
  while (out.size() > options.last) out.pop_front();
  return out;
}

Result<int> show(const Session& session, const Show& options) {
  VMC_TRY(home, home_of(session));
  VMC_TRY(entries, newest(agent::audit_folder(home), options));
  Json items = Json::array();
  std::vector<std::vector<std::string>> rows;
  for (const auto& [start, end] : entries) {
    auto item = start;
    for (const char* field : {"outcome", "rows", "bytes"})
      if (end.contains(field)) item[field] = end[field];
    if (end.contains("time")) item["endedAt"] = end["time"];
    for (const char* field : {"prev", "seal", "event"}) item.erase(field);
    items.push_back(std::move(item));
    const auto number = [&, &end = end](const char* field) {
      return end.contains(field) ? std::to_string(end[field].get<std::int64_t>()) : std::string{"-"};
    };
    rows.push_back({start.value("time", ""), start.value("command", ""), start.value("connection", ""),
                    start.value("operation", ""), tables_of(start, end.value("outcome", "") == "DONE"), number("rows"), number("bytes"),
                    end.value("outcome", "no end is recorded")});
  }
  if (session.json)
    print_json({{"items", items}});
  else
    print_table({"TIME", "COMMAND", "CONNECTION", "OPERATION", "TABLES", "ROWS", "BYTES", "OUTCOME"}, rows);
  if (!session.json && entries.empty()) say("No command is recorded.");
  return 0;
}

Result<int> verify(const Session& session) {
  VMC_TRY(home, home_of(session));
  const auto folder = agent::audit_folder(home);
  VMC_TRY(secrets, agent::audit_secrets(home));
  VMC_TRY(check, agent::check_audit(folder, secrets.key.view(), secrets.known));
  const bool holds = check.faults.empty();
  if (session.json) {
    print_json({{"holds", holds}, {"records", check.records}, {"first", check.first}, {"last", check.last},
                {"faults", check.faults}});
    return holds ? 0 : 1;
  }
  for (const auto& fault : check.faults) print_line(fault);
  if (check.first > 1)
    say(fmt::format("The log begins with record {}: the ones before are not in {}.", check.first, folder.string()));
  say(holds ? fmt::format("All {} records follow each other and were made by this agent.", check.records)
            : fmt::format("The log does not hold. Compare it with a copy of {} that you trust.", folder.string()));
  return holds ? 0 : 1;
}

Result<int> export_log(const Session& session) {
  VMC_TRY(home, home_of(session));
  VMC_TRY(files, agent::audit_files(agent::audit_folder(home)));
  for (const auto& file : files) {
    VMC_CHECK(agent::each_audit_line(file, [](std::string_view line) {
      print_data(line);
      return true;
    }));
  }
  return 0;
}

}  // namespace

void add_agent_audit(CLI::App& noun, Session& session) {
  auto* audit = add_noun(noun, "audit", "What commands did to this agent's databases");
  auto options = std::make_shared<Show>();
  auto* verb = add_verb(*audit, session, "show", "List commands, oldest first: what each read or wrote, and its outcome",
                        [&session, options] { return show(session, *options); });
  verb->add_option("--connection", options->connection, "of this connection only");
  verb->add_option("--command", options->command, "this one only");
  verb->add_option("--last", options->last, "so many of the newest")->check(CLI::Range(1, 100'000))->capture_default_str();
  add_verb(*audit, session, "verify", "Check that no record was changed, added or taken away",
           [&session] { return verify(session); });
  add_verb(*audit, session, "export", "Print the records as they stand, a line of JSON each",
           [&session] { return export_log(session); });
}

}  // namespace vmc::cli
