#include "workflow/validate.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "samples.hpp"
#include "workflow/cron.hpp"

using namespace vmc;
using namespace vmc::workflow;
using test::with;
using test::without;

namespace {

std::string all_text(const std::vector<Complaint>& complaints) {
  std::string out;
  for (const auto& complaint : complaints) out += complaint.text() + "\n";
  return out;
}

struct Case {
  std::string pointer;   // where the complaint must point
  std::string contains;  // in message or hint
  Json document;
};

Json step(const char* id, const char* activity, std::vector<std::string> before) {
  return {{"id", id}, {"activityId", activity}, {"dependsOn", before}};
}

}  // namespace

TEST_CASE("each mistake is named with its place and, where one is near, the right word") {
  const Json sample = test::sample_document();
  const Case cases[] = {
      {"", "must be an object", Json::array()},
      {"/name", "is missing", without(sample, "/name")},
      {"/name", "longer than 200", with(sample, "/name", std::string(201, 'x'))},
      {"/name", "control characters", with(sample, "/name", "a\nb")},
      {"/shedule", "did you mean 'schedule'?", with(sample, "/shedule", "x")},
      {"/schedule", "must have 5 fields", with(sample, "/schedule", "hourly")},
      {"/schedule", "hour", with(sample, "/schedule", "0 24 * * *")},
      {"/timezone", "time zone", with(sample, "/timezone", "Asia Kolkata")},
      {"/activities", "is missing", without(sample, "/activities")},
      {"/activities", "must be a list", with(sample, "/activities", 1)},
      {"/activities", "the limit is 100",
       with(sample, "/activities", Json(std::vector<Json>(101, sample["activities"][0])))},
      {"/steps", "must not be empty", with(sample, "/steps", Json::array())},
      {"/activities/0", "must be an object", with(sample, "/activities/0", "extract")},
      {"/activities/0/id", "letters, digits", with(sample, "/activities/0/id", "a b")},
      {"/activities/1/id", "used twice", with(sample, "/activities/1/id", "extract-crm")},
      {"/activities/0/type", "is missing", without(sample, "/activities/0/type")},
      {"/activities/0/type", "did you mean 'extract'?", with(sample, "/activities/0/type", "extrat")},
      {"/activities/1/type", "'join' are not available in this version",
       with(sample, "/activities/1/type", "join")},
      {"/activities/1/type", "'filter' are not available", with(sample, "/activities/1/type", "filter")},
      {"/activities/1/type", "'custom' are not available", with(sample, "/activities/1/type", "custom")},
      {"/activities/0/connector", "is missing", without(sample, "/activities/0/connector")},
      {"/activities/0/connector", "'cloud' is not available in this version",
       with(sample, "/activities/0/connector", "cloud")},
      {"/activities/0/aggregator", "is missing", without(sample, "/activities/0/aggregator")},
      {"/activities/0/operation", "did you mean 'queryAll'?",
       with(sample, "/activities/0/operation", "queryall")},
      {"/activities/0/where", "not available in this version", with(sample, "/activities/0/where", "agent")},
      {"/activities/0/function", "not known here", with(sample, "/activities/0/function", "x")},
      {"/activities/1/connector", "not known here", with(sample, "/activities/1/connector", "mini")},
      {"/activities/0/params", "is missing", without(sample, "/activities/0/params")},
      {"/activities/0/params/tabel", "did you mean 'table'?",
       with(sample, "/activities/0/params/tabel", "x")},
      {"/activities/0/params/table", "must be a string", with(sample, "/activities/0/params/table", 7)},
      {"/activities/0/params/a~1b", "not known here", with(sample, "/activities/0/params/a~1b", 7)},
      {"/activities/0/params/columns", "list of strings", with(sample, "/activities/0/params/columns", "id")},
      {"/activities/0/params/columns/1", "stands there twice",
       with(sample, "/activities/0/params/columns/1", "id")},
      {"/activities/0/params/where", "filter", with(sample, "/activities/0/params/where", "amount > 10")},
      {"/activities/0/params/where", "op", with(sample, "/activities/0/params/where/op", "greater")},
      {"/activities/0/params/mode", "did you mean 'incremental'?",
       with(sample, "/activities/0/params/mode", "incremetal")},
      {"/activities/0/params/cursor", "is missing", without(sample, "/activities/0/params/cursor")},
      {"/activities/0/params/cursor", "only used by mode incremental",
       without(sample, "/activities/0/params/mode")},
      {"/activities/0/params/overlap", "duration",
       with(sample, "/activities/0/params/overlap", "10 minutes")},
      {"/activities/0/params/overlap", "duration", with(sample, "/activities/0/params/overlap", "400d")},
      {"/activities/0/params/overlap", "whole number", with(sample, "/activities/0/params/overlap", -1)},
      {"/activities/0/params/overlap", "whole number", with(sample, "/activities/0/params/overlap", 2.5)},
      {"/activities/0/params/rowsPerPart", "between 1 and",
       with(sample, "/activities/0/params/rowsPerPart", 0)},
      {"/activities/0/params/rowsPerPart", "between 1 and",
       with(sample, "/activities/0/params/rowsPerPart", 1.5)},
      {"/activities/1/function", "is missing", without(sample, "/activities/1/function")},
      {"/activities/1/function", "must not be empty", with(sample, "/activities/1/function", "")},
      {"/activities/1/function", "longer than 262144",
       with(sample, "/activities/1/function", std::string((256u << 10) + 1, '-'))},
      {"/activities/1/function", "bytecode", with(sample, "/activities/1/function", "\x1bLua")},
      {"/activities/1/script", "one of the two", with(sample, "/activities/1/script", "shape")},
      {"/activities/1/script", "name of a script",
       with(without(sample, "/activities/1/function"), "/activities/1/script", "../etc")},
      {"/activities/2/params/mode", "insert, upsert, replace",
       with(sample, "/activities/2/params/mode", "merge")},
      {"/activities/2/params/conflictKey", "mode upsert needs",
       without(sample, "/activities/2/params/conflictKey")},
      {"/activities/2/params/mode", "only the rows of an incremental extract",
       with(sample, "/activities/2/params/mode", "replace")},
      {"/activities/2/params/conflictKey", "must not be empty",
       with(sample, "/activities/2/params/conflictKey", Json::array())},
      {"/activities/2/params/maxRefused", "share", with(sample, "/activities/2/params/maxRefused", -1)},
      {"/activities/2/params/maxRefused", "share", with(sample, "/activities/2/params/maxRefused", "101%")},
      {"/steps/0/id", "is missing", without(sample, "/steps/0/id")},
      {"/steps/1/id", "used twice", with(sample, "/steps/1/id", "1")},
      {"/steps/1/activityId", "did you mean 'shape'?", with(sample, "/steps/1/activityId", "shpae")},
      {"/steps/1/activityId", "by step '1' already", with(sample, "/steps/1/activityId", "extract-crm")},
      {"/steps/2/dependsOn/0", "no step or activity 'shap'", with(sample, "/steps/2/dependsOn/0", "shap")},
      {"/steps/1/depends", "not known here", with(sample, "/steps/1/depends", Json::array())},
      {"/steps/0", "in a circle: 1 -> 3 -> 2 -> 1", with(sample, "/steps/0/dependsOn", Json::array({"3"}))},
      {"/steps/1", "in a circle: 2 -> 2", with(sample, "/steps/1/dependsOn", Json::array({"2"}))},
      {"/activities/1", "no step runs 'shape'",
       with(sample, "/steps", Json::array({step("1", "extract-crm", {}), step("3", "load-pg", {"1"})}))},
  };
  for (const auto& c : cases) {
    const auto complaints = validate(c.document);
    INFO(c.pointer << " " << c.contains << "\n" << all_text(complaints));
    const bool found = std::any_of(complaints.begin(), complaints.end(), [&](const Complaint& complaint) {
      return complaint.pointer == c.pointer &&
             (complaint.message + complaint.hint).find(c.contains) != std::string::npos;
    });
    CHECK(found);
    CHECK_FALSE(check(c.document).definition.has_value());
    CHECK(definition_from_json(c.document).error().code == Code::workflow_invalid);
  }
}

