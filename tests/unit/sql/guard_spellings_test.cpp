// SQL Server may tell capitals apart: then a name that the guard could take for an inner column goes past it, to a private
// one around.
#include <catch2/catch.hpp>

#include "sql/guard/guard.hpp"

using namespace vmc;
using sql::Dialect;

namespace {

data::TableInfo table(const std::string& name, const std::vector<std::string>& columns) {
  data::TableInfo out;
  out.name = name;
  for (const auto& column : columns) {
    auto& one = out.columns.emplace_back();
    one.name = column;
    one.type = {data::Kind::text};
  }
  return out;
}

bool accepts(const std::string& statement) {
  data::Schema schema;
  schema.tables = {table("employees", {"id", "email"}), table("customers", {"id", "Email", "phone"}),
                   table("archive.orders", {"id", "total"}), table("Orders", {"id", "Total", "note"})};
  const auto parts = sql::parts_in({"customers.Email", "Orders.Total"});
  REQUIRE(parts.has_value());
  sql::GuardSettings settings;
  settings.catalogue = sql::Catalogue::make(Dialect::mssql, &schema, *parts);
  const auto guard = sql::make_guard(Dialect::mssql, std::move(settings));
  REQUIRE(guard.has_value());
  return (*guard)->judge(statement).accepted();
}

}  // namespace

TEST_CASE("T-SQL: a column of another spelling in an inner table does not hide a private one around it") {
  CHECK_FALSE(accepts("SELECT (SELECT Email FROM employees e WHERE e.id = 1) AS v FROM customers c"));
  CHECK_FALSE(accepts("SELECT (SELECT Email FROM (SELECT * FROM employees) e) AS v FROM customers c"));
  CHECK_FALSE(accepts("SELECT (SELECT MAX(Orders.total) FROM archive.orders) AS v FROM dbo.Orders"));
  CHECK_FALSE(accepts("SELECT id FROM dbo.Orders WHERE EXISTS (SELECT Orders.* FROM archive.orders)"));
  CHECK(accepts("SELECT (SELECT email FROM employees e WHERE e.id = 1) AS v FROM Orders o"));
  CHECK(accepts("SELECT (SELECT MAX(o.id) FROM archive.orders o) AS v, Phone FROM customers ORDER BY phone"));
  CHECK(accepts("SELECT EMAIL FROM employees ORDER BY Email"));
}
