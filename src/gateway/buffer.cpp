#include "gateway/buffer.hpp"

#include <charconv>

#include <fmt/format.h>

#include "core/crash_point.hpp"
#include "core/ids.hpp"
#include "data/seal.hpp"
#include "state/commands.hpp"
#include "state/connectors.hpp"
#include "wire/buffer.hpp"
#include "wire/command.hpp"

namespace vmc::gateway {
namespace {

// Who moves which chunk, as the request claims it. Nothing of it is believed before the MAC fits.
struct ChunkRequest {
  std::string tenant, execution, command, connector;
  std::int64_t attempt_epoch = 0, index = 0, session = 0;
  Bytes mac;

  std::string prefix() const { return state::buffer_prefix(tenant, execution, command, attempt_epoch); }
};

bool number(std::string_view text, std::int64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && value >= 0;
}

Result<ChunkRequest> parse(const net::Request& request) {
  ChunkRequest chunk;
  chunk.tenant = request.parameters.at("tenant");
  chunk.execution = request.parameters.at("execution");
  chunk.command = request.parameters.at("command");
  chunk.connector = request.header(wire::kConnectorHeader);
  const auto mac = from_hex(request.header(wire::kMacHeader));
  for (const auto* id : {&chunk.tenant, &chunk.execution, &chunk.command, &chunk.connector})
    if (!is_plain_id(*id))
      return fail(Code::invalid_request, "the path or the connector header is malformed");
  if (!number(request.parameters.at("epoch"), chunk.attempt_epoch) ||
      !number(request.parameters.at("index"), chunk.index) || chunk.index > INT32_MAX ||
      !number(request.header(wire::kSessionHeader), chunk.session) || !mac || mac->size() != 32)
    return fail(Code::invalid_request, "a number or the MAC of the chunk is malformed");
  chunk.mac = *mac;
  return chunk;
}

// The session must be the connector's newest, and the command open.
Result<wire::Command> authorise(store::Tx& tx, const ChunkRequest& chunk, const std::string& command_id,
                                ByteView master_key) {
  VMC_TRY(connector, state::find_connector(tx, chunk.connector));
  if (connector.epoch != chunk.session)
    return fail(Code::conflict, "a newer session of this connector exists", "Reconnect and send it again.");
  if (connector.key_id.empty()) return fail(Code::auth_failed, "the connector is not enrolled");
  VMC_TRY(key, state::tenant_key(tx, master_key));
  VMC_TRY(open, state::find_command(tx, chunk.connector, command_id, key.view()));
  if (open.status != "queued" && open.status != "acked")
    return fail(Code::not_found, "the command is not open any more");
  return std::move(open.command);
}

Error wrong_mac() { return fail(Code::buffer_integrity, "the chunk does not fit its MAC"); }

awaitable<Result<void>> put_chunk(Platform& platform, net::Request& request) {
  VMC_CO_TRY(chunk, parse(request));
  if (request.body.empty()) co_return fail(Code::invalid_request, "the chunk is empty");
  auto check = [&] {
    const auto key =
        state::session_key(platform.master_key.view(), chunk.tenant, chunk.connector, chunk.session);
    const data::ChunkLabel label{chunk.tenant,
                                 chunk.connector,
                                 chunk.command,
                                 chunk.attempt_epoch,
                                 static_cast<std::uint32_t>(chunk.index),
                                 request.header(wire::kLastHeader) == "1"};
    return crypto::equal_constant_time(data::chunk_mac(key.view(), label, request.body), chunk.mac);
  };
  const bool fits = co_await offload(platform.cpu, check);
  if (!fits) co_return wrong_mac();
  auto allowed = [&](store::Tx& tx) -> Result<bool> {
    VMC_TRY(command, authorise(tx, chunk, chunk.command, platform.master_key.view()));
    if (command.attempt_epoch != chunk.attempt_epoch || command.execution_id != chunk.execution)
      return fail(Code::not_found, "the chunk belongs to another attempt of the command");
    return true;
  };
  VMC_CO_CHECK(co_await platform.db.read(chunk.tenant, allowed));
  auto name = state::buffer_object(chunk.prefix(), chunk.index);
  VMC_CO_CHECK(co_await platform.objects.put(std::move(name), std::move(request.body)));
  crash_point("gateway.chunk_stored");
  co_return Result<void>{};
}

awaitable<Result<Bytes>> get_chunk(Platform& platform, net::Request& request) {
  VMC_CO_TRY(chunk, parse(request));
  const auto reader = request.header(wire::kCommandHeader);
  if (!is_plain_id(reader)) co_return fail(Code::invalid_request, "the command header is malformed");
  const auto key =
      state::session_key(platform.master_key.view(), chunk.tenant, chunk.connector, chunk.session);
  const auto text = wire::download_text(request.path, chunk.connector, chunk.session, reader);
  if (!crypto::equal_constant_time(crypto::hmac_sha256(key.view(), as_bytes(text)), chunk.mac))
    co_return wrong_mac();
  auto allowed = [&](store::Tx& tx) -> Result<bool> {
    VMC_TRY(command, authorise(tx, chunk, reader, platform.master_key.view()));
    if (!command.input || command.input->buffer_key != chunk.prefix())
      return fail(Code::not_found, "the command has no use for this chunk");
    return true;
  };
  VMC_CO_CHECK(co_await platform.db.read(chunk.tenant, allowed));
  auto name = state::buffer_object(chunk.prefix(), chunk.index);
  co_return co_await platform.objects.get(std::move(name));
}

constexpr const char* kPattern = "/buffer/v1/{tenant}/{execution}/{command}/{epoch}/{index}";

}  // namespace

std::vector<net::Route> buffer_routes(Platform platform) {
  auto put = [platform](net::Request request) mutable -> awaitable<net::Response> {
    auto stored = co_await put_chunk(platform, request);
    if (!stored) co_return net::Response::problem(stored.error());
    net::Response response;
    response.status = 204;
    co_return response;
  };
  auto get = [platform](net::Request request) mutable -> awaitable<net::Response> {
    auto bytes = co_await get_chunk(platform, request);
    if (!bytes) co_return net::Response::problem(bytes.error());
    net::Response response;
    response.headers.emplace_back("Content-Type", "application/octet-stream");
    response.body = std::move(*bytes);
    co_return response;
  };
  return {{"PUT", kPattern, wire::kChunkBytesMax, put, "Store a sealed chunk"},
          {"GET", kPattern, 0, get, "Fetch a sealed chunk"}};
}

}  // namespace vmc::gateway
