// Text as a statement of SQLite.
#include "guard_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  static const auto guard = vmc::test::corpus_guard(vmc::sql::Dialect::sqlite, "sqlite");
  return vmc::test::judge(*guard, input, size);
}
