#include "net/link.hpp"

#include <deque>
#include <optional>

#include <fmt/format.h>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "net/tls_stream.hpp"
#include "net/websocket.hpp"

namespace vmc::net {

// What Beast calls at the end of a session; found by argument-dependent lookup.
inline void teardown(boost::beast::role_type, TlsStream& stream, error_code& error) {
  stream.close();
  error = {};
}
template <class Handler>
void async_teardown(boost::beast::role_type, TlsStream& stream, Handler&& handler) {
  stream.async_linger(std::forward<Handler>(handler));
}

inline void beast_close_socket(TlsStream& stream) { stream.close(); }

namespace {

namespace websocket = boost::beast::websocket;
namespace http = boost::beast::http;

constexpr Duration kCloseTimeout = std::chrono::seconds{5};
constexpr std::size_t kQueueMessagesMax = 1024;
constexpr std::size_t kQueueBytesMax = 64u << 20;
constexpr std::size_t kReasonMax = 120;                // a control frame holds 125 bytes
constexpr std::size_t kBufferKept = 4096;              // of the receive buffer, between messages
constexpr std::size_t kClientWriteBuffer = 16 * 1024;  // masked and sent in pieces of one TLS record

using Socket = websocket::stream<TlsStream&, false>;  // false: no permessage-deflate

// A sender waits here until its message is out.
struct Receipt {
  explicit Receipt(const asio::any_io_executor& loop)
      : changed{loop, asio::steady_timer::time_point::max()} {}
  asio::steady_timer changed;
  bool done = false;
  std::optional<Error> error;
};

struct Outgoing {
  std::string message;
  std::shared_ptr<Receipt> receipt;  // shared: either of sender and queue may go first
};

// Everything the operations in flight touch; they share it, so that a Link can be dropped at any time.
struct Wire {
  Wire(std::unique_ptr<TlsStream> tls_stream, LinkLimits link_limits)
      : stream{std::move(tls_stream)},
        socket{*stream},
        limits{link_limits},
        arrived{stream->get_executor()},
        closed{stream->get_executor()},
        peer{stream->peer()} {
    socket.read_message_max(limits.message_bytes);
    socket.auto_fragment(false);
    socket.write_buffer_bytes(kClientWriteBuffer);
  }

  std::unique_ptr<TlsStream> stream;
  Socket socket;
  LinkLimits limits;

  boost::beast::flat_buffer buffer;
  asio::steady_timer arrived;
  bool reading = false;
  bool receiving = false;
  std::optional<Result<std::string>> inbox;  // read, but not yet received
  std::optional<Error> ended;

  std::deque<Outgoing> queue;
  std::size_t queue_bytes = 0;
  bool writing = false;

