#include "sources/unchanged.hpp"

#include <catch2/catch.hpp>

#include "support/show_result.hpp"

using namespace vmc;
using sources::check_relation;
using sources::LiveRelation;
using sources::print_of;

namespace {

data::TableInfo view(std::string definition, data::Reads reads) {
  data::TableInfo made;
  made.name = "shown";
  made.view = true;
  made.definition = std::move(definition);
  made.reads = std::move(reads);
  return made;
}

bool passes(const data::TableInfo& approved, const std::optional<LiveRelation>& live) {
  const auto outcome = check_relation(approved, live);
  if (!outcome) CHECK(outcome.error().code == Code::schema_access_denied);
  return outcome.has_value();
}

}  // namespace

TEST_CASE("a view passes with the text it was approved with, and a table as a table") {
  const auto approved = view(print_of("SELECT 1"), {{"t", {"a"}}});
  CHECK(passes(approved, LiveRelation{false, print_of("SELECT 1")}));
  CHECK_FALSE(passes(approved, LiveRelation{false, print_of("SELECT 2")}));
  CHECK_FALSE(passes(approved, LiveRelation{false, ""}));
  CHECK_FALSE(passes(approved, LiveRelation{true, ""}));
  CHECK(passes(approved, std::nullopt));
  data::TableInfo table;
  CHECK(passes(table, LiveRelation{true, ""}));
  CHECK_FALSE(passes(table, LiveRelation{false, print_of("SELECT 1")}));
}

TEST_CASE("a view whose text was not to be seen passes only as one that may reach anything") {
  CHECK(print_of("").empty());
  CHECK(passes(view("", {{"*", {"*"}}}), LiveRelation{false, print_of("SELECT 1")}));
  CHECK_FALSE(passes(view("", {{"t", {"a"}}}), LiveRelation{false, ""}));
}

TEST_CASE("prints are given to views that have a text") {
  data::Schema schema{{data::TableInfo{}, view("", {})}, ""};
  schema.tables[0].name = "a";
  sources::set_prints(schema, {{"a", "SELECT 1"}, {"shown", "SELECT 2"}});
  CHECK(schema.tables[0].definition.empty());
  CHECK(schema.tables[1].definition == print_of("SELECT 2"));
}
