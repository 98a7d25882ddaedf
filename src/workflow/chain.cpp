#include "workflow/chain.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace vmc::workflow {
namespace {

Error unsupported(std::string what) {
  return fail(Code::workflow_invalid, fmt::format("{}; {}", what, kSupportedShape));
}

}  // namespace

const Step* depended_on(const Definition& definition, std::string_view reference) {
  if (const Step* step = definition.step(reference)) return step;
  const auto found = std::find_if(definition.steps.begin(), definition.steps.end(),
                                  [&](const Step& s) { return s.activity_id == reference; });
  return found == definition.steps.end() ? nullptr : &*found;
}

Result<Chain> chain_of(const Definition& definition) {
  int extracts = 0, loads = 0;
  const Step* first = nullptr;
  for (const auto& step : definition.steps) {
    const Activity* activity = definition.activity(step.activity_id);
    if (!activity)
      return fail(Code::workflow_invalid, fmt::format("step '{}' runs no known activity", step.id));
    if (activity->params.index() != static_cast<std::size_t>(activity->type))
      return fail(Code::workflow_invalid,
                  fmt::format("activity '{}' has the parameters of another type", activity->id));
    extracts += activity->type == ActivityType::extract;
    loads += activity->type == ActivityType::load;
    if (step.depends_on.size() > 1)
      return unsupported(fmt::format("step '{}' depends on several steps", step.id));
    if (step.depends_on.empty() && first)
      return unsupported(fmt::format("steps '{}' and '{}' both depend on nothing", first->id, step.id));
    if (step.depends_on.empty()) first = &step;
  }
  if (extracts != 1) return unsupported(fmt::format("there are {} extract steps", extracts));
  if (loads != 1) return unsupported(fmt::format("there are {} load steps", loads));
  if (!first) return unsupported("no step comes first");

  Chain chain;
  const Step* step = first;
  for (std::size_t walked = 1; step; ++walked) {
    const Activity* activity = definition.activity(step->activity_id);
    if ((activity->type == ActivityType::extract) != (walked == 1))
      return unsupported(
          fmt::format("step '{}' does not stand where an {} can", step->id, to_string(activity->type)));
    if (activity->type == ActivityType::extract) chain.extract = {step, activity};
    if (activity->type == ActivityType::transform) chain.transforms.push_back({step, activity});
    if (activity->type == ActivityType::load) {
      chain.load = {step, activity};
      if (walked != definition.steps.size())
        return unsupported(fmt::format("step '{}' is not the last one", step->id));
    }
    const Step* follower = nullptr;
    for (const auto& other : definition.steps) {
      if (other.depends_on.empty() || depended_on(definition, other.depends_on.front()) != step) continue;
      if (follower) return unsupported(fmt::format("several steps depend on step '{}'", step->id));
      follower = &other;
    }
    if (walked > definition.steps.size()) return unsupported("the steps run in a circle");
    step = follower;
  }
  if (!chain.load.step) return unsupported("the load does not follow the extract");
  return chain;
}

RefusedLimit refused_limit(const Chain& chain) {
  if (chain.load_params().max_refused) return *chain.load_params().max_refused;
  for (const auto& link : chain.transforms)
    if (const auto& limit = std::get<TransformParams>(link.activity->params).max_refused) return *limit;
  return {};
}

}  // namespace vmc::workflow
