// workflow: check, publish, run and look at definitions.
#include <unistd.h>

#include <fmt/format.h>

#include "cli/session.hpp"
#include "core/ids.hpp"
#include "workflow/available.hpp"
#include "workflow/definition.hpp"
#include "workflow/validate.hpp"

namespace vmc::cli {
namespace {

constexpr std::size_t kDefinitionBytesMax = 4u << 20;
constexpr int kExitRunFailed = 8;

Result<Json> read_definition(const std::string& file) {
  VMC_TRY(text, read_text_file(file, kDefinitionBytesMax));
  return parse_json(text, kDefinitionBytesMax);
}

bool is_final(const std::string& status) {
  return status == "succeeded" || status == "failed" || status == "cancelled";
}

std::string progress_line(const Json& execution) {
  const auto summary = execution.value("summary", Json::object());
  auto count = [&](const char* key) { return summary.is_object() ? summary.value(key, std::int64_t{0}) : 0; };
  std::string line =
      fmt::format("{}: {} of {} parts loaded, {} rows read, {} written", text_of(execution["status"]),
                  count("partsLoaded"), count("parts"), count("rowsRead"), count("rowsWritten"));
  if (const auto waiting = text_of(execution.value("waitingOn", Json{})); !waiting.empty())
    line += "; " + waiting;
  return line;
}

// Follows an execution to its end, with a line on standard error whenever something changed.
Result<Json> follow(ApiClient& api, const std::string& id) {
  std::int64_t after = 0;
  std::string shown;
  for (;;) {
    VMC_TRY(execution, api.get(fmt::format("/api/v1/executions/{}?wait=30&after={}", id, after)));
    after = execution.value("lastSeq", after);
    if (auto line = progress_line(execution); line != shown) {
      say(line);
      shown = std::move(line);
    }
    if (is_final(text_of(execution["status"]))) return execution;
  }
}

int finish(const Session& session, const Json& execution) {
  const auto status = text_of(execution["status"]);
  const auto summary = execution.value("summary", Json::object());
  if (session.json) {
    Json out = summary.is_object() ? summary : Json::object();
    out["executionId"] = execution["executionId"];
    out["status"] = status;
    print_json(out);
  } else {
    print_line(fmt::format(
        "{} {}: {} rows read, {} written, {} refused, {} left out; proof: {}",
        text_of(execution["executionId"]), status, summary.value("rowsRead", 0LL),
        summary.value("rowsWritten", 0LL), summary.value("rowsRefused", 0LL),
        summary.value("rowsSkipped", 0LL),
        summary.value("proof", false) ? "holds" : summary.value("proofDetail", std::string{"not made"})));
    if (const auto message = text_of(summary.value("message", Json{}));
        !message.empty() && status != "succeeded")
      say(message);
  }
  if (status == "succeeded") return 0;
  return status == "cancelled" ? 3 : kExitRunFailed;
}

}  // namespace

void add_workflow(CLI::App& root, Session& session) {
  auto* noun = add_noun(root, "workflow", "Workflows: check, publish, run");
  auto file = std::make_shared<std::string>();
  auto* lint =
      add_verb(*noun, session, "lint", "Check a definition and list everything that is wrong with it",
               [&session, file]() -> Result<int> {
                 VMC_TRY(json, read_definition(*file));
                 auto complaints = workflow::validate(json);
                 if (complaints.empty()) {
                   VMC_TRY(definition, workflow::definition_from_json(json));
                   if (auto available = workflow::check_available(definition); !available)
                     complaints.push_back({"", available.error().message, available.error().hint});
                 }
                 if (session.json) {
                   Json list = Json::array();
                   for (const auto& c : complaints)
                     list.push_back({{"pointer", c.pointer}, {"message", c.message}});
                   print_json({{"complaints", list}});
                 } else {
                   for (const auto& c : complaints) print_line(fmt::format("{}: {}", c.pointer, c.message));
                   if (complaints.empty()) print_line(fmt::format("{}: nothing to complain about", *file));
                 }
                 return complaints.empty() ? 0 : info(Code::workflow_invalid).exit_code;
               });
  lint->add_option("file", *file, "workflow definition (schemas/workflow.json)")->required();

  struct Run {
    std::string what;
    bool detach = false;
  };
  auto run_options = std::make_shared<Run>();
  auto* run = add_verb(
      *noun, session, "run", "Publish a definition (or take a published one), start it and wait for its end",
      [&session, run_options]() -> Result<int> {
        ApiClient api{session};
        std::string name = run_options->what;
        if (access(name.c_str(), R_OK) == 0) {
          VMC_TRY(definition, read_definition(name));
          VMC_TRY(saved, api.post("/api/v1/workflows", definition));
          name = text_of(saved["workflowId"]);
        }
        const auto once = new_id("run", system_clock().now());
        VMC_TRY(started, api.post("/api/v1/workflows/" + name + "/executions", Json::object(), once));
        if (run_options->detach) {
          if (session.json)
            print_json(started);
          else
            print_line(text_of(started["executionId"]));
          return 0;
        }
        VMC_TRY(ended, follow(api, text_of(started["executionId"])));
        return finish(session, ended);
      });
  run->add_option("workflow", run_options->what,
                  "a definition's file, or the name or id of a published workflow")
      ->required();
  run->add_flag("--detach", run_options->detach, "print the execution's id and do not wait");

  add_verb(*noun, session, "list", "List published workflows", [&session]() -> Result<int> {
    ApiClient api{session};
    VMC_TRY(list, api.get("/api/v1/workflows"));
    if (session.json) {
      print_json(list);
      return 0;
    }
    std::vector<std::vector<std::string>> rows;
    for (const auto& item : list.at("items"))
      rows.push_back({text_of(item["name"]), text_of(item["version"]), text_of(item["workflowId"])});
    print_table({"NAME", "VERSION", "ID"}, rows);
    return 0;
  });

  auto name = std::make_shared<std::string>();
  auto* export_verb =
      add_verb(*noun, session, "export", "Print a published definition", [&session, name]() -> Result<int> {
        ApiClient api{session};
        VMC_TRY(found, api.get("/api/v1/workflows/" + *name));
        print_json(found.at("definition"));
        return 0;
      });
  export_verb->add_option("workflow", *name, "name or id")->required();
}

void add_execution(CLI::App& root, Session& session) {
  auto* noun = add_noun(root, "execution", "Executions: what ran, what runs, what came of it");
  add_verb(*noun, session, "list", "List executions, newest first", [&session]() -> Result<int> {
    ApiClient api{session};
    VMC_TRY(list, api.get("/api/v1/executions?limit=50"));
    if (session.json) {
      print_json(list);
      return 0;
    }
    std::vector<std::vector<std::string>> rows;
    for (const auto& item : list.at("items"))
      rows.push_back({text_of(item["executionId"]), text_of(item["workflowName"]), text_of(item["status"]),
                      time_of(item["createdAt"]), text_of(item["waitingOn"])});
    print_table({"EXECUTION", "WORKFLOW", "STATUS", "STARTED", "WAITING ON"}, rows);
    return 0;
  });
  auto id = std::make_shared<std::string>();
  auto with_id = [&](CLI::App* verb) {
    verb->add_option("execution", *id, "id of the execution")->required();
  };
  with_id(add_verb(*noun, session, "show", "Show one execution", [&session, id]() -> Result<int> {
    ApiClient api{session};
    VMC_TRY(execution, api.get("/api/v1/executions/" + *id));
    if (session.json) {
      print_json(execution);
      return 0;
    }
    print_line(progress_line(execution));
    if (execution.value("summary", Json{}).is_object())
      for (const auto& [key, value] : execution["summary"].items())
        print_line(fmt::format("  {:<16} {}", key, text_of(value)));
    return 0;
  }));
  with_id(add_verb(
      *noun, session, "logs", "Print the event log of an execution", [&session, id]() -> Result<int> {
        ApiClient api{session};
        for (std::int64_t after = 0;;) {
          VMC_TRY(page, api.get(fmt::format("/api/v1/executions/{}/events?after={}&limit=500", *id, after)));
          if (page.at("items").empty()) return 0;
          for (const auto& event : page.at("items")) {
            after = event.at("seq").get<std::int64_t>();
            if (session.json) {
              print_data(event.dump());
              continue;
            }
            auto rest = event;
            for (const char* known : {"seq", "time", "type"}) rest.erase(known);
            print_line(fmt::format("{:>5} {} {:<16} {}", after, time_of(event["time"]),
                                   text_of(event["type"]), rest.dump()));
          }
        }
      }));
  with_id(
      add_verb(*noun, session, "wait", "Wait until an execution has ended", [&session, id]() -> Result<int> {
        ApiClient api{session};
        VMC_TRY(ended, follow(api, *id));
        return finish(session, ended);
      }));
  for (const char* control : {"cancel", "pause", "resume"})
    with_id(add_verb(*noun, session, control, fmt::format("{} an execution", control),
                     [&session, id, control]() -> Result<int> {
                       ApiClient api{session};
                       VMC_TRY(execution, api.post(fmt::format("/api/v1/executions/{}/{}", *id, control),
                                                   Json::object()));
                       if (session.json)
                         print_json(execution);
                       else
                         print_line(fmt::format("{}: {} requested", *id, control));
                       return 0;
                     }));
}

}  // namespace vmc::cli
