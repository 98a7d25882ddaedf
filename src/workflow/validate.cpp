#include "workflow/validate.hpp"

#include <algorithm>
#include <charconv>
#include <map>

#include <fmt/format.h>

#include "core/ids.hpp"
#include "core/text.hpp"
#include "workflow/chain.hpp"
#include "workflow/cron.hpp"
#include "workflow/filter_json.hpp"

namespace vmc::workflow {
namespace {

using Complaints = std::vector<Complaint>;
using Names = std::vector<std::string>;

constexpr std::size_t kTableBytesMax = 256;
constexpr std::size_t kColumnsMax = 4096;
constexpr std::int64_t kRowsPerPartMax = 10'000'000;
constexpr std::chrono::microseconds kOverlapMax = std::chrono::hours{24 * 31};
constexpr std::int64_t kOverlapValuesMax = 1'000'000;

std::string shown(std::string_view text) {
  std::string out;
  for (char c : text.substr(0, 60)) out += static_cast<unsigned char>(c) < ' ' ? '?' : c;
  return out;
}

std::string near_hint(std::string_view word, const Names& candidates) {
  const auto near = nearest(word, candidates);
  return near ? fmt::format("did you mean '{}'?", *near) : std::string{};
}

std::string escaped(std::string_view key) {
  std::string out;
  for (char c : key.substr(0, 100)) out += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return out;
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
}

// One object of the document. Wrong fields are complaints and read as their default, so that reading goes on.
class Fields {
 public:
  Fields(const Json& object, std::string pointer, const Names& known, Complaints& out)
      : object_{object}, pointer_{std::move(pointer)}, out_{out} {
    if (!object_.is_object()) {
      complain("", "must be an object");
      return;
    }
    for (const auto& [key, value] : object_.items())
      if (std::find(known.begin(), known.end(), key) == known.end())
        complain(escaped(key), fmt::format("'{}' is not known here", shown(key)), near_hint(key, known));
  }

  void complain(std::string_view key, std::string message, std::string hint = {}) {
    out_.push_back(
        {key.empty() ? pointer_ : fmt::format("{}/{}", pointer_, key), std::move(message), std::move(hint)});
  }

  const Json* get(const char* key) const {
    if (!object_.is_object()) return nullptr;
    const auto found = object_.find(key);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }
  Complaints& complaints() { return out_; }
  std::string at(std::string_view key) const { return fmt::format("{}/{}", pointer_, key); }

  std::string text(const char* key, bool required, std::size_t bytes_max) {
    const Json* value = get(key);
    if (!value) {
      if (required && object_.is_object()) complain(key, "is missing");
      return {};
    }
    if (!value->is_string()) return complain(key, "must be a string"), std::string{};
    auto text = value->get<std::string>();
    if (required && text.empty()) complain(key, "must not be empty");
    if (text.size() > bytes_max)
      return complain(key, fmt::format("is longer than {} bytes", bytes_max)), std::string{};
    return text;
  }

  // A name or id: no control characters.
  std::string name(const char* key, bool required, std::size_t bytes_max) {
    auto value = text(key, required, bytes_max);
    if (has_control(value)) complain(key, "must not contain control characters");
    return value;
  }

  std::string plain_id(const char* key) {
    auto value = text(key, true, 1000);
    if (!value.empty() && !is_plain_id(value)) complain(key, "must be 1 to 64 letters, digits, '_' and '-'");
    return value;
  }

  // Index of the word among `words`, or nullopt after a complaint; `fallback` when the field is absent.
  std::optional<std::size_t> choice(const char* key, const Names& words,
                                    std::optional<std::size_t> fallback) {
    if (!get(key) && fallback) return fallback;
    const auto word = text(key, true, 100);
    const auto found = std::find(words.begin(), words.end(), word);
    if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
    if (!word.empty())
      complain(key, fmt::format("'{}' is not one of {}", shown(word), join(words, ", ")),
               near_hint(word, words));
    return std::nullopt;
  }

