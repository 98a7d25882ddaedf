#include "workflow/definition.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "crypto/hash.hpp"
#include "workflow/filter_json.hpp"
#include "workflow/validate.hpp"

namespace vmc::workflow {
namespace {

std::string duration_text(std::chrono::microseconds duration) {
  using namespace std::chrono;
  const auto ms = duration_cast<milliseconds>(duration).count();
  struct Unit {
    std::string_view name;
    std::int64_t ms;
  };
  for (const Unit unit : {Unit{"d", 86'400'000}, Unit{"h", 3'600'000}, Unit{"m", 60'000}, Unit{"s", 1000}})
    if (ms != 0 && ms % unit.ms == 0) return fmt::format("{}{}", ms / unit.ms, unit.name);
  return fmt::format("{}ms", ms);
}

Json limit_json(const RefusedLimit& limit) {
  return limit.percent > 0 ? Json(fmt::format("{}%", limit.percent)) : Json(limit.rows);
}

// The default, set by hand, is said by saying nothing.
void put_limit(Json& params, const std::optional<RefusedLimit>& limit) {
  if (limit && *limit != RefusedLimit{}) params["maxRefused"] = limit_json(*limit);
}

void put(Json& json, const ExtractParams& extract) {
  Json params{{"table", extract.table}};
  if (!extract.columns.empty()) params["columns"] = extract.columns;
  if (extract.where) params["where"] = filter_json(*extract.where);
  if (extract.mode != ExtractMode::full) params["mode"] = to_string(extract.mode);
  if (!extract.cursor.empty()) params["cursor"] = extract.cursor;
  if (extract.overlap != ExtractParams{}.overlap) params["overlap"] = duration_text(extract.overlap);
  if (extract.overlap_values != ExtractParams{}.overlap_values) params["overlap"] = extract.overlap_values;
  if (extract.rows_per_part != ExtractParams{}.rows_per_part) params["rowsPerPart"] = extract.rows_per_part;
  json["params"] = std::move(params);
}
void put(Json& json, const TransformParams& transform) {
  if (!transform.function.empty()) json["function"] = transform.function;
  if (!transform.script.empty()) json["script"] = transform.script;
  Json params = Json::object();
  put_limit(params, transform.max_refused);
  if (!params.empty()) json["params"] = std::move(params);
}
void put(Json& json, const LoadParams& load) {
  Json params{{"table", load.table}, {"mode", to_string(load.mode)}};
  if (load.conflict_key.size() == 1) params["conflictKey"] = load.conflict_key.front();
  if (load.conflict_key.size() > 1) params["conflictKey"] = load.conflict_key;
  put_limit(params, load.max_refused);
  json["params"] = std::move(params);
}

Json activity_json(const Activity& activity) {
  Json json{{"id", activity.id}, {"type", to_string(activity.type)}};
  if (!activity.connector.empty()) json["connector"] = activity.connector;
  if (!activity.aggregator.empty()) json["aggregator"] = activity.aggregator;
  if (!activity.operation.empty()) json["operation"] = activity.operation;
  std::visit([&](const auto& params) { put(json, params); }, activity.params);
  return json;
}

}  // namespace

std::string_view to_string(ActivityType type) {
  switch (type) {
    case ActivityType::extract:
      return "extract";
    case ActivityType::transform:
      return "transform";
    case ActivityType::load:
      return "load";
  }
  return "?";
}
std::string_view to_string(ExtractMode mode) { return mode == ExtractMode::full ? "full" : "incremental"; }
std::string_view to_string(LoadMode mode) {
  switch (mode) {
    case LoadMode::insert:
      return "insert";
    case LoadMode::upsert:
      return "upsert";
    case LoadMode::replace:
      return "replace";
  }
  return "?";
}

ReadBack LoadParams::read_back() const {
  if (mode == LoadMode::replace) return ReadBack::table;
  return conflict_key.empty() ? ReadBack::nothing : ReadBack::keys;
}

std::int64_t RefusedLimit::allowed_of(std::int64_t rows_read) const {
  return std::max(rows, static_cast<std::int64_t>(static_cast<double>(rows_read) * percent / 100.0));
}

const Activity* Definition::activity(std::string_view id) const {
  const auto found =
      std::find_if(activities.begin(), activities.end(), [&](const Activity& a) { return a.id == id; });
  return found == activities.end() ? nullptr : &*found;
}
const Step* Definition::step(std::string_view id) const {
  const auto found = std::find_if(steps.begin(), steps.end(), [&](const Step& s) { return s.id == id; });
  return found == steps.end() ? nullptr : &*found;
}

Json to_json(const Definition& definition) {
  Json json{{"name", definition.name}, {"activities", Json::array()}, {"steps", Json::array()}};
  if (!definition.schedule.empty()) json["schedule"] = definition.schedule;
  if (!definition.timezone.empty()) json["timezone"] = definition.timezone;
  for (const auto& activity : definition.activities) json["activities"].push_back(activity_json(activity));
  for (const auto& step : definition.steps)
    json["steps"].push_back(
        {{"id", step.id}, {"activityId", step.activity_id}, {"dependsOn", step.depends_on}});
  return json;
}

Result<Definition> definition_from_json(const Json& json) {
  auto checked = check(json);
  if (!checked.complaints.empty()) return as_error(checked.complaints);
  return *std::move(checked.definition);
}

std::string canonical(const Definition& definition) {
  return to_json(definition).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string hash(const Definition& definition) {
  return to_hex(crypto::sha256(as_bytes(canonical(definition))));
}

}  // namespace vmc::workflow