TEST_CASE("every complaint is made at once") {
  auto document = test::sample_document();
  document = with(document, "/activities/0/params/tabel", "x");
  document = with(document, "/activities/0/connector", "cloud");
  document = with(document, "/activities/2/params/mode", "merge");
  document = with(document, "/steps/1/activityId", "shpae");
  document = with(document, "/timezone", 7);
  const auto complaints = validate(document);
  INFO(all_text(complaints));
  // The mistyped activity leaves one that no step runs.
  CHECK(complaints.size() == 6);
  const auto message = definition_from_json(document).error().message;
  CHECK(std::count(message.begin(), message.end(), '\n') == 5);
}

TEST_CASE("a workflow that runs is one chain, and anything else is told what is supported") {
  const Json sample = test::sample_document();
  const Json extract = sample["activities"][0], shape = sample["activities"][1],
             load = sample["activities"][2];
  const auto second = [](Json activity, const char* id) {
    activity["id"] = id;
    return activity;
  };
  const auto workflow = [](std::vector<Json> activities, std::vector<Json> steps) {
    return Json{{"name", "w"}, {"activities", activities}, {"steps", steps}};
  };
  const Json good[] = {
      workflow({extract, load}, {step("1", "extract-crm", {}), step("2", "load-pg", {"1"})}),
      workflow({extract, load}, {step("b", "load-pg", {"extract-crm"}), step("a", "extract-crm", {})}),
      workflow({extract, shape, second(shape, "s2"), load},
               {step("1", "extract-crm", {}), step("2", "shape", {"1"}), step("3", "s2", {"2"}),
                step("4", "load-pg", {"3"})}),
  };
  for (const auto& document : good) {
    INFO(document.dump(1) << all_text(validate(document)));
    CHECK(validate(document).empty());
  }
  const Json bad[] = {
      workflow({extract}, {step("1", "extract-crm", {})}),
      workflow({load}, {step("1", "load-pg", {})}),
      workflow({extract, second(extract, "e2"), load},
               {step("1", "extract-crm", {}), step("2", "e2", {"1"}), step("3", "load-pg", {"2"})}),
      workflow({extract, load, second(load, "l2")},
               {step("1", "extract-crm", {}), step("2", "load-pg", {"1"}), step("3", "l2", {"1"})}),
      workflow({extract, shape, load},
               {step("1", "shape", {}), step("2", "extract-crm", {"1"}), step("3", "load-pg", {"2"})}),
      workflow({extract, shape, load},
               {step("1", "extract-crm", {}), step("2", "load-pg", {"1"}), step("3", "shape", {"2"})}),
      workflow({extract, shape, load},
               {step("1", "extract-crm", {}), step("2", "shape", {"1"}), step("3", "load-pg", {"1"})}),
      workflow({extract, shape, load},
               {step("1", "extract-crm", {}), step("2", "shape", {"1"}), step("3", "load-pg", {"1", "2"})}),
      workflow({extract, load}, {step("1", "extract-crm", {}), step("2", "load-pg", {})}),
  };
  for (const auto& document : bad) {
    const auto complaints = validate(document);
    INFO(document.dump(1) << all_text(complaints));
    REQUIRE(complaints.size() == 1);
    CHECK(complaints[0].pointer == "/steps");
    CHECK(complaints[0].message.find("this version runs one extract") != std::string::npos);
  }
}

