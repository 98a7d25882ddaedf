#include "wire/messages.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <set>

#include "crypto/signature.hpp"
#include "samples.hpp"
#include "support/json_schema.hpp"

using namespace vmc;
using namespace vmc::wire;

namespace {

// Every sample of both directions as text, with the function that must read it.
template <class Visit>
void for_each_sample(Visit visit) {
  for (const auto& message : test::agent_samples()) visit(message, &decode_agent_message);
  for (const auto& message : test::gateway_samples()) visit(message, &decode_gateway_message);
}

Json changed(const GatewayMessage& message, const char* pointer, Json value) {
  Json json = Json::parse(encode(message));
  json[Json::json_pointer{pointer}] = std::move(value);
  return json;
}
Json changed(const AgentMessage& message, const char* pointer, Json value) {
  Json json = Json::parse(encode(message));
  json[Json::json_pointer{pointer}] = std::move(value);
  return json;
}

}  // namespace

TEST_CASE("every message survives a round trip") {
  for_each_sample([](const auto& message, auto decode) {
    const auto text = encode(message);
    INFO(text);
    const auto decoded = decode(text);
    if (!decoded) FAIL(decoded.error().text());
    CHECK(*decoded == message);
  });
}

TEST_CASE("samples cover every type of message") {
  std::set<std::size_t> agent, gateway;
  for (const auto& message : test::agent_samples()) agent.insert(message.index());
  for (const auto& message : test::gateway_samples()) gateway.insert(message.index());
  CHECK(agent.size() == agent_message_types().size());
  CHECK(gateway.size() == gateway_message_types().size());
}

TEST_CASE("every encoded message is valid against the schema of its type") {
  test::JsonSchemas schemas{std::string{VMC_SOURCE_DIR} + "/schemas/protocol"};
  for_each_sample([&](const auto& message, auto) {
    const auto text = encode(message);
    const Json json = Json::parse(text);
    INFO(text);
    CHECK(schemas.problems(json, json.at("type").template get<std::string>() + ".json") ==
          std::vector<std::string>{});
  });
}

TEST_CASE("every type of message has a schema and every schema a type") {
  std::set<std::string> types;
  for (auto type : agent_message_types()) types.emplace(type);
  for (auto type : gateway_message_types()) types.emplace(type);
  test::JsonSchemas schemas{std::string{VMC_SOURCE_DIR} + "/schemas/protocol"};
  CHECK(schemas.names() == types);
  for (const auto& type : types) {
    const Json& schema = schemas.document(type + ".json");
    CHECK(schema.at("properties").at("type").at("const") == type);
    CHECK(schema.at("$schema") == "https://json-schema.org/draft/2020-12/schema");
  }
}

TEST_CASE("the schemas notice what the decoder refuses") {
  test::JsonSchemas schemas{std::string{VMC_SOURCE_DIR} + "/schemas/protocol"};
  const GatewayMessage extract{CommandMessage{test::sample_command(Operation::extract)}};
  CHECK_FALSE(schemas.problems(changed(extract, "/operation", "drop"), "command.json").empty());
  CHECK_FALSE(schemas.problems(changed(extract, "/commandId", "../x"), "command.json").empty());
  CHECK_FALSE(schemas.problems(changed(extract, "/dataKey", "AAAA"), "command.json").empty());
  CHECK_FALSE(
      schemas.problems(changed(AgentMessage{Heartbeat{1, "busy", 0}}, "/status", "tired"), "heartbeat.json")
          .empty());
  CHECK_FALSE(
      schemas
          .problems(Json{{"type", "auth"}, {"installationId", "i"}, {"lastEpoch", 0}, {"agentVersion", "1"}},
                    "auth.json")
          .empty());
}

TEST_CASE("unknown fields are ignored") {
  for_each_sample([](const auto& message, auto decode) {
    Json json = Json::parse(encode(message));
    json["fromTheFuture"] = Json::object({{"a", 1}});
    const auto decoded = decode(json.dump());
    REQUIRE(decoded.has_value());
    CHECK(*decoded == message);
  });
}

TEST_CASE("an unknown type is COMMAND_MALFORMED and named") {
  const auto decoded = decode_agent_message(R"({"type":"telepathy"})");
  REQUIRE_FALSE(decoded.has_value());
  CHECK(decoded.error().code == Code::command_malformed);
  CHECK(decoded.error().message.find("'telepathy'") != std::string::npos);
  // A name that is not a plain word is not repeated.
  const auto hostile = decode_gateway_message("{\"type\":\"x\\u001b[31m\"}");
  REQUIRE_FALSE(hostile.has_value());
  CHECK(hostile.error().message.find('\x1b') == std::string::npos);
}

