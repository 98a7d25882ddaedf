// FOR SYSTEM_TIME chooses rows by two columns that the statement does not name: they may be private.
#include <catch2/catch.hpp>

#include "sql/guard/guard.hpp"

using namespace vmc;
using sql::Dialect;

namespace {

data::Schema stock() {
  data::Schema schema;
  auto& table = schema.tables.emplace_back();
  table.name = "stock";
  for (const auto& [name, kind] : std::vector<std::pair<std::string, data::Kind>>{
           {"id", data::Kind::int64}, {"note", data::Kind::text}, {"valid_from", data::Kind::timestamp}, {"valid_to", data::Kind::timestamp}}) {
    auto& column = table.columns.emplace_back();
    column.name = name;
    column.type = {kind};
  }
  return schema;
}

bool accepts(Dialect dialect, const std::string& statement, const std::string& kept, bool known) {
  const auto schema = stock();
  const auto parts = sql::parts_in({kept});
  REQUIRE(parts.has_value());
  sql::GuardSettings settings;
  settings.catalogue = sql::Catalogue::make(dialect, known ? &schema : nullptr, *parts);
  const auto guard = sql::make_guard(dialect, std::move(settings));
  REQUIRE(guard.has_value());
  return (*guard)->judge(statement).accepted();
}

}  // namespace

TEST_CASE("versions of rows are not chosen by columns that may be private") {
  for (const auto& [dialect, moment] : {std::pair{Dialect::mssql, "AS OF '2024-01-01'"},
                                       std::pair{Dialect::mssql, "BETWEEN '2024-01-01' AND '2024-02-01'"},
                                       std::pair{Dialect::mysql, "AS OF TIMESTAMP '2024-01-01 00:00:00'"}}) {
    const std::string statement = "SELECT id FROM stock FOR SYSTEM_TIME " + std::string{moment};
    INFO(statement);
    CHECK_FALSE(accepts(dialect, statement, "stock.valid_from", true));
    CHECK_FALSE(accepts(dialect, statement, "stock.VALID_TO", true));
    CHECK(accepts(dialect, statement, "stock.note", true));
    CHECK_FALSE(accepts(dialect, statement, "stock.note", false));  // it is not known what that is
    CHECK(accepts(dialect, "SELECT id FROM stock", "stock.valid_from", true));
  }
}