TEST_CASE("a long chain and a wide circle are looked at without recursion") {
  Json document = test::sample_document();
  Json steps = Json::array();
  for (int i = 0; i < 100; ++i) {
    Json before = Json::array();
    for (int k = 0; k < 100; ++k) before.push_back("s" + std::to_string(k));
    steps.push_back({{"id", "s" + std::to_string(i)}, {"activityId", "shape"}, {"dependsOn", before}});
  }
  document["steps"] = steps;
  CHECK_FALSE(validate(document).empty());
}

TEST_CASE("20,000 broken documents are refused or read, and never crash") {
  std::mt19937 random{7};
  const Json sample = test::sample_document();
  std::vector<std::string> places;
  const Json flat = sample.flatten();
  for (const auto& [pointer, value] : flat.items())
    for (Json::json_pointer at{pointer}; !at.empty(); at = at.parent_pointer())
      places.push_back(at.to_string());
  const Json values[] = {nullptr,
                         true,
                         -1,
                         1.5,
                         "",
                         "mini",
                         "1",
                         "\x1b",
                         Json::array(),
                         Json::object(),
                         Json::array({1}),
                         Json::object({{"op", "all"}}),
                         std::string(70'000, 'x'),
                         "shape",
                         "replace",
                         "5%"};
  int valid = 0;
  for (int round = 0; round < 20'000; ++round) {
    Json document = sample;
    for (std::uint32_t change = 0; change <= random() % 3; ++change) {
      const Json::json_pointer at{places[random() % places.size()]};
      if (!document.contains(at)) continue;
      if (random() % 3 == 0 && document[at.parent_pointer()].is_object())
        document[at.parent_pointer()].erase(at.back());
      else
        document[at] = values[random() % std::size(values)];
    }
    const auto checked = check(document);
    if (checked.definition) {
      ++valid;
      const auto again = definition_from_json(to_json(*checked.definition));
      if (!again || !(*again == *checked.definition)) FAIL(document.dump());
    }
  }
  CHECK(valid > 0);
}

TEST_CASE("cron expressions are checked field by field") {
  for (const char* good :
       {"* * * * *", "0 */6 * * *", "0 9-17 * * MON-FRI", "1,2,30-40/2 0 1 jan,DEC 7", "0  2  *  *  *"}) {
    INFO(good);
    CHECK(cron_problem(good) == "");
  }
  for (const char* bad :
       {"", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8",
        "5-1 * * * *", "*/0 * * * *", "a * * * *", "1, * * * *", "@daily", "* * * FOO *", "-1 * * * *"}) {
    INFO(bad);
    CHECK(cron_problem(bad) != "");
  }
}
