#include <catch2/catch.hpp>

#include "core/json.hpp"
#include "support/show_result.hpp"

using namespace vmc;

TEST_CASE("JSON within the limits is parsed") {
  const auto json = parse_json(R"({"a":[1,{"b":"]]]]\"["}]})");
  REQUIRE(json);
  CHECK((*json)["a"][1]["b"] == "]]]]\"[");
}

TEST_CASE("a depth bomb is refused before it is parsed") {
  CHECK(parse_json(std::string(64, '[') + std::string(64, ']')));
  const auto deep = parse_json(std::string(65, '[') + std::string(65, ']'));
  REQUIRE_FALSE(deep);
  CHECK(deep.error().code == Code::invalid_request);
  CHECK_FALSE(parse_json(std::string(1'000'000, '[')));
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += R"({"a":)";
  CHECK_FALSE(parse_json(objects));
}

TEST_CASE("brackets inside strings do not count as depth") {
  CHECK(parse_json("\"" + std::string(1000, '[') + "\""));
  CHECK(parse_json(R"(["\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["])"));
}

TEST_CASE("too much text and text that is not JSON are refused without repeating it") {
  CHECK_FALSE(parse_json("[1,2,3]", 6));
  for (const auto* text : {"", "{", "{\"secret\":hunter2}", "nul", "[1,]", "\xff", "{} {}"}) {
    CAPTURE(text);
    const auto json = parse_json(text);
    REQUIRE_FALSE(json);
    CHECK(json.error().message.find("hunter2") == std::string::npos);
  }
}

TEST_CASE("a reader yields what is there and keeps its first complaint") {
  const Json json = {{"name", "x"},        {"n", 5},        {"flag", true}, {"o", Json::object()},
                     {"l", Json::array()}, {"nil", nullptr}};
  JsonReader reader{json};

  CHECK(reader.str("name") == "x");
  CHECK(reader.str_or("absent", "d") == "d");
  CHECK(reader.integer("n") == 5);
  CHECK(reader.integer_or("absent", 7) == 7);
  CHECK(reader.boolean_or("flag", false));
  CHECK(reader.object("o") != nullptr);
  CHECK(reader.array("l") != nullptr);
  CHECK(reader.object_or_null("nil") == nullptr);
  CHECK(reader.finish());
  CHECK(reader.finish_strict());
}

TEST_CASE("a reader refuses wrong types, missing and empty values by name") {
  const Json json = {{"s", 1}, {"n", 1.5}, {"e", ""}};
  const auto message = [&](auto read) {
    JsonReader reader{json, "body"};
    read(reader);
    const auto result = reader.finish();
    REQUIRE_FALSE(result);
    CHECK(result.error().code == Code::command_malformed);
    return result.error().message;
  };
  CHECK(message([](JsonReader& r) { r.str("s"); }) == "'body.s' must be a string");
  CHECK(message([](JsonReader& r) { r.integer("n"); }) == "'body.n' must be a whole number");
  CHECK(message([](JsonReader& r) { r.str("e"); }) == "'body.e' must not be empty");
  CHECK(message([](JsonReader& r) { r.array("gone"); }) == "'body.gone' is missing");
  CHECK(message([](JsonReader& r) { r.str("gone"), r.str("s"); }) == "'body.gone' is missing");
}

TEST_CASE("a strict reader refuses fields that nobody read") {
  const Json json = {{"a", "1"}, {"typo", 1}};
  JsonReader reader{json};
  reader.str("a");
  CHECK(reader.finish());
  const auto strict = reader.finish_strict();
  REQUIRE_FALSE(strict);
  CHECK(strict.error().message == "'typo' is not known here");
}

TEST_CASE("a reader over something that is no object complains and yields defaults") {
  const Json json = Json::array({1});
  JsonReader reader{json};
  CHECK(reader.str("a").empty());
  CHECK_FALSE(reader.finish());
  CHECK_FALSE(reader.finish_strict());
}
