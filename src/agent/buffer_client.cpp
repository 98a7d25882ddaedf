#include "agent/buffer_client.hpp"

#include <fmt/format.h>

#include "crypto/hash.hpp"
#include "wire/buffer.hpp"

namespace vmc::agent {
namespace {

constexpr int kTries = 3;
constexpr auto kFirstPause = std::chrono::milliseconds{200};
constexpr auto kRequestTimeout = std::chrono::seconds{60};

std::string chunk_path(std::string_view prefix, std::int64_t index) {
  return fmt::format("{}{}{}", wire::kBufferPath, prefix, index);
}

}  // namespace

BufferClient::BufferClient(asio::io_context& loop, net::Address address, std::shared_ptr<net::TlsContext> tls,
                           Pool& cpu, const Clock& clock)
    : loop_{loop},
      cpu_{cpu},
      clock_{clock},
      http_{net::make_http_client(loop, std::move(address), std::move(tls))} {}

void BufferClient::set_session(SessionKey session) {
  ids_ = {session.tenant, session.connector_id};
  session_ = std::move(session);
  for (auto* waiter : waiting_) waiter->notify();
}

void BufferClient::close() {
  closed_ = true;
  for (auto* waiter : waiting_) waiter->notify();
}

Result<std::pair<std::string, std::string>> BufferClient::tenant_and_connector() const {
  if (ids_.first.empty()) return fail(Code::unavailable, "the agent has not been connected yet");
  return ids_;
}

awaitable<Result<SessionKey>> BufferClient::wait_for_session(Micros expires_at) {
  if (session_) co_return *session_;
  Event back{loop_.get_executor()};
  waiting_.insert(&back);
  while (!session_ && !closed_ && clock_.now() < expires_at && !co_await stopping())
    co_await back.wait_for(Duration{expires_at - clock_.now()});
  waiting_.erase(&back);
  if (session_) co_return *session_;
  if (closed_ || co_await stopping()) co_return fail(Code::cancelled, "the agent is stopping");
  co_return fail(Code::command_expired, "the link did not come back in time");
}

// Makes the request anew for every try: its MAC belongs to the session of the moment.
template <class Make>
awaitable<Result<net::Response>> BufferClient::send(Make make, Micros expires_at) {
  auto pause = std::chrono::duration_cast<Duration>(kFirstPause);
  std::optional<Error> last;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    if (attempt > 0) {
      if (!co_await pause_for(pause)) break;
      pause *= 4;
    }
    VMC_CO_TRY(session, co_await wait_for_session(expires_at));
    auto request = make(session);
    auto response = co_await http_->send(std::move(request), kRequestTimeout);
    if (co_await stopping()) co_return fail(Code::cancelled, "the agent is stopping");
    if (!response) {
      last = response.error();
      continue;
    }
    if (response->status < 300) co_return response;
    last = net::error_from(*response);
    const bool again =
        last->retryable() || last->code == Code::conflict;  // conflict: a newer session exists by now
    if (!again) break;
  }
  co_return last.value_or(fail(Code::cancelled, "the agent is stopping"));
}

awaitable<Result<void>> BufferClient::upload(std::string path, data::ChunkLabel label, Bytes sealed,
                                             Micros expires_at) {
  auto make = [&](const SessionKey& session) {
    label.tenant = session.tenant;
    label.connector = session.connector_id;
    net::Request request;
    request.method = "PUT";
    request.path = chunk_path(path, label.index);
    request.headers = {{wire::kConnectorHeader, session.connector_id},
                       {wire::kSessionHeader, std::to_string(session.epoch)},
                       {wire::kLastHeader, label.last ? "1" : "0"},
                       {wire::kMacHeader, to_hex(data::chunk_mac(session.key, label, sealed))},
                       {"Content-Type", "application/octet-stream"}};
    request.body = sealed;
    return request;
  };
  auto response = co_await send(make, expires_at);
  if (!response) co_return response.error();
  co_return Result<void>{};
}

awaitable<Result<Bytes>> BufferClient::download(wire::Input input, std::string command_id, std::int64_t index,
                                                Micros expires_at) {
  auto make = [&](const SessionKey& session) {
    net::Request request;
    request.method = "GET";
    request.path = chunk_path(input.buffer_key, index);
    const auto text = wire::download_text(request.path, session.connector_id, session.epoch, command_id);
    request.headers = {{wire::kConnectorHeader, session.connector_id},
                       {wire::kSessionHeader, std::to_string(session.epoch)},
                       {wire::kCommandHeader, command_id},
                       {wire::kMacHeader, to_hex(crypto::hmac_sha256(session.key, as_bytes(text)))}};
    return request;
  };
  auto response = co_await send(make, expires_at);
  if (!response) co_return response.error();
  co_return std::move(response->body);
}

}  // namespace vmc::agent
