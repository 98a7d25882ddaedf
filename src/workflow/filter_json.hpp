// A filter tree by itself as JSON: what stands in `params.where`. Internal to this folder.
#pragma once

#include "core/json.hpp"
#include "data/intent.hpp"

namespace vmc::workflow {

Json filter_json(const data::Filter& filter);
Result<data::Filter> filter_from_json(const Json& json);

}  // namespace vmc::workflow
