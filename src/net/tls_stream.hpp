// TlsStream: TLS over a TCP socket's readiness, on the loop of the socket.
//
// OpenSSL reads from and writes to the socket itself, straight into the caller's buffers: no staging buffers
// a connection, and an idle one costs little more than OpenSSL's own state. At most one read and one write
// at a time. Cancelling an operation leaves the stream fit for close() only. Works for coroutines (the
// awaitable members) and for Beast (async_read_some, async_write_some).
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "core/async.hpp"
#include "net/tls.hpp"

namespace vmc::net {

using tcp = asio::ip::tcp;
using boost::system::error_code;

class TlsStream {
 public:
  using executor_type = asio::any_io_executor;
  enum class Role { client, server };

  struct Transfer {
    error_code error;  // eof: the peer closed properly; connection_reset: it just went away
    std::size_t bytes = 0;
  };

  // Takes a connected socket.
  TlsStream(tcp::socket socket, std::shared_ptr<TlsContext> context, Role role);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  executor_type get_executor() noexcept;
  std::string peer() const;  // the address, without port

  // A client names the host it means: a DNS name (sent as SNI) or an IP address. Empty: nothing is verified
  // but the authority or pin.
  awaitable<error_code> handshake(std::string host = {});
  // Why the handshake failed, for people.
  std::string diagnosis(error_code error) const;

  awaitable<Transfer> read_some(asio::mutable_buffer into);
  awaitable<error_code> write_all(std::array<asio::const_buffer, 2> from);
  // Ready means: a read will make progress (data, end or error). Costs no buffer meanwhile.
  awaitable<error_code> wait_readable();
  // Tells the peer that we are done, then reads what it still sends, so that our last bytes are not lost to
  // a reset; bounded in time. Closes.
  awaitable<void> linger_and_close();
  // Ends everything at once; pending operations complete with operation_aborted. Safe to repeat.
  void close();
  bool is_open() const;
  // Is nothing readable, not even an end? Then a kept-alive connection can be used again.
  bool is_quiet() const;

  // From the given moment on the stream is closed and operations complete with timed_out.
  void limit_read(Duration limit);
  void limit_read_until(Steady::time_point until);
  void limit_write(Duration limit);
  void limit_write_until(Steady::time_point until);
  void lift_limits();
  void lift_write_limit();

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return asio::async_initiate<Token, void(error_code, std::size_t)>(
        [this](auto handler, asio::mutable_buffer into) { start_read(into, std::move(handler)); }, token,
        first_of(buffers));
  }
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return asio::async_initiate<Token, void(error_code, std::size_t)>(
        [this](auto handler, const Gather& from) { start_write(from, std::move(handler)); }, token,
        gather_of(buffers));
  }
  // For WebSocket's end: close notify, half close, and reading until the peer is done; bounded in time.
  template <class Token>
  auto async_linger(Token&& token) {
    return asio::async_initiate<Token, void(error_code)>(
        [this](auto handler) { start_linger(std::move(handler)); }, token);
  }

 private:
  struct State;
  struct WaitOp;
  struct LingerOp;
  using TransferHandler = asio::any_completion_handler<void(error_code, std::size_t)>;
  using LingerHandler = asio::any_completion_handler<void(error_code)>;

  // The first pieces of a buffer sequence; the rest is left for the next write.
  struct Gather {
    static constexpr std::size_t kPieces = 6;
    std::array<asio::const_buffer, kPieces> pieces;
    std::size_t count = 0;
  };

  template <class Buffers>
  static asio::mutable_buffer first_of(const Buffers& buffers) {
    const auto end = asio::buffer_sequence_end(buffers);
    for (auto it = asio::buffer_sequence_begin(buffers); it != end; ++it) {
      const asio::mutable_buffer buffer{*it};
      if (buffer.size() > 0) return buffer;
    }
    return {};
  }
  template <class Buffers>
  static Gather gather_of(const Buffers& buffers) {
    Gather gather;
    const auto end = asio::buffer_sequence_end(buffers);
    for (auto it = asio::buffer_sequence_begin(buffers); it != end && gather.count < Gather::kPieces; ++it) {
      const asio::const_buffer buffer{*it};
      if (buffer.size() > 0) gather.pieces[gather.count++] = buffer;
    }
    return gather;
  }

  void start_read(asio::mutable_buffer into, TransferHandler handler);
  void start_write(const Gather& from, TransferHandler handler);
  void start_linger(LingerHandler handler);

  // Shared with operations that are still queued on the loop when the stream dies.
  std::shared_ptr<State> state_;
};

}  // namespace vmc::net
