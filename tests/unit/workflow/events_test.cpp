#include "workflow/events.hpp"

#include <catch2/catch.hpp>
#include <set>

using namespace vmc;
using namespace vmc::workflow;

namespace {

std::vector<EventBody> bodies() {
  const data::KeyRange range{
      {"id"}, {data::Value{std::int64_t{1}}}, {data::Value{std::int64_t{9'007'199'254'740'993}}}};
  return {
      Started{"abc", std::vector<data::Value>{data::Value{data::TimestampTz{1'700'000'000'000'001}}}},
      Started{"abc", std::nullopt},
      PartsFixed{"1",
                 {range, {{"id"}, {data::Value{std::int64_t{9}}}, {}}},
                 {data::Value{std::string{"z"}}},
                 120,
                 false},
      PartsFixed{"1", {}, {}, 0, true},
      PartsFixed{"1", {range}, {data::Value{std::int64_t{9}}}, 0, false, true},
      CommandIssued{"cmd_1", "1", 3, Purpose::digest_keys, 4},
      PartExtracted{3, 2, "cmd_1", "t/e/c/2/", 7, 1000, "00ff"},
      PartDiffers{3, 2, "cmd_1", 999, "00fe"},
      PartShaped{3, 2, "cmd_2", "t/e/c2/2/", 5, 1000, 990, 4, 6, "aa", "bb", "cc"},
      PartLoaded{3, 2, "cmd_2", 990, true},
      PartVerified{3, 1, "cmd_3", 990, "bb", true},
      TableSwapped{2, "cmd_5", 990, true},
      TableVerified{1, "cmd_6", 990, "dd", true},
      CommandFailed{"cmd_4", "3", 1, Purpose::load, Code::query_timeout, "30 s were not enough", true, 2},
      PauseRequested{},
      Resumed{},
      CancelRequested{},
      Finished{FinalStatus::failed, Code::script_error, "line 3", Json::object({{"rowsRead", 7}})},
      Finished{FinalStatus::succeeded, std::nullopt, "", Json{}},
  };
}

}  // namespace

TEST_CASE("every event survives a round trip") {
  std::set<std::string_view> types;
  std::int64_t seq = 0;
  for (const auto& body : bodies()) {
    const Event event{++seq, 1'700'000'000'000'000, body};
    const auto text = to_json(event).dump();
    INFO(text);
    const auto again = event_from_json(Json::parse(text));
    if (!again) FAIL(again.error().text());
    CHECK((*again == event));
    types.insert(type_of(event));
  }
  CHECK(types.size() == std::variant_size_v<EventBody>);
}

TEST_CASE("purposes are found by the names they print") {
  for (auto purpose : {Purpose::split, Purpose::extract, Purpose::shape, Purpose::load,
                       Purpose::digest_keys, Purpose::swap, Purpose::digest_table})
    CHECK((purpose_named(to_string(purpose)) == purpose));
  CHECK_FALSE(purpose_named("drop").has_value());
}

TEST_CASE("an event that does not follow its form is refused") {
  for (
      const char* text :
      {"{}", "[]", R"({"seq":1,"time":1,"type":"exploded"})", R"({"seq":1,"time":1,"type":"part_loaded"})",
       R"({"seq":1,"time":1,"type":"parts_fixed","step":"1","parts":[7]})",
       R"({"seq":1,"time":1,"type":"finished","status":"fine"})",
       R"({"seq":1,"time":1,"type":"command_issued","commandId":"c","step":"1","part":0,"purpose":"x","attemptEpoch":1})"}) {
    INFO(text);
    const auto read = event_from_json(Json::parse(text));
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().code == Code::internal);
  }
}
