#include "wire/buffer.hpp"
#include "data/seal.hpp"
#include "unit/gateway/fixture.hpp"

namespace vmc {
namespace {

using namespace test;

// An agent with an open command that may put chunks, and another command that needs them.
struct Buffer : Service {
  Agent agent = connect("acme", "HQ");
  wire::Command command = sample_command("cmd_out", "exe_1", now() + micros(1h));
  net::RouteTable table = must(net::RouteTable::make(gateway::buffer_routes(parts)));
  Bytes chunk = crypto::random_bytes(1000);

  Buffer() { enqueue("acme", agent.connector_id, command); }

  std::string prefix() const { return state::buffer_prefix("acme", "exe_1", command.command_id, 1); }
  std::string path(int index) const {
    return std::string{wire::kBufferPath} + prefix() + std::to_string(index);
  }

  net::Response send(net::Request made) {
    auto match = table.find(made.method, split(std::string_view{made.path}.substr(1), '/'));
    made.parameters = match.parameters;
    return finish(match.route->handler(std::move(made)));
  }
  net::Request put_request(const Agent& who, int index, bool last) {
    const auto key = state::session_key(master.view(), who.tenant, who.connector_id, who.epoch);
    const data::ChunkLabel label{
        "acme", who.connector_id, command.command_id, 1, static_cast<std::uint32_t>(index), last};
    net::Request made;
    made.method = "PUT";
    made.path = path(index);
    made.headers = {{wire::kConnectorHeader, who.connector_id},
                    {wire::kSessionHeader, std::to_string(who.epoch)},
                    {wire::kLastHeader, last ? "1" : "0"},
                    {wire::kMacHeader, to_hex(data::chunk_mac(key.view(), label, chunk))}};
    made.body = chunk;
    return made;
  }
  net::Request get_request(const Agent& who, int index, const std::string& reader) {
    const auto key = state::session_key(master.view(), who.tenant, who.connector_id, who.epoch);
    const auto text = wire::download_text(path(index), who.connector_id, who.epoch, reader);
    net::Request made;
    made.method = "GET";
    made.path = path(index);
    made.headers = {{wire::kConnectorHeader, who.connector_id},
                    {wire::kSessionHeader, std::to_string(who.epoch)},
                    {wire::kCommandHeader, reader},
                    {wire::kMacHeader, to_hex(crypto::hmac_sha256(key.view(), as_bytes(text)))}};
    return made;
  }
  std::vector<std::string> stored() { return must(run(objects->list("buffer/" + prefix()))); }
  // A command of `who` that reads what `command` has put.
  std::string reader_of(const Agent& who, const std::string& buffer_key) {
    auto load = sample_command("cmd_in", "exe_1", now() + micros(1h));
    load.operation = wire::Operation::load;
    load.payload.intent.reset();
    load.payload.load = wire::LoadSpec{"orders_copy", wire::LoadMode::insert, {}, {"id"}};
    load.input = wire::Input{buffer_key, 1, Bytes(32, 1), command.command_id, agent.connector_id, 1};
    enqueue(who.tenant, who.connector_id, load);
    return load.command_id;
  }
};

void replace(net::Request& request, const char* header, const std::string& value) {
  for (auto& [name, old] : request.headers)
    if (name == header) old = value;
}

TEST_CASE("a chunk is put by its agent and got by the agent whose command needs it") {
  Buffer s;
  CHECK(s.send(s.put_request(s.agent, 0, true)).status == 204);
  CHECK(s.stored() == std::vector{state::buffer_object(s.prefix(), 0)});
  const auto other = s.connect("acme", "Branch");
  const auto reader = s.reader_of(other, s.prefix());
  const auto got = s.send(s.get_request(other, 0, reader));
  CHECK(got.status == 200);
  CHECK(got.body == s.chunk);
  CHECK(got.header("Content-Type") == "application/octet-stream");
  CHECK(problem_of(s.send(s.get_request(other, 1, reader))) == "NOT_FOUND");
}

TEST_CASE("a chunk with a flipped bit is refused and not stored") {
  Buffer s;
  for (const std::size_t at : {std::size_t{0}, std::size_t{500}, std::size_t{999}}) {
    auto request = s.put_request(s.agent, 0, false);
    request.body[at] ^= 0x10;
    const auto response = s.send(std::move(request));
    CHECK(response.status == 422);
    CHECK(problem_of(response) == "BUFFER_INTEGRITY");
  }
  CHECK(s.stored().empty());
}

TEST_CASE("a MAC of other bytes, another place or another key is refused") {
  Buffer s;
  auto wrong = s.put_request(s.agent, 0, false);
  replace(wrong, wire::kMacHeader, std::string(64, '0'));
  CHECK(problem_of(s.send(wrong)) == "BUFFER_INTEGRITY");
  auto moved = s.put_request(s.agent, 0, false);
  moved.path = s.path(1);
  CHECK(problem_of(s.send(moved)) == "BUFFER_INTEGRITY");
  auto cut_short = s.put_request(s.agent, 0, false);
  replace(cut_short, wire::kLastHeader, "1");
  CHECK(problem_of(s.send(cut_short)) == "BUFFER_INTEGRITY");
  auto guessed = s.agent;
  guessed.epoch += 1;
  auto other_session = s.put_request(guessed, 0, false);
  replace(other_session, wire::kSessionHeader, std::to_string(s.agent.epoch));
  CHECK(problem_of(s.send(other_session)) == "BUFFER_INTEGRITY");
  CHECK(s.stored().empty());
}

TEST_CASE("a session that was replaced can neither put nor get") {
  Buffer s;
  const auto reader = s.reader_of(s.agent, s.prefix());
  const auto old = s.agent;
  s.reconnect(s.agent);
  const auto put = s.send(s.put_request(old, 0, true));
  CHECK(put.status == 409);
  CHECK(problem_of(put) == "CONFLICT");
  CHECK(problem_of(s.send(s.get_request(old, 0, reader))) == "CONFLICT");
  CHECK(s.send(s.put_request(s.agent, 0, true)).status == 204);
}

TEST_CASE("another agent's command takes no chunk, another tenant's neither") {
  Buffer s;
  const auto other = s.connect("acme", "Branch");
  CHECK(problem_of(s.send(s.put_request(other, 0, true))) == "NOT_FOUND");
  auto foreign = s.connect("bolt", "HQ");
  CHECK(problem_of(s.send(s.put_request(foreign, 0, true))) == "BUFFER_INTEGRITY");
  foreign.tenant = "acme";
  CHECK(problem_of(s.send(s.put_request(foreign, 0, true))) == "NOT_FOUND");
  CHECK(s.stored().empty());
}

TEST_CASE("a chunk of another attempt, or of a command that has ended, is refused") {
  Buffer s;
  const auto key = state::session_key(s.master.view(), "acme", s.agent.connector_id, s.agent.epoch);
  const data::ChunkLabel label{"acme", s.agent.connector_id, s.command.command_id, 2, 0, true};
  auto newer = s.put_request(s.agent, 0, true);
  newer.path = std::string{wire::kBufferPath} + state::buffer_prefix("acme", "exe_1", "cmd_out", 2) + "0";
  replace(newer, wire::kMacHeader, to_hex(data::chunk_mac(key.view(), label, s.chunk)));
  CHECK(problem_of(s.send(newer)) == "NOT_FOUND");
  must(s.in("acme", [&](store::Tx& tx) {
    return state::finish_command(tx, s.agent.connector_id, "cmd_out", sample_result(s.command), s.key("acme"),
                                 s.now());
  }));
  CHECK(problem_of(s.send(s.put_request(s.agent, 0, true))) == "NOT_FOUND");
}

TEST_CASE("a chunk is got only for a command that needs it, and with its MAC") {
  Buffer s;
  CHECK(s.send(s.put_request(s.agent, 0, true)).status == 204);
  const auto reader = s.reader_of(s.agent, "acme/exe_1/cmd_other/1/");
  CHECK(problem_of(s.send(s.get_request(s.agent, 0, reader))) == "NOT_FOUND");
  CHECK(problem_of(s.send(s.get_request(s.agent, 0, "cmd_none"))) == "NOT_FOUND");
  auto forged = s.get_request(s.agent, 0, reader);
  replace(forged, wire::kMacHeader, std::string(64, 'f'));
  CHECK(problem_of(s.send(forged)) == "BUFFER_INTEGRITY");
}

TEST_CASE("a malformed chunk request is refused") {
  Buffer s;
  const auto malformed = [&](const char* header, const std::string& value) {
    auto request = s.put_request(s.agent, 0, true);
    replace(request, header, value);
    return problem_of(s.send(std::move(request)));
  };
  CHECK(malformed(wire::kSessionHeader, "-1") == "INVALID_REQUEST");
  CHECK(malformed(wire::kSessionHeader, "1x") == "INVALID_REQUEST");
  CHECK(malformed(wire::kMacHeader, "abc") == "INVALID_REQUEST");
  CHECK(malformed(wire::kConnectorHeader, "a/b") == "INVALID_REQUEST");
  auto empty = s.put_request(s.agent, 0, true);
  empty.body.clear();
  CHECK(problem_of(s.send(empty)) == "INVALID_REQUEST");
  auto below = s.put_request(s.agent, 0, true);
  below.path = std::string{wire::kBufferPath} + state::buffer_prefix("acme", "exe_1", "cmd_out", 1) + "-1";
  CHECK(problem_of(s.send(below)) == "INVALID_REQUEST");
}

}  // namespace
}  // namespace vmc
