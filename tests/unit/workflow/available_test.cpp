#include <catch2/catch.hpp>

#include "workflow/available.hpp"

using namespace vmc;
using namespace vmc::workflow;

namespace {

Definition copy_table() {
  Definition d;
  d.name = "copy";
  Activity extract{"e", ActivityType::extract, "mini", "erp", "select", ExtractParams{}};
  Activity transform{"t", ActivityType::transform, "", "", "", TransformParams{"function transform(row) return row end", "", {}}};
  Activity load{"l", ActivityType::load, "mini", "dwh", "bulkInsert", LoadParams{}};
  d.activities = {extract, transform, load};
  return d;
}

}  // namespace

TEST_CASE("a workflow of one extract, one transform and one load is available") {
  for (const auto mode : {LoadMode::insert, LoadMode::upsert, LoadMode::replace}) {
    auto definition = copy_table();
    std::get<LoadParams>(definition.activities[2].params).mode = mode;
    CHECK(check_available(definition).has_value());
  }
}

TEST_CASE("what this version does not do is refused when the workflow is published") {
  auto scheduled = copy_table();
  scheduled.schedule = "0 2 * * *";
  auto two = copy_table();
  two.activities.push_back(two.activities[1]);
  auto named = copy_table();
  named.activities[1].params = TransformParams{"", "shape", {}};

  for (const auto& definition : {scheduled, two, named}) {
    const auto checked = check_available(definition);
    REQUIRE(checked.has_error());
    CHECK(checked.error().code == Code::workflow_invalid);
    CHECK(checked.error().message.find("not available") != std::string::npos);
  }
}