  Names list_of_names(const char* key, std::size_t count_max, std::size_t bytes_max,
                      bool allow_single = false) {
    const Json* value = get(key);
    if (!value) return {};
    if (allow_single && value->is_string()) {
      auto single = name(key, true, bytes_max);
      return single.empty() ? Names{} : Names{std::move(single)};
    }
    if (!value->is_array()) {
      complain(key, allow_single ? "must be a string or a list of strings" : "must be a list of strings");
      return {};
    }
    if (value->size() > count_max)
      return complain(key, fmt::format("has more than {} entries", count_max)), Names{};
    Names names;
    for (std::size_t i = 0; i < value->size(); ++i) {
      const Json& item = (*value)[i];
      const auto place = fmt::format("{}/{}", key, i);
      if (!item.is_string() || item.get_ref<const std::string&>().empty()) {
        complain(place, "must be a name");
        continue;
      }
      auto text = item.get<std::string>();
      if (text.size() > bytes_max || has_control(text))
        complain(place, fmt::format("must be a name of at most {} bytes", bytes_max));
      else if (std::find(names.begin(), names.end(), text) != names.end())
        complain(place, fmt::format("'{}' stands there twice", shown(text)));
      else
        names.push_back(std::move(text));
    }
    return names;
  }

 private:
  const Json& object_;
  std::string pointer_;
  Complaints& out_;
};

// "5%" or a number of rows.
std::optional<RefusedLimit> read_limit(Fields& in) {
  const Json* value = in.get("maxRefused");
  if (!value) return std::nullopt;
  if (value->is_number_integer() && *value >= 0 && *value <= 1'000'000'000'000)
    return RefusedLimit{value->get<std::int64_t>(), 0};
  if (value->is_string()) {
    const auto& text = value->get_ref<const std::string&>();
    double percent = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), percent, std::chars_format::fixed);
    const bool whole =
        error == std::errc{} && text.size() <= 8 && std::string_view{end, text.data() + text.size()} == "%";
    if (whole && percent > 0 && percent <= 100) return RefusedLimit{0, percent};
  }
  in.complain("maxRefused", "must be a number of rows, or a share like \"5%\"");
  return std::nullopt;
}

const Json& params_of(Fields& activity, bool required) {
  static const Json none = Json::object();
  const Json* params = activity.get("params");
  if (!params && required) activity.complain("params", "is missing");
  return params ? *params : none;
}

// A duration for a cursor of times, a count for one of numbers; which it is, the table's schema tells at the run.
void read_overlap(Fields& in, const Json& overlap, ExtractParams& out) {
  if (overlap.is_number()) {
    if (overlap.is_number_integer() && overlap >= 0 && overlap <= kOverlapValuesMax)
      out.overlap_values = overlap.get<std::int64_t>();
    else
      in.complain("overlap", fmt::format("must be a whole number between 0 and {}", kOverlapValuesMax));
    return;
  }
  const auto duration = parse_duration(in.text("overlap", true, 32));
  if (!duration || *duration > kOverlapMax)
    in.complain("overlap", "must be a duration like \"5m\" of at most 31 days");
  else
    out.overlap = *duration;
}

ExtractParams read_extract(Fields& activity) {
  ExtractParams out;
  const Json& object = params_of(activity, true);
  if (!activity.get("params")) return out;
  Fields in{object,
            activity.at("params"),
            {"table", "columns", "where", "mode", "cursor", "overlap", "rowsPerPart"},
            activity.complaints()};
  out.table = in.name("table", true, kTableBytesMax);
  out.columns = in.list_of_names("columns", kColumnsMax, kTableBytesMax);
  if (const Json* where = in.get("where")) {
    auto filter = filter_from_json(*where);
    if (filter)
      out.where = *std::move(filter);
    else
      in.complain("where", filter.error().message);
  }
  out.mode =
      in.choice("mode", {"full", "incremental"}, 0) == 1u ? ExtractMode::incremental : ExtractMode::full;
  const bool incremental = out.mode == ExtractMode::incremental;
  out.cursor = in.name("cursor", incremental, kTableBytesMax);
  if (!incremental && !out.cursor.empty()) in.complain("cursor", "is only used by mode incremental");
  if (const Json* overlap = in.get("overlap")) {
    read_overlap(in, *overlap, out);
    if (!incremental) in.complain("overlap", "is only used by mode incremental");
  }
  if (const Json* rows = in.get("rowsPerPart")) {
    if (rows->is_number_integer() && *rows >= 1 && *rows <= kRowsPerPartMax)
      out.rows_per_part = rows->get<std::int64_t>();
    else
      in.complain("rowsPerPart", fmt::format("must be a whole number between 1 and {}", kRowsPerPartMax));
  }
  return out;
}