  asio::steady_timer closed;
  bool closing = false;
  std::string peer;
};

using Shared = std::shared_ptr<Wire>;

void finish_receipt(Outgoing& outgoing, const std::optional<Error>& error) {
  outgoing.receipt->done = true;
  outgoing.receipt->error = error;
  outgoing.receipt->changed.cancel();
}

// The connection is over: everybody who waits hears why.
void end(Wire& wire, Error why) {
  if (wire.ended) return;
  wire.ended = std::move(why);
  wire.stream->close();
  wire.arrived.cancel();
  wire.closed.cancel();
  // The front message may be in the hands of a write, whose completion removes it.
  for (std::size_t i = wire.writing ? 1 : 0; i < wire.queue.size(); ++i)
    finish_receipt(wire.queue[i], wire.ended);
  wire.queue.resize(wire.writing ? 1 : 0);
}

Error read_failure(Wire& wire, error_code error) {
  if (error == websocket::error::message_too_big || error == websocket::error::buffer_overflow)
    return fail(Code::command_malformed,
                fmt::format("the message is longer than {} bytes", wire.socket.read_message_max()));
  if (error == websocket::error::closed) {
    const auto& reason = wire.socket.reason();
    return fail(Code::unavailable,
                fmt::format("the peer closed the link (code {}{}{})", unsigned{reason.code},
                            reason.reason.empty() ? "" : ": ", std::string{reason.reason.c_str()}));
  }
  if (error == websocket::condition::protocol_violation)
    return fail(Code::command_malformed, "the peer violates the WebSocket protocol: " + error.message());
  if (error == asio::error::eof || error == asio::error::connection_reset)
    return fail(Code::unavailable, "the connection to the peer ended");
  return fail(Code::unavailable, "the connection failed: " + error.message());
}

// Starts the closing handshake; its end wakes whoever waits in close().
void start_close(const Shared& wire, std::uint16_t code, std::string_view reason) {
  if (wire->closing || wire->ended) return;
  wire->closing = true;
  wire->stream->limit_read(kCloseTimeout);
  wire->stream->limit_write(kCloseTimeout);
  const websocket::close_reason why{static_cast<websocket::close_code>(code), reason.substr(0, kReasonMax)};
  wire->socket.async_close(
      why, [wire](error_code) { end(*wire, fail(Code::unavailable, "the link was closed")); });
}

void on_message(const Shared& wire, error_code error) {
  wire->reading = false;
  if (error) {
    wire->inbox = read_failure(*wire, error);
    end(*wire, wire->inbox->error());
    return;
  }
  if (wire->socket.got_text()) {
    const auto data = wire->buffer.cdata();
    wire->inbox = std::string{static_cast<const char*>(data.data()), data.size()};
  } else {
    wire->inbox = fail(Code::command_malformed, "a binary message; only text is spoken here");
    start_close(wire, websocket::close_code::unknown_data, "text only");
  }
  wire->buffer.consume(wire->buffer.size());
  if (wire->buffer.capacity() > kBufferKept) wire->buffer.shrink_to_fit();
  wire->arrived.cancel();
}

void start_read(const Shared& wire) {
  if (wire->reading || wire->inbox || wire->ended || wire->closing) return;
  wire->reading = true;
  wire->socket.async_read(wire->buffer, [wire](error_code error, std::size_t) { on_message(wire, error); });
}

void start_write(const Shared& wire);

void on_written(const Shared& wire, error_code error) {
  wire->writing = false;
  if (!wire->closing) wire->stream->lift_write_limit();
  Outgoing sent = std::move(wire->queue.front());
  wire->queue.pop_front();
  wire->queue_bytes -= sent.message.size();
  if (error && !wire->ended) {
    const bool slow = error == asio::error::timed_out;
    end(*wire, fail(Code::unavailable, slow ? "the peer took nothing for too long"
                                            : "the message could not be sent: " + error.message()));
  }
  finish_receipt(sent, error ? wire->ended : std::optional<Error>{});
  start_write(wire);
}

void start_write(const Shared& wire) {
  if (wire->writing || wire->queue.empty() || wire->ended || wire->closing) return;
  wire->writing = true;
  wire->stream->limit_write(wire->limits.write_timeout);
  wire->socket.async_write(asio::buffer(wire->queue.front().message),
                           [wire](error_code error, std::size_t) { on_written(wire, error); });
}

class WebSocketLink final : public Link {
 public:
  explicit WebSocketLink(Shared wire) : wire_{std::move(wire)} {}
  ~WebSocketLink() override { abort(); }

  awaitable<Result<std::string>> receive(Duration limit) override {
    const Shared wire = wire_;
    if (wire->receiving) co_return fail(Code::internal, "two receivers on one link");
    wire->receiving = true;
    const struct Done {
      Wire& w;
      ~Done() { w.receiving = false; }
    } done{*wire};
    const auto deadline = Steady::now() + limit;
    for (;;) {
      start_read(wire);
      if (wire->inbox) {
        Result<std::string> message = std::move(*wire->inbox);
        wire->inbox.reset();
        co_return message;
      }
      if (wire->ended) co_return *wire->ended;
      if (wire->closing) co_return fail(Code::unavailable, "the link is closing");
      if (Steady::now() >= deadline)
        co_return fail(Code::unavailable,
                       fmt::format("no message for {} s", std::chrono::duration<double>(limit).count()));
      wire->arrived.expires_at(deadline);
      co_await wire->arrived.async_wait(as_tuple_awaitable);
      if (wire->inbox) continue;
      const auto state = co_await asio::this_coro::cancellation_state;
      if (state.cancelled() != asio::cancellation_type::none)
        co_return fail(Code::cancelled, "receiving was cancelled");
    }
  }

