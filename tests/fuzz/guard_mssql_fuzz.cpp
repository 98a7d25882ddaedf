// Text as a statement of T-SQL.
#include "guard_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  static const auto guard = vmc::test::corpus_guard(vmc::sql::Dialect::mssql, "mssql");
  return vmc::test::judge(*guard, input, size);
}
