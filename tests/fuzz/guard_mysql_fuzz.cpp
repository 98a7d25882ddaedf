// Text as a statement of MySQL.
#include "guard_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  static const auto guard = vmc::test::corpus_guard(vmc::sql::Dialect::mysql, "mysql");
  return vmc::test::judge(*guard, input, size);
}
