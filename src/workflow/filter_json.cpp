#include "workflow/filter_json.hpp"

namespace vmc::workflow {
namespace {

// An intent around the filter, so that there is one reader and one writer of filters.
data::Intent carrier() {
  data::Intent intent;
  intent.table = "t";
  intent.columns = {"c"};
  return intent;
}

}  // namespace

Json filter_json(const data::Filter& filter) {
  data::Intent intent = carrier();
  intent.filter = filter;
  return data::to_json(intent).at("filter");
}

Result<data::Filter> filter_from_json(const Json& json) {
  if (!json.is_object()) return fail(Code::workflow_invalid, "must be a filter tree (an object)");
  Json around = data::to_json(carrier());
  around["filter"] = json;
  auto intent = data::intent_from_json(around);
  if (!intent) return fail(Code::workflow_invalid, intent.error().message);
  if (!intent->filter) return fail(Code::workflow_invalid, "must be a filter tree");
  return *std::move(intent->filter);
}

}  // namespace vmc::workflow
