// Text as an intent or a schema: refused, or a model whose JSON reads back equal.
#include <cstdlib>

#include "data/intent.hpp"
#include "data/schema.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  using namespace vmc;
  const auto json = parse_json(as_text({input, size}), 1u << 16);
  if (!json) return 0;
  if (const auto intent = data::intent_from_json(*json)) {
    const auto back = data::intent_from_json(data::to_json(*intent));
    // NaN is no equal of itself; its JSON is.
    if (!back || data::to_json(*back) != data::to_json(*intent)) std::abort();
    data::columns_touched(*intent);
  }
  if (const auto schema = data::schema_from_json(*json)) {
    const auto back = data::schema_from_json(data::to_json(*schema));
    if (!back || !(*back == *schema)) std::abort();
  }
  return 0;
}
