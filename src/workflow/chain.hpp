// The shape of workflow the engine runs: one extract, any number of transforms, one load, in one line.
#pragma once

#include <vector>

#include "core/result.hpp"
#include "workflow/definition.hpp"

namespace vmc::workflow {

inline constexpr std::string_view kSupportedShape =
    "this version runs one extract, then any number of transforms, then one load, each step depending on the "
    "one "
    "before";

struct Link {
  const Step* step = nullptr;
  const Activity* activity = nullptr;
};

// Points into the definition it was made from, which must outlive it.
struct Chain {
  Link extract;
  std::vector<Link> transforms;
  Link load;

  const ExtractParams& extract_params() const { return std::get<ExtractParams>(extract.activity->params); }
  const LoadParams& load_params() const { return std::get<LoadParams>(load.activity->params); }
};

// WORKFLOW_INVALID says what is supported.
Result<Chain> chain_of(const Definition& definition);

// The step a dependsOn entry means: a step's id, else the id of the activity it runs. Null: there is none.
const Step* depended_on(const Definition& definition, std::string_view reference);

// What the author set on the load, else on the first transform that has it, else the default.
RefusedLimit refused_limit(const Chain& chain);

}  // namespace vmc::workflow