TransformParams read_transform(Fields& activity) {
  TransformParams out;
  out.function = activity.text("function", false, kScriptBytesMax);
  if (out.function.starts_with('\x1b')) activity.complain("function", "must be source text, not bytecode");
  out.script = activity.name("script", false, 128);
  const bool path_ok = std::all_of(out.script.begin(), out.script.end(), [](char c) {
    return is_plain_id(std::string_view{&c, 1}) || c == '.' || c == '/';
  });
  if (!path_ok || out.script.find("..") != std::string::npos || out.script.starts_with('/'))
    activity.complain("script", "must be the name of a script, like \"shape\" or \"crm/shape.lua\"");
  const bool has_function = activity.get("function"), has_script = activity.get("script");
  if (has_function && has_script)
    activity.complain("script", "cannot stand beside 'function': give one of the two");
  if (!has_function && !has_script) activity.complain("function", "is missing (or name a 'script')");
  if (has_function && out.function.empty() && activity.get("function")->is_string() &&
      activity.get("function")->get_ref<const std::string&>().empty())
    activity.complain("function", "must not be empty");
  const Json& object = params_of(activity, false);
  Fields in{object, activity.at("params"), {"maxRefused"}, activity.complaints()};
  out.max_refused = read_limit(in);
  return out;
}

LoadParams read_load(Fields& activity) {
  LoadParams out;
  const Json& object = params_of(activity, true);
  if (!activity.get("params")) return out;
  Fields in{
      object, activity.at("params"), {"table", "mode", "conflictKey", "maxRefused"}, activity.complaints()};
  out.table = in.name("table", true, kTableBytesMax);
  const auto mode = in.choice("mode", {"insert", "upsert", "replace"}, 1);
  out.mode = static_cast<LoadMode>(mode.value_or(1));
  out.conflict_key = in.list_of_names("conflictKey", 32, kTableBytesMax, true);
  if (mode && out.mode == LoadMode::upsert && !in.get("conflictKey"))
    in.complain("conflictKey", "is missing: mode upsert needs the columns that identify a row");
  else if (in.get("conflictKey") && in.get("conflictKey")->is_array() && in.get("conflictKey")->empty())
    in.complain("conflictKey", "must not be empty");
  out.max_refused = read_limit(in);
  return out;
}

// Where an activity runs and against what.
void read_place(Fields& in, Activity& activity) {
  activity.connector = in.name("connector", true, kNameBytesMax);
  if (activity.connector == "cloud")
    in.complain("connector",
                "'cloud' is not available in this version: name a connector, or 'mini' where only one fits");
  activity.aggregator = in.name("aggregator", true, kTableBytesMax);
  activity.operation = in.name("operation", false, kNameBytesMax);
  const Names known = activity.type == ActivityType::load ? Names{"bulkInsert"} : Names{"select", "queryAll"};
  if (!activity.operation.empty() && std::find(known.begin(), known.end(), activity.operation) == known.end())
    in.complain("operation",
                fmt::format("'{}' is not one of {}", shown(activity.operation), join(known, ", ")),
                near_hint(activity.operation, known));
}

// An activity and whether its type is one the engine has, so that later checks may look at it.
struct ReadActivity {
  Activity activity;
  bool usable = false;
};

ReadActivity read_activity(const Json& object, const std::string& pointer, Complaints& out) {
  static const Names types{"extract", "transform", "load", "filter", "join", "custom"};
  static const Names everything{"id",     "type",     "connector", "aggregator", "operation",
                                "params", "function", "script",    "where",      "left",
                                "right",  "on",       "how"};
  static const Names placed{"id", "type", "connector", "aggregator", "operation", "params", "where"};
  static const Names computed{"id", "type", "function", "script", "params", "where"};

  std::string type_word;
  if (object.is_object() && object.contains("type") && object.at("type").is_string())
    type_word = object.at("type").get<std::string>();
  const bool placed_type = type_word == "extract" || type_word == "load";
  Fields in{object, pointer, placed_type ? placed : type_word == "transform" ? computed : everything, out};
  ReadActivity read;
  if (!object.is_object()) return read;
  auto& activity = read.activity;
  activity.id = in.plain_id("id");
  const auto type = in.choice("type", types, std::nullopt);
  if (!type) return read;
  if (*type > 2) {
    in.complain("type",
                fmt::format("activities of type '{}' are not available in this version", types[*type]));
    return read;
  }
  if (in.get("where"))
    in.complain("where", "choosing the place of an activity is not available in this version");
  activity.type = static_cast<ActivityType>(*type);
  if (placed_type) read_place(in, activity);
  if (activity.type == ActivityType::extract) activity.params = read_extract(in);
  if (activity.type == ActivityType::transform) activity.params = read_transform(in);
  if (activity.type == ActivityType::load) activity.params = read_load(in);
  read.usable = true;
  return read;
}

