// Chunks to and from the gateway's buffer, over HTTPS, under the key of the current session.
//
// At most kTries tries each, with backoff; a cut link is waited for until the command's time is over, because
// the session that comes back brings a new key.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "agent/chunk_buffer.hpp"
#include "core/event.hpp"
#include "core/offload.hpp"
#include "net/client.hpp"

namespace vmc::agent {

struct SessionKey {
  std::string tenant, connector_id;
  std::int64_t epoch = 0;
  Bytes key;
};

class BufferClient final : public ChunkBuffer {
 public:
  BufferClient(asio::io_context& loop, net::Address address, std::shared_ptr<net::TlsContext> tls, Pool& cpu,
               const Clock& clock);

  // Who this agent is, as its journal knows from its last session: transfers may wait for the next.
  void set_ids(std::string tenant, std::string connector) { ids_ = {std::move(tenant), std::move(connector)}; }
  void set_session(SessionKey session);  // wakes everyone who waits for the link
  void clear_session() { session_.reset(); }
  // The agent is stopping: nobody waits for a link any more, transfers end with CANCELLED.
  void close();
  // When no transfer is left: drops kept-alive connections, whose timers would hold the loop.
  void disconnect() { http_.reset(); }
  Result<std::pair<std::string, std::string>> tenant_and_connector() const override;
  awaitable<Result<void>> upload(std::string path, data::ChunkLabel label, Bytes sealed,
                                 Micros expires_at) override;
  awaitable<Result<Bytes>> download(wire::Input input, std::string command_id, std::int64_t index,
                                    Micros expires_at) override;

 private:
  awaitable<Result<SessionKey>> wait_for_session(Micros expires_at);
  template <class Make>
  awaitable<Result<net::Response>> send(Make make, Micros expires_at);

  asio::io_context& loop_;
  Pool& cpu_;
  const Clock& clock_;
  std::unique_ptr<net::HttpClient> http_;
  std::optional<SessionKey> session_;
  std::pair<std::string, std::string> ids_;
  bool closed_ = false;
  std::set<Event*> waiting_;  // of coroutines that wait for a session
};

}  // namespace vmc::agent