  awaitable<Result<void>> send(std::string message) override {
    const Shared wire = wire_;
    if (wire->ended) co_return *wire->ended;
    if (wire->closing) co_return fail(Code::unavailable, "the link is closing");
    if (wire->queue.size() >= kQueueMessagesMax ||
        (!wire->queue.empty() && wire->queue_bytes + message.size() > kQueueBytesMax))
      co_return fail(Code::queue_full, "too many messages wait to be sent on this link");
    const auto receipt = std::make_shared<Receipt>(wire->stream->get_executor());
    wire->queue_bytes += message.size();
    wire->queue.push_back(Outgoing{std::move(message), receipt});
    start_write(wire);
    while (!receipt->done) {
      co_await receipt->changed.async_wait(as_tuple_awaitable);
      if (receipt->done) break;
      const auto state = co_await asio::this_coro::cancellation_state;
      if (state.cancelled() != asio::cancellation_type::none)
        co_return fail(Code::cancelled, "sending was cancelled");  // the message still leaves
    }
    if (receipt->error) co_return *receipt->error;
    co_return Result<void>{};
  }

  awaitable<void> close(std::uint16_t code, std::string reason) override {
    const Shared wire = wire_;
    start_close(wire, code, reason);
    if (wire->ended) co_return;
    wire->closed.expires_after(kCloseTimeout);
    co_await wire->closed.async_wait(as_tuple_awaitable);
    end(*wire, fail(Code::unavailable, "the link was closed"));
  }

  void abort() override { end(*wire_, fail(Code::unavailable, "the link was ended")); }
  void set_message_limit(std::size_t bytes) override { wire_->socket.read_message_max(bytes); }
  std::string peer() const override { return wire_->peer; }

 private:
  Shared wire_;  // shared with the operations in flight, see Wire
};

std::unique_ptr<Link> make_link(const Shared& wire) {
  wire->stream->lift_limits();
  wire->socket.text(true);
  return std::make_unique<WebSocketLink>(wire);
}

}  // namespace

awaitable<Result<std::unique_ptr<Link>>> accept_link(std::unique_ptr<TlsStream> stream,
                                                     UpgradeRequest request, std::string subprotocol,
                                                     LinkLimits limits, Steady::time_point deadline) {
  const auto wire = std::make_shared<Wire>(std::move(stream), limits);
  wire->stream->limit_read_until(deadline);
  wire->stream->limit_write_until(deadline);
  http::request<http::empty_body> head{http::verb::get, request.target, 11};
  for (const auto& [name, value] : request.headers) head.insert(name, value);
  auto decorate = [&subprotocol](websocket::response_type& response) {
    if (response.result() == http::status::switching_protocols)
      response.set(http::field::sec_websocket_protocol, subprotocol);
  };
  wire->socket.set_option(websocket::stream_base::decorator{decorate});
  const auto [error] = co_await wire->socket.async_accept(head, as_tuple_awaitable);
  if (error) co_return fail(Code::unavailable, "the WebSocket handshake failed: " + error.message());
  co_return make_link(wire);
}

awaitable<Result<std::unique_ptr<Link>>> open_link(std::unique_ptr<TlsStream> stream, std::string host,
                                                   std::string target, std::string subprotocol,
                                                   LinkLimits limits, Steady::time_point deadline) {
  const auto wire = std::make_shared<Wire>(std::move(stream), limits);
  wire->stream->limit_read_until(deadline);
  wire->stream->limit_write_until(deadline);
  auto decorate = [&subprotocol](websocket::request_type& request) {
    request.set(http::field::sec_websocket_protocol, subprotocol);
    request.set(http::field::user_agent, "vmc");
  };
  wire->socket.set_option(websocket::stream_base::decorator{decorate});
  websocket::response_type response;
  const auto [error] = co_await wire->socket.async_handshake(response, host, target, as_tuple_awaitable);
  if (error == websocket::error::upgrade_declined)
    co_return fail(Code::unavailable,
                   fmt::format("{} refused the upgrade of {} to a WebSocket: HTTP {}", host, target,
                               response.result_int()),
                   "Check the path of the address, and that it is a vmc gateway.");
  if (error == asio::error::timed_out)
    co_return fail(Code::unavailable, fmt::format("{} did not answer the WebSocket upgrade in time", host));
  if (error == asio::error::operation_aborted) co_return fail(Code::cancelled, "connecting was cancelled");
  if (error)
    co_return fail(Code::unavailable,
                   fmt::format("the WebSocket upgrade at {} failed: {}", host, error.message()));
  if (response[http::field::sec_websocket_protocol] != subprotocol)
    co_return fail(Code::unavailable, fmt::format("{} does not speak {}", host, subprotocol),
                   "Check that it is a vmc gateway of a fitting version.");
  co_return make_link(wire);
}

}  // namespace vmc::net
