#include "workflow/definition.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "samples.hpp"
#include "support/json_schema.hpp"
#include "workflow/chain.hpp"

using namespace vmc;
using namespace vmc::workflow;

TEST_CASE("a workflow document is read into its activities and steps") {
  const auto read = definition_from_json(test::sample_document());
  if (!read) FAIL(read.error().message);
  const Definition& definition = *read;
  CHECK(definition.name == "CRM to analytics");
  CHECK(definition.schedule == "0 */6 * * *");
  CHECK(definition.timezone == "Asia/Kolkata");

  const auto chain = chain_of(definition);
  REQUIRE(chain.has_value());
  CHECK(chain->extract.step->id == "1");
  CHECK(chain->extract.activity->connector == "HQ SAP");
  CHECK(chain->extract.activity->aggregator == "erp");
  CHECK(chain->transforms.size() == 1);
  CHECK(chain->load.step->id == "3");

  const auto& extract = chain->extract_params();
  CHECK(extract.columns == std::vector<std::string>{"id", "amount"});
  CHECK(extract.mode == ExtractMode::incremental);
  CHECK(extract.cursor == "updated_at");
  CHECK(extract.overlap == std::chrono::minutes{10});
  CHECK(extract.rows_per_part == 1000);
  REQUIRE(extract.where.has_value());
  CHECK(extract.where->column == "amount");
  CHECK(chain->load_params().mode == LoadMode::upsert);
  CHECK(chain->load_params().conflict_key == std::vector<std::string>{"id"});
}

TEST_CASE("a definition survives a round trip") {
  const auto definition = test::sample_definition();
  const auto again = definition_from_json(to_json(definition));
  REQUIRE(again.has_value());
  CHECK((*again == definition));
  CHECK(hash(*again) == hash(definition));
  CHECK(hash(definition).size() == 64);
}

TEST_CASE("the hash does not depend on how a definition was spelled") {
  const auto sample = test::sample_document();
  const auto hash_of = [](const Json& document) { return hash(*definition_from_json(document)); };
  const auto plain = test::without(test::without(sample, "/activities/0/params/overlap"),
                                   "/activities/0/params/rowsPerPart");
  auto spelled = test::with(plain, "/activities/0/params/overlap", "300s");
  spelled = test::with(spelled, "/activities/0/params/rowsPerPart", 50'000);
  spelled = test::with(spelled, "/activities/2/params/conflictKey", Json::array({"id"}));
  spelled = test::with(spelled, "/activities/1/params", Json::object());
  CHECK(hash_of(plain) == hash_of(spelled));
  CHECK(hash_of(plain) != hash_of(sample));
}

TEST_CASE("an overlap is a duration or a number of values") {
  const auto read = [](Json overlap) {
    const auto document = test::with(test::sample_document(), "/activities/0/params/overlap", std::move(overlap));
    const auto definition = definition_from_json(document);
    REQUIRE(definition.has_value());
    const auto again = definition_from_json(to_json(*definition));
    REQUIRE(again.has_value());
    CHECK((*again == *definition));
    return std::get<ExtractParams>(definition->activities[0].params);
  };
  CHECK(read("90s").overlap == std::chrono::seconds{90});
  CHECK(read(500).overlap_values == 500);
  CHECK(read(500).overlap == ExtractParams{}.overlap);
}

TEST_CASE("the hash depends on everything that is said") {
  const auto sample = test::sample_document();
  const auto before = hash(test::sample_definition());
  const std::pair<const char*, Json> changes[] = {
      {"/name", "other"},
      {"/schedule", "1 * * * *"},
      {"/timezone", "Europe/Berlin"},
      {"/activities/0/connector", "mini"},
      {"/activities/0/params/table", "other"},
      {"/activities/0/params/where/value", 11},
      {"/activities/0/params/overlap", "11m"},
      {"/activities/0/params/overlap", 500},
      {"/activities/1/function", "function transform(row) end"},
      {"/activities/2/params/conflictKey", Json::array({"id", "amount"})},
      {"/activities/2/params/maxRefused", 0},
      {"/steps/2/dependsOn", Json::array({"2"})},
  };
  for (const auto& [pointer, value] : changes) {
    INFO(pointer);
    const auto changed = definition_from_json(test::with(sample, pointer, value));
    REQUIRE(changed.has_value());
    CHECK(hash(*changed) != before);
  }
}

TEST_CASE("how many rows may be refused is a number, a share, or the default") {
  const auto allowed = [&](const Json& document, std::int64_t rows) {
    const auto definition = *definition_from_json(document);
    const auto chain = *chain_of(definition);
    return refused_limit(chain).allowed_of(rows);
  };
  const auto sample = test::sample_document();
  CHECK(allowed(sample, 50) == 1000);
  CHECK(allowed(sample, 1'000'000) == 10'000);
  CHECK(allowed(test::with(sample, "/activities/2/params/maxRefused", 0), 1'000'000) == 0);
  CHECK(allowed(test::with(sample, "/activities/2/params/maxRefused", "5%"), 1000) == 50);
  CHECK(allowed(test::with(sample, "/activities/1/params", Json::object({{"maxRefused", 7}})), 1'000'000) ==
        7);
  const auto both = test::with(test::with(sample, "/activities/1/params", Json::object({{"maxRefused", 7}})),
                               "/activities/2/params/maxRefused", 3);
  CHECK(allowed(both, 0) == 3);
  const auto share = *definition_from_json(test::with(sample, "/activities/2/params/maxRefused", "2.5%"));
  CHECK((*definition_from_json(to_json(share)) == share));
}

TEST_CASE("the example workflows are valid, by the reader and by the schema") {
  test::JsonSchemas schemas{std::string{VMC_SOURCE_DIR} + "/schemas"};
  int seen = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator{std::string{VMC_SOURCE_DIR} + "/conf/examples"}) {
    if (entry.path().extension() != ".json") continue;
    INFO(entry.path());
    std::ifstream in{entry.path()};
    const Json document = Json::parse(in);
    const auto read = definition_from_json(document);
    if (!read) FAIL(read.error().message);
    CHECK(schemas.problems(document, "workflow.json") == std::vector<std::string>{});
    CHECK(schemas.problems(to_json(*read), "workflow.json") == std::vector<std::string>{});
    ++seen;
  }
  CHECK(seen >= 3);
}

TEST_CASE("the schema of workflows refuses what the reader refuses") {
  test::JsonSchemas schemas{std::string{VMC_SOURCE_DIR} + "/schemas"};
  const auto sample = test::sample_document();
  CHECK(schemas.problems(sample, "workflow.json") == std::vector<std::string>{});
  const Json broken[] = {
      test::without(sample, "/name"),
      test::with(sample, "/nmae", 1),
      test::with(sample, "/activities/0/type", "join"),
      test::with(sample, "/activities/0/params/tabel", "x"),
      test::with(sample, "/activities/0/params/rowsPerPart", 0),
      test::with(sample, "/activities/1/script", "both"),
      test::with(sample, "/activities/2/params/mode", "merge"),
      test::without(sample, "/activities/2/params/conflictKey"),
      test::with(sample, "/activities/2/connector", ""),
      test::with(sample, "/steps/0/id", "a b"),
      test::with(sample, "/steps", Json::array()),
  };
  for (const auto& document : broken) {
    INFO(document.dump(1));
    CHECK_FALSE(definition_from_json(document).has_value());
    CHECK_FALSE(schemas.problems(document, "workflow.json").empty());
  }
}
