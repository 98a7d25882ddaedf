// NDJSON in and out, for people's files.
#include "harness.hpp"

#include <filesystem>
#include <fstream>

namespace vmc::script::test {
namespace {

TEST_CASE("lines keep integers, decimals and the order of their keys") {
  Harness harness;
  REQUIRE(harness.load(
      "function transform(row) row.total = row.price * row.qty row.added = true return row end"));
  const auto out = harness.lines(
      "{\"zeta\":9007199254740993,\"price\":12.50,\"qty\":3,\"list\":[],\"o\":{\"b\":1,\"a\":null}}\n"
      "\n"
      "  {\"qty\":2,\"price\":0.1,\"zeta\":null}\r\n");
  REQUIRE(out);
  REQUIRE(out->refused.empty());
  CHECK(out->rows == 2);
  CHECK(out->text ==
        "{\"zeta\":9007199254740993,\"price\":12.50,\"qty\":3,\"list\":[],\"o\":{\"a\":null,\"b\":1},"
        "\"added\":true,\"total\":37.50}\n"
        "{\"qty\":2,\"price\":0.1,\"zeta\":null,\"added\":true,\"total\":0.2}\n");
}

TEST_CASE("bad lines are refused one by one") {
  Harness harness;
  REQUIRE(harness.load("function transform(row) if row.fail then error('told to') end return row end"));
  const auto out =
      harness.lines("{\"a\":1}\n{broken\n[1]\n{\"fail\":true}\n{\"a\":1,\"a\":2}\n\"text\"\n{\"a\":2}");
  REQUIRE(out);
  CHECK(out->text == "{\"a\":1}\n{\"a\":2}\n");
  CHECK(out->rows == 2);
  REQUIRE(out->refused.size() == 5);
  CHECK(out->refused[0].row == 1);
  CHECK_THAT(out->refused[0].reason, Catch::StartsWith("not valid JSON: a key was expected at byte 2"));
  CHECK(out->refused[1].reason == "the line is not a JSON object");
  CHECK(out->refused[2].row == 3);
  CHECK(out->refused[2].reason == "shape:1: told to");
  CHECK_THAT(out->refused[3].reason, Catch::Contains("a key stands twice"));
  CHECK(out->refused[4].row == 5);
}

TEST_CASE("a row of a line may become none or several, and nil removes a key") {
  Harness harness;
  REQUIRE(
      harness.load("function transform(row) if row.n == 0 then return nil end local out = {}\n"
                   "for i = 1, row.n do out[i] = {n = row.n, i = i} end out[1].n = nil return out end"));
  CHECK(harness.lines("{\"n\":0}\n{\"n\":2}\n")->text == "{\"i\":1}\n{\"n\":2,\"i\":2}\n");
}

TEST_CASE("a filter keeps lines as they stand") {
  Harness harness;
  REQUIRE(harness.load("function filter(row) return row.a > 1 end"));
  CHECK(harness.lines("{\"a\": 1.0}\n{ \"b\" : 1e1, \"a\":2 }\n")->text == "{ \"b\" : 1e1, \"a\":2 }\n");
}

TEST_CASE("a set of lines goes through transform_batch") {
  Harness harness;
  REQUIRE(
      harness.load("function transform_batch(rows) table.sort(rows, function(a, b) return a.k > b.k end) "
                   "rows[#rows + 1] = {sum = #rows} return rows end"));
  const auto out = harness.lines("{\"k\":1,\"x\":\"a\"}\nbad\n{\"x\":\"b\",\"k\":2}\n");
  REQUIRE(out);
  CHECK(out->text == "{\"k\":2,\"x\":\"b\"}\n{\"k\":1,\"x\":\"a\"}\n{\"sum\":2}\n");
  REQUIRE(out->refused.size() == 1);
  CHECK(out->refused[0].row == 1);
}

TEST_CASE("lines obey the limits") {
  ScriptLimits limits;
  limits.output_bytes = 1000;
  Harness harness;
  REQUIRE(harness.load("function transform(row) return {x = string.rep('x', 2000)} end", nullptr, limits));
  CHECK(harness.lines("{}\n").error().code == Code::script_limit);
  REQUIRE(harness.load("function transform(row) return row end"));
  CHECK(harness.lines(std::string(65u << 20, ' ')).error().code == Code::invalid_request);
  CHECK(harness.lines("")->text.empty());
}

TEST_CASE("the log comes back with the lines") {
  Harness harness;
  REQUIRE(harness.load("function transform(row) vmc.log('row', row.a, vmc.decimal('1.50')) return row end"));
  const auto out = harness.lines("{\"a\":1}\n");
  REQUIRE(out);
  CHECK(out->log == std::vector<std::string>{"row 1 1.50"});
  CHECK(harness.lines("{\"a\":2}\n")->log.size() == 1);
}

std::string contents(const std::filesystem::path& path) {
  std::ifstream file{path};
  REQUIRE(file);
  return {std::istreambuf_iterator<char>{file}, {}};
}

TEST_CASE("the examples that ship do what their sample output shows") {
  std::size_t examples = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator{std::filesystem::path{VMC_SOURCE_DIR} / "scripts/examples"}) {
    if (entry.path().extension() != ".lua") continue;
    INFO(entry.path());
    ++examples;
    auto path = entry.path();
    Harness harness;
    const auto loaded = harness.load(contents(path));
    if (!loaded) FAIL(loaded.error().text());
    const auto out = harness.lines(contents(path.replace_extension("input.ndjson")));
    REQUIRE(out);
    std::string refused;
    for (const auto& error : out->refused) refused += std::to_string(error.row) + ": " + error.reason + "\n";
    INFO(refused);
    CHECK(out->text == contents(path.replace_extension("").replace_extension("expected.ndjson")));
  }
  CHECK(examples >= 3);
}

}  // namespace
}  // namespace vmc::script::test
