// A workflow as its author wrote it: activities (what) and steps (in which order). Plain values, no I/O.
//
// The JSON is schemas/workflow.json. Fields that hold their default are left out of it (but for a load's
// mode), so that a definition has one canonical text and one hash however it was spelled.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/clock.hpp"
#include "core/json.hpp"
#include "data/intent.hpp"

namespace vmc::workflow {

enum class ActivityType { extract, transform, load };
std::string_view to_string(ActivityType type);

enum class ExtractMode { full, incremental };
std::string_view to_string(ExtractMode mode);

enum class LoadMode { insert, upsert, replace };  // the names are those of the wire
std::string_view to_string(LoadMode mode);

// How many rows may be refused before the run stops: `rows`, or `percent` of the rows read where that is
// more. In JSON `maxRefused`: a number of rows, or "5%".
struct RefusedLimit {
  std::int64_t rows = 1000;
  double percent = 1.0;
  bool operator==(const RefusedLimit&) const = default;
  std::int64_t allowed_of(std::int64_t rows_read) const;
};

struct ExtractParams {
  std::string table;
  std::vector<std::string> columns;  // empty: all
  std::optional<data::Filter> where;
  ExtractMode mode = ExtractMode::full;
  std::string cursor;                                           // column; incremental only
  std::chrono::microseconds overlap = std::chrono::minutes{5};  // read again before the last watermark, of a time
  std::int64_t overlap_values = 10'000;                         // the same, of a number
  std::int64_t rows_per_part = 50'000;
  bool operator==(const ExtractParams&) const = default;
};

// Exactly one of the two is set.
struct TransformParams {
  std::string function;  // Lua source
  std::string script;    // name of a script
  std::optional<RefusedLimit> max_refused;
  bool operator==(const TransformParams&) const = default;
};

// What is read again at the destination for its half of the proof.
enum class ReadBack { nothing, keys, table };

struct LoadParams {
  std::string table;
  LoadMode mode = LoadMode::upsert;
  std::vector<std::string> conflict_key;  // upsert needs one
  std::optional<RefusedLimit> max_refused;
  // The whole table where it was replaced; else the rows with the loaded keys.
  ReadBack read_back() const;
  bool operator==(const LoadParams&) const = default;
};

struct Activity {
  std::string id;
  ActivityType type = ActivityType::extract;
  std::string connector;   // a connector's name, or "mini" where only one fits; empty for transform
  std::string aggregator;  // the agent's connection id; empty for transform
  std::string operation;   // as the author named it; extract: select, queryAll; load: bulkInsert
  std::variant<ExtractParams, TransformParams, LoadParams> params;  // the alternative of `type`
  bool operator==(const Activity&) const = default;
};

struct Step {
  std::string id;
  std::string activity_id;
  std::vector<std::string> depends_on;  // step ids or activity ids
  bool operator==(const Step&) const = default;
};

struct Definition {
  std::string name;
  std::string schedule;  // cron, five fields; empty: started by hand
  std::string timezone;  // IANA name; empty: UTC
  std::vector<Activity> activities;
  std::vector<Step> steps;
  bool operator==(const Definition&) const = default;

  const Activity* activity(std::string_view id) const;
  const Step* step(std::string_view id) const;
};

inline constexpr std::string_view kOnlyConnector = "mini";
inline constexpr std::size_t kActivitiesMax = 100;
inline constexpr std::size_t kScriptBytesMax = 256u << 10;
inline constexpr std::size_t kNameBytesMax = 200;

Json to_json(const Definition& definition);
// Reads and validates (validate.hpp): WORKFLOW_INVALID lists every complaint.
Result<Definition> definition_from_json(const Json& json);

std::string canonical(const Definition& definition);  // JSON text with sorted keys and no blanks
std::string hash(const Definition& definition);       // SHA-256 of it, hex

}  // namespace vmc::workflow
