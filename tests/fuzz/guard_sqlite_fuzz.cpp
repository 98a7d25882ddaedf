// Text as a statement of SQLite, and as what stands in CREATE TABLE.
#include "guard_target.hpp"
#include "sql/guard/views.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  static const auto guard = vmc::test::corpus_guard(vmc::sql::Dialect::sqlite, "sqlite");
  const auto definition = "CREATE TABLE t (" + std::string{reinterpret_cast<const char*>(input), size};
  static_cast<void>(vmc::sql::sqlite_expressions(definition, {"a", "email"}));
  return vmc::test::judge(*guard, input, size);
}
