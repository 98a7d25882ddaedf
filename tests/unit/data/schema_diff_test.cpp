#include "data/schema_diff.hpp"

#include <catch2/catch.hpp>

using namespace vmc;
using namespace vmc::data;

namespace {

ColumnInfo column(std::string name, Kind kind = Kind::text) {
  ColumnInfo made;
  made.name = std::move(name);
  made.type = Type{kind};
  return made;
}

TableInfo table(std::string name, std::vector<ColumnInfo> columns) {
  TableInfo made;
  made.name = std::move(name);
  made.columns = std::move(columns);
  return made;
}

TableInfo view(std::string name, Reads reads) {
  auto made = table(std::move(name), {column("a")});
  made.view = true;
  made.reads = std::move(reads);
  made.definition = "one";
  return made;
}

std::vector<std::string> lines(const Schema& before, const Schema& after) {
  std::vector<std::string> out;
  for (const auto& change : changes_between(before, after)) out.push_back(describe(change));
  return out;
}

const auto kNothingPrivate = [](const std::string&) { return false; };

}  // namespace

TEST_CASE("what has changed is told in lines an owner reads") {
  const Schema before{
      {table("gone", {column("a")}), table("orders", {column("id", data::Kind::int64), column("old"), column("total")}),
       view("shown", {{"orders", {"id"}}})},
      ""};
  auto after = before;
  after.tables.erase(after.tables.begin());
  auto& orders = after.tables[0];
  orders.columns = {column("id", data::Kind::text), column("total"), column("note")};
  orders.columns[1].nullable = false;
  orders.columns[1].default_value = "secret";
  orders.primary_key = {"id"};
  orders.row_estimate = 7;
  after.tables[1].reads = {{"orders", {"id", "total"}}};
  after.tables[1].definition = "two";
  after.tables.push_back(table("zeta", {column("a"), column("b")}));
  CHECK(lines(before, after) ==
        std::vector<std::string>{"- gone: table", "~ orders: primary key none -> (id)", "- orders.old",
                                 "~ orders.id: type int64 -> text", "~ orders.total: is never null now",
                                 "~ orders.total: default value", "+ orders.note: text",
                                 "~ shown: reads orders(id) -> orders(id, total)", "+ zeta: table of 2 columns"});
  CHECK(lines(before, before).empty());
  const auto changes = changes_between(before, after);
  CHECK(to_json(changes[6]) == Json{{"change", "added"}, {"table", "orders"}, {"column", "note"}, {"what", "text"}});
  after = before;
  after.ignores_case = true;
  CHECK(lines(before, after) == std::vector<std::string>{"~ names: capitals do not count"});
  CHECK(lines(after, before) == std::vector<std::string>{"~ names: capitals count"});
}

TEST_CASE("a view of another definition has changed though it reads the same, and so has the order of columns") {
  const Schema before{{table("t", {column("a"), column("b")}), view("v", {{"t", {"a"}}})}, ""};
  auto after = before;
  std::swap(after.tables[0].columns[0], after.tables[0].columns[1]);
  after.tables[1].definition = "two";
  CHECK(lines(before, after) == std::vector<std::string>{"~ t: order of columns", "~ v: definition"});
}

TEST_CASE("additions are tables, columns of tables, and views over nothing else; nothing private and nothing changed") {
  const Schema before{{table("orders", {column("id"), column("total")}), view("shown", {{"orders", {"id"}}})}, ""};
  auto after = before;
  after.tables[0].columns = {column("note"), column("id", data::Kind::int64), column("salary"), column("computed")};
  after.tables[0].columns.back().reads = {{"orders", {"salary"}}};
  after.tables[1].columns.push_back(column("b"));
  after.tables[1].definition = "two";
  auto fresh = table("zeta", {column("a"), column("salary")});
  fresh.primary_key = {"a", "salary"};
  after.tables.push_back(fresh);
  after.tables.push_back(table("payroll", {column("a")}));
  after.tables.push_back(table("zchild", {column("a")}));
  after.tables.back().reads = {{"payroll", {"a"}}};
  after.tables.push_back(view("zfine", {{"zeta", {"a"}}}));
  after.tables.push_back(view("zhidden", {{"zeta", {"salary"}}}));
  after.tables.push_back(view("zunknown", {{"*", {"*"}}}));
  std::sort(after.tables.begin(), after.tables.end(), [](auto& a, auto& b) { return a.name < b.name; });
  const auto is_private = [](const std::string& name) { return name == "payroll" || name.ends_with(".salary"); };

  const auto merged = with_additions(before, after, is_private);

  CHECK(lines(before, merged) == std::vector<std::string>{"+ orders.note: text", "+ zeta: table of 1 columns",
                                                          "+ zfine: view of 1 columns, reads zeta(a)"});
  CHECK(merged.table("orders")->columns == std::vector<ColumnInfo>{column("note"), column("id"), column("total")});
  CHECK(merged.table("zeta")->primary_key.empty());
  CHECK(*merged.table("shown") == *before.table("shown"));
  CHECK(with_additions(before, before, kNothingPrivate) == before);
}