Step read_step(const Json& object, const std::string& pointer, Complaints& out) {
  Fields in{object, pointer, {"id", "activityId", "dependsOn"}, out};
  if (!object.is_object()) return {};
  Step step;
  step.id = in.plain_id("id");
  step.activity_id = in.plain_id("activityId");
  step.depends_on = in.list_of_names("dependsOn", kActivitiesMax, 64);
  return step;
}

void read_head(Fields& in, Definition& out) {
  out.name = in.name("name", true, kNameBytesMax);
  out.schedule = in.name("schedule", false, 1000);
  if (const auto problem = cron_problem(out.schedule); !out.schedule.empty() && !problem.empty())
    in.complain("schedule", problem);
  out.timezone = in.name("timezone", false, 64);
  const bool zone_ok = std::all_of(out.timezone.begin(), out.timezone.end(), [](char c) {
    return is_plain_id(std::string_view{&c, 1}) || c == '/' || c == '+';
  });
  if (!zone_ok) in.complain("timezone", "must be the name of a time zone, like \"Europe/Berlin\"");
}

const Json* list_of(Fields& in, const char* key, const Json& document) {
  const Json* list = in.get(key);
  if (!list) {
    if (document.is_object()) in.complain(key, "is missing");
    return nullptr;
  }
  if (!list->is_array()) return in.complain(key, "must be a list"), nullptr;
  if (list->empty()) return in.complain(key, "must not be empty"), nullptr;
  if (list->size() > kActivitiesMax)
    return in.complain(key, fmt::format("has {} entries, the limit is {}", list->size(), kActivitiesMax)),
           nullptr;
  return list;
}

// What only shows when activities and steps are seen together.
class Connections {
 public:
  Connections(const Definition& definition, Complaints& out) : definition_{definition}, out_{out} {}

  void check() {
    Names activity_ids, step_ids;
    for (std::size_t i = 0; i < definition_.activities.size(); ++i)
      note_id(definition_.activities[i].id, fmt::format("/activities/{}/id", i), activity_ids);
    for (std::size_t i = 0; i < definition_.steps.size(); ++i)
      note_id(definition_.steps[i].id, fmt::format("/steps/{}/id", i), step_ids);
    check_references(activity_ids, step_ids);
    check_circles();
    check_unused();
  }

 private:
  void complain(std::string pointer, std::string message, std::string hint = {}) {
    out_.push_back({std::move(pointer), std::move(message), std::move(hint)});
  }

  void note_id(const std::string& id, std::string pointer, Names& ids) {
    if (id.empty()) return;
    if (std::find(ids.begin(), ids.end(), id) != ids.end())
      complain(std::move(pointer), fmt::format("'{}' is used twice", shown(id)));
    else
      ids.push_back(id);
  }

  void check_references(const Names& activity_ids, const Names& step_ids) {
    Names targets = step_ids;
    targets.insert(targets.end(), activity_ids.begin(), activity_ids.end());
    std::map<std::string, std::string> run_by;
    for (std::size_t i = 0; i < definition_.steps.size(); ++i) {
      const Step& step = definition_.steps[i];
      const auto at = fmt::format("/steps/{}", i);
      if (!step.activity_id.empty()) {
        if (!definition_.activity(step.activity_id))
          complain(at + "/activityId", fmt::format("there is no activity '{}'", shown(step.activity_id)),
                   near_hint(step.activity_id, activity_ids));
        else if (const auto [first, added] = run_by.emplace(step.activity_id, step.id); !added)
          complain(at + "/activityId", fmt::format("'{}' is run by step '{}' already",
                                                   shown(step.activity_id), shown(first->second)));
      }
      for (std::size_t k = 0; k < step.depends_on.size(); ++k)
        // An activity that no step runs is complained about by itself.
        if (!depended_on(definition_, step.depends_on[k]) && !definition_.activity(step.depends_on[k]))
          complain(fmt::format("{}/dependsOn/{}", at, k),
                   fmt::format("there is no step or activity '{}'", shown(step.depends_on[k])),
                   near_hint(step.depends_on[k], targets));
    }
  }