TEST_CASE("a message of the other direction is refused") {
  CHECK_FALSE(decode_agent_message(encode(GatewayMessage{ResultAck{"cmd_1"}})).has_value());
  CHECK_FALSE(decode_gateway_message(encode(AgentMessage{Ready{1}})).has_value());
}

TEST_CASE("malformed messages are COMMAND_MALFORMED, whatever is wrong") {
  const GatewayMessage extract{CommandMessage{test::sample_command(Operation::extract)}};
  const GatewayMessage load{CommandMessage{test::sample_command(Operation::load)}};
  const GatewayMessage digest{CommandMessage{test::sample_command(Operation::digest)}};
  const GatewayMessage split{CommandMessage{test::sample_command(Operation::split)}};
  const GatewayMessage challenge{Challenge{test::filled(32, 1), 1}};
  const AgentMessage login{Auth{"", {}, "abcdefgh", test::filled(64, 9), "ins_1", 41, "0.1.0", ""}};
  const AgentMessage failed{ExecutionError{{"cmd_1", 3, Code::query_timeout, "", true}}};

  const AgentMessage chunked{ExecutionResult{{"cmd_1", "", "", 1, "t/e/c/1/", 2, Json{}, 1, 1}}};

  const std::vector<std::string> from_gateway{
      "",
      "null",
      "[]",
      "{}",
      "{",
      "\xff",
      R"({"type":7})",
      R"({"type":"command"})",
      changed(extract, "/commandId", "").dump(),
      changed(extract, "/commandId", std::string(65, 'a')).dump(),
      changed(extract, "/executionId", "a/b").dump(),
      changed(extract, "/operation", "drop").dump(),
      changed(extract, "/payload", nullptr).dump(),
      changed(extract, "/payload/intent", nullptr).dump(),
      changed(extract, "/payload/intent", "select 1").dump(),
      changed(extract, "/payload/connection", "").dump(),
      changed(extract, "/payload/timeoutMs", 0).dump(),
      changed(extract, "/payload/idempotencyKey", "").dump(),
      changed(extract, "/payload/expiresAt", 0).dump(),
      changed(extract, "/dataKey", nullptr).dump(),
      changed(extract, "/dataKey", to_base64(test::filled(31, 0))).dump(),
      changed(extract, "/upload", "").dump(),
      changed(extract, "/upload", "../other/").dump(),
      changed(extract, "/upload", "/absolute").dump(),
      changed(extract, "/attemptEpoch", -1).dump(),
      changed(extract, "/attemptEpoch", std::uint64_t{1} << 63).dump(),
      changed(extract, "/part", 1.5).dump(),
      changed(load, "/input", nullptr).dump(),
      changed(load, "/input/dataKey", nullptr).dump(),
      changed(load, "/payload/load", nullptr).dump(),
      changed(load, "/payload/load/mode", "truncate").dump(),
      changed(load, "/payload/load/key", Json::array()).dump(),
      changed(load, "/payload/load/columns", Json::array({1})).dump(),
      changed(digest, "/payload/digestSeed", "xyz").dump(),
      changed(digest, "/payload/digestSeed", nullptr).dump(),
      changed(split, "/payload/rowsPerPart", nullptr).dump(),
      changed(challenge, "/nonce", "AAAA").dump(),
      changed(challenge, "/serverTime", -5).dump(),
  };
  for (const auto& text : from_gateway) {
    INFO(text);
    const auto decoded = decode_gateway_message(text);
    REQUIRE_FALSE(decoded.has_value());
    CHECK(decoded.error().code == Code::command_malformed);
  }

  const std::vector<std::string> from_agent{
      changed(login, "/signature", nullptr).dump(),
      changed(login, "/signature", to_base64(test::filled(63, 0))).dump(),
      changed(login, "/keyId", nullptr).dump(),
      changed(login, "/installationId", "").dump(),
      changed(login, "/name", std::string(257, 'x')).dump(),
      changed(login, "/apiKey", "vmc_x").dump(),  // an API key without the public key it enrols
      changed(failed, "/error/code", "NO_SUCH_CODE").dump(),
      changed(failed, "/error", "oops").dump(),
      changed(chunked, "/result/bufferKey", nullptr).dump(),
      changed(chunked, "/result/bufferKey", "a/../../b").dump(),
      changed(chunked, "/result", Json::object()).dump(),
      changed(AgentMessage{Status{"ready", ""}}, "/status", "sleeping").dump(),
      changed(AgentMessage{SchemaDiscovery{"erp", {}, 1}}, "/schema", Json::array()).dump(),
  };
  for (const auto& text : from_agent) {
    INFO(text);
    const auto decoded = decode_agent_message(text);
    REQUIRE_FALSE(decoded.has_value());
    CHECK(decoded.error().code == Code::command_malformed);
  }
}

