// Text as a statement of T-SQL, and as a view's definition.
#include "guard_target.hpp"
#include "sql/guard/views.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  static const auto guard = vmc::test::corpus_guard(vmc::sql::Dialect::mssql, "mssql");
  const auto definition = "CREATE VIEW v AS " + std::string{reinterpret_cast<const char*>(input), size};
  for (const bool quoted_identifier : {true, false}) {
    const auto query = vmc::sql::mssql_view_query(definition, quoted_identifier);
    if (query) static_cast<void>(guard->judge(*query));
  }
  return vmc::test::judge(*guard, input, size);
}