  // Depth first without recursion; a step that is met again while it is still open closes a circle.
  void check_circles() {
    enum class Mark { fresh, open, done };
    std::map<const Step*, Mark> marks;
    for (std::size_t i = 0; i < definition_.steps.size(); ++i) {
      std::vector<std::pair<const Step*, std::size_t>> path{{&definition_.steps[i], 0}};
      if (marks[path.back().first] != Mark::fresh) continue;
      marks[path.back().first] = Mark::open;
      while (!path.empty()) {
        const Step* step = path.back().first;
        if (path.back().second == step->depends_on.size()) {
          marks[step] = Mark::done;
          path.pop_back();
          continue;
        }
        const Step* before = depended_on(definition_, step->depends_on[path.back().second++]);
        if (!before || marks[before] == Mark::done) continue;
        if (marks[before] == Mark::open) {
          complain_of_circle(path, before);
          continue;
        }
        marks[before] = Mark::open;
        path.emplace_back(before, 0);
      }
    }
  }

  void complain_of_circle(const std::vector<std::pair<const Step*, std::size_t>>& path, const Step* closing) {
    std::string text = shown(closing->id);
    for (auto link = path.rbegin(); link != path.rend(); ++link) {
      text = shown(link->first->id) + " -> " + text;
      if (link->first == closing) break;
    }
    complain(fmt::format("/steps/{}", closing - definition_.steps.data()),
             fmt::format("the steps wait for each other in a circle: {}", text));
  }

  void check_unused() {
    for (std::size_t i = 0; i < definition_.activities.size(); ++i) {
      const auto& id = definition_.activities[i].id;
      const bool used = std::any_of(definition_.steps.begin(), definition_.steps.end(),
                                    [&](const Step& step) { return step.activity_id == id; });
      if (!id.empty() && !used)
        complain(fmt::format("/activities/{}", i), fmt::format("no step runs '{}'", shown(id)));
    }
  }

  const Definition& definition_;
  Complaints& out_;
};

// A table that is replaced by what has changed would lose all the rest.
void check_replacing(const Definition& definition, const Chain& chain, Complaints& out) {
  if (chain.load_params().mode != LoadMode::replace || chain.extract_params().mode == ExtractMode::full) return;
  out.push_back({fmt::format("/activities/{}/params/mode", chain.load.activity - definition.activities.data()),
                 "replace would leave only the rows of an incremental extract in the table",
                 "Extract with mode \"full\", or load with mode \"upsert\"."});
}

}  // namespace

Checked check(const Json& document) {
  Checked checked;
  auto& complaints = checked.complaints;
  Definition definition;
  Fields in{document, "", {"name", "schedule", "timezone", "activities", "steps"}, complaints};
  if (!document.is_object()) return checked;
  read_head(in, definition);

  bool usable = true;
  if (const Json* list = list_of(in, "activities", document))
    for (std::size_t i = 0; i < list->size(); ++i) {
      auto read = read_activity((*list)[i], fmt::format("/activities/{}", i), complaints);
      usable = usable && read.usable;
      definition.activities.push_back(std::move(read.activity));
    }
  if (const Json* list = list_of(in, "steps", document))
    for (std::size_t i = 0; i < list->size(); ++i)
      definition.steps.push_back(read_step((*list)[i], fmt::format("/steps/{}", i), complaints));

  if (!definition.steps.empty() && !definition.activities.empty()) {
    const auto before = complaints.size();
    Connections{definition, complaints}.check();
    if (usable && complaints.size() == before) {
      if (const auto chain = chain_of(definition); !chain)
        complaints.push_back({"/steps", chain.error().message, ""});
      else
        check_replacing(definition, *chain, complaints);
    }
  }
  if (complaints.empty()) checked.definition = std::move(definition);
  return checked;
}

}  // namespace vmc::workflow