TEST_CASE("an inline result larger than its limit is refused") {
  CommandResult result{"cmd_1", "", "", 1, "", 0, std::string(kInlineResultMax, 'x'), 1, 1};
  CHECK_FALSE(decode_agent_message(encode(AgentMessage{ExecutionResult{result}})).has_value());
  result.inline_result = std::string(kInlineResultMax - 2, 'x');
  CHECK(decode_agent_message(encode(AgentMessage{ExecutionResult{result}})).has_value());
}

TEST_CASE("text that is too long or no UTF-8 is made to fit before it is sent") {
  const std::string smiles = [] {
    std::string text;
    for (int i = 0; i < 500; ++i) text += "\xf0\x9f\x98\x80";
    return text;
  }();
  const auto cut = decode_agent_message(encode(AgentMessage{Status{"error", smiles}}));
  REQUIRE(cut.has_value());
  CHECK(std::get<Status>(*cut).reason == smiles.substr(0, kTextBytesMax));
  const auto mended = decode_agent_message(encode(AgentMessage{Status{"error", "bad \xff byte"}}));
  REQUIRE(mended.has_value());
  CHECK(std::get<Status>(*mended).reason == "bad ? byte");
}

TEST_CASE("20,000 mutated messages never crash, and what is accepted can be encoded again") {
  std::mt19937 random{20240229};
  std::vector<std::string> agent, gateway;
  for (const auto& message : test::agent_samples()) agent.push_back(encode(message));
  for (const auto& message : test::gateway_samples()) gateway.push_back(encode(message));
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  const std::string_view shards[] = {"null", "-1",      "1e400", "9223372036854775808", "[]", "{}", "\"\"",
                                     "true", "\\u0000", "[[[[["};
  int accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    const bool up = round % 2 == 0;
    const auto& samples = up ? agent : gateway;
    std::string text = samples[below(samples.size())];
    for (std::size_t change = 0; change <= below(4); ++change) {
      const auto at = below(text.size());
      switch (below(5)) {
        case 0:
          text[at] = static_cast<char>(random());
          break;
        case 1:
          text.erase(at, 1 + below(8));
          break;
        case 2:
          text.insert(at, shards[below(std::size(shards))]);
          break;
        case 3:
          text.insert(at, samples[below(samples.size())].substr(0, below(60)));
          break;
        default: {
          const auto colon = text.find(':', at);  // a member gets another value
          const auto end = colon == std::string::npos ? colon : text.find_first_of(",}", colon);
          if (end != std::string::npos)
            text.replace(colon + 1, end - colon - 1, shards[below(std::size(shards))]);
        }
      }
      if (text.empty()) text = "{}";
    }
    if (up) {
      if (const auto decoded = decode_agent_message(text)) {
        ++accepted;
        const auto again = decode_agent_message(encode(*decoded));
        if (!again || !(*again == *decoded)) FAIL(text);
      }
    } else if (const auto decoded = decode_gateway_message(text)) {
      ++accepted;
      const auto again = decode_gateway_message(encode(*decoded));
      if (!again || !(*again == *decoded)) FAIL(text);
    }
  }
  CHECK(accepted > 100);  // the mutations reach behind the parser
}

TEST_CASE("what a device signs differs when any field moves into its neighbour") {
  const auto nonce = test::filled(32, 1);
  const auto text = challenge_text(nonce, "abc", "def", 1);
  CHECK(text != challenge_text(nonce, "abcd", "ef", 1));
  CHECK(text != challenge_text(nonce, "abc", "def", 2));
  CHECK(text != challenge_text(test::filled(32, 2), "abc", "def", 1));
  CHECK(text == challenge_text(nonce, "abc", "def", 1));
}

TEST_CASE("a signed challenge is verified only over the same connection's nonce") {
  const auto keys = crypto::make_key_pair();
  const auto nonce = test::filled(32, 1);
  const auto signature = crypto::sign(keys, challenge_text(nonce, "abcdefgh", "ins_1", 7));
  CHECK(crypto::verify(keys.public_key, challenge_text(nonce, "abcdefgh", "ins_1", 7), signature));
  CHECK_FALSE(crypto::verify(keys.public_key, challenge_text(test::filled(32, 2), "abcdefgh", "ins_1", 7),
                             signature));
}
