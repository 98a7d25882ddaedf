#include "net/tls_stream.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <string_view>

#include <fmt/format.h>

#include "net/socket_bio.hpp"

namespace vmc::net {
namespace {

constexpr std::size_t kRecordBytes = 16 * 1024;   // the largest TLS record
constexpr std::size_t kTurnBytes = 256 * 1024;    // moved in one go before others get their turn
constexpr std::size_t kLingerBytesMax = 4 << 20;  // read and dropped after our end
constexpr Duration kLingerTime = std::chrono::seconds{2};

// For a browser that was given http:// by mistake.
constexpr std::string_view kPlainAnswer =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: 34\r\n\r\n"
    "This port speaks HTTPS (TLS 1.3).\n";

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"  // Boost's category has a protected one by design
class TlsCategory final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "tls"; }
  std::string message(int value) const override {
    const char* reason = ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, value));
    return reason != nullptr ? reason : fmt::format("TLS error {}", value);
  }
};

#pragma GCC diagnostic pop

const TlsCategory& tls_category() {
  static const TlsCategory category;
  return category;
}

enum class Need { nothing, readable, writable };

struct Progress {
  std::size_t bytes = 0;
  Need need = Need::nothing;
  error_code error;
};

struct FreeSsl {
  void operator()(SSL* p) const { SSL_free(p); }
};

}  // namespace

struct TlsStream::State {
  State(tcp::socket connected, std::shared_ptr<TlsContext> policy)
      : context{std::move(policy)}, socket{std::move(connected)}, timer{socket.get_executor()} {}

  std::shared_ptr<TlsContext> context;
  tcp::socket socket;
  int descriptor = -1;  // what the BIO uses; -1 once closed
  std::unique_ptr<SSL, FreeSsl> ssl;
  std::string refusal;  // why the peer's certificate was refused

  asio::steady_timer timer;
  Steady::time_point read_until = Steady::time_point::max();
  Steady::time_point write_until = Steady::time_point::max();
  Steady::time_point armed_for = Steady::time_point::max();
  bool expired = false;

  asio::mutable_buffer reading;
  Gather writing;
  unsigned turns = 0;  // reads and writes done without going through the loop

  // What an SSL call that returned `result` says.
  Progress judge(int result);
  Progress read(asio::mutable_buffer into);
  Progress write(const Gather& from);
  void close() {
    descriptor = -1;
    error_code ignored;
    socket.close(ignored);
    timer.cancel();
  }
  error_code outcome(error_code error) const { return expired ? error_code{asio::error::timed_out} : error; }

  static void arm(const std::shared_ptr<State>& state);
};

Progress TlsStream::State::judge(int result) {
  const int saved_errno = errno;
  switch (SSL_get_error(ssl.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return {0, Need::readable, {}};
    case SSL_ERROR_WANT_WRITE:
      return {0, Need::writable, {}};
    case SSL_ERROR_ZERO_RETURN:
      return {0, Need::nothing, asio::error::eof};
    case SSL_ERROR_SYSCALL: {
      if (descriptor < 0) return {0, Need::nothing, asio::error::operation_aborted};
      if (saved_errno == 0) return {0, Need::nothing, asio::error::connection_reset};
      return {0, Need::nothing, error_code{saved_errno, boost::system::system_category()}};
    }
    default:
      break;
  }
  const auto error = ERR_peek_last_error();
  ERR_clear_error();
  const int reason = ERR_GET_REASON(error);
  if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) return {0, Need::nothing, asio::error::connection_reset};
  return {0, Need::nothing, error_code{reason == 0 ? SSL_R_SSL_HANDSHAKE_FAILURE : reason, tls_category()}};
}

Progress TlsStream::State::read(asio::mutable_buffer into) {
  std::size_t total = 0;
  const std::size_t wanted = std::min(into.size(), kTurnBytes);
  while (total < wanted) {
    ERR_clear_error();
    errno = 0;
    std::size_t got = 0;
    const int result = SSL_read_ex(ssl.get(), static_cast<char*>(into.data()) + total, wanted - total, &got);
    if (result != 1) {
      if (total > 0) break;  // an error shows again at the next read
      return judge(result);
    }
    total += got;
    // A small answer is complete more often than not: do not ask the kernel for more just to hear "nothing".
    if (got < kRecordBytes && SSL_has_pending(ssl.get()) == 0) break;
  }
  return {total, Need::nothing, {}};
}

Progress TlsStream::State::write(const Gather& from) {
  // Small pieces (a frame header and its payload) go into one record. The gathered copy may differ between
  // retries of one record: OpenSSL has encrypted it by then and only wants the same length or more.
  static thread_local std::array<char, kRecordBytes> staged;
  std::size_t total = 0;
  std::size_t piece = 0;
  std::size_t offset = 0;
  while (piece < from.count && total < kTurnBytes) {
    const char* data = static_cast<const char*>(from.pieces[piece].data()) + offset;
    std::size_t size = from.pieces[piece].size() - offset;
    if (size < kRecordBytes && piece + 1 < from.count) {
      size = 0;
      for (std::size_t p = piece, start = offset; p < from.count && size < kRecordBytes; ++p, start = 0) {
        const std::size_t part = std::min(from.pieces[p].size() - start, kRecordBytes - size);
        std::memcpy(staged.data() + size, static_cast<const char*>(from.pieces[p].data()) + start, part);
        size += part;
      }
      data = staged.data();
    }
    ERR_clear_error();
    errno = 0;
    std::size_t sent = 0;
    const int result = SSL_write_ex(ssl.get(), data, size, &sent);
    if (result != 1) {
      if (total > 0) break;
      return judge(result);
    }
    total += sent;
    for (offset += sent; piece < from.count && offset >= from.pieces[piece].size(); ++piece)
      offset -= from.pieces[piece].size();
  }
  return {total, Need::nothing, {}};
}

// One timer serves both limits. It is not moved for each operation: when it fires too early it looks again.
void TlsStream::State::arm(const std::shared_ptr<State>& state) {
  const auto next = std::min(state->read_until, state->write_until);
  if (next >= state->armed_for || state->descriptor < 0) return;
  state->armed_for = next;
  state->timer.expires_at(next);
  state->timer.async_wait([weak = std::weak_ptr<State>{state}](error_code error) {
    const auto alive = weak.lock();
    if (error || !alive) return;
    alive->armed_for = Steady::time_point::max();
    if (std::min(alive->read_until, alive->write_until) <= Steady::now()) {
      alive->expired = true;
      alive->close();
    } else {
      arm(alive);
    }
  });
}

// Waits for the socket, then tries again. Holds the caller's handler and answers to its cancellation.
struct TlsStream::WaitOp {
  std::shared_ptr<State> state;
  TransferHandler handler;
  bool write;

  using cancellation_slot_type = asio::cancellation_slot;
  cancellation_slot_type get_cancellation_slot() const noexcept { return handler.get_cancellation_slot(); }

  static void run(std::shared_ptr<State> state, TransferHandler handler, bool write, bool inside_loop) {
    const Progress progress = write ? state->write(state->writing) : state->read(state->reading);
    if (progress.need == Need::nothing) {
      const error_code error = state->outcome(progress.error);
      if (inside_loop) return std::move(handler)(error, progress.bytes);
      asio::post(state->socket.get_executor(),
                 [handler = std::move(handler), error, n = progress.bytes]() mutable {
                   std::move(handler)(error, n);
                 });
      return;
    }
    const auto wait = progress.need == Need::readable ? tcp::socket::wait_read : tcp::socket::wait_write;
    auto& socket = state->socket;
    socket.async_wait(wait, WaitOp{std::move(state), std::move(handler), write});
  }

  void operator()(error_code error) {
    if (error) return std::move(handler)(state->outcome(error), 0);
    run(std::move(state), std::move(handler), write, true);
  }
};

// Reads and drops until the peer has ended too.
struct TlsStream::LingerOp {
  std::shared_ptr<State> state;
  LingerHandler handler;
  std::size_t dropped = 0;

  using cancellation_slot_type = asio::cancellation_slot;
  cancellation_slot_type get_cancellation_slot() const noexcept { return handler.get_cancellation_slot(); }

  void operator()(error_code error) {
    static thread_local std::array<char, kRecordBytes> scrap;
    while (!error && state->descriptor >= 0 && dropped < kLingerBytesMax) {
      const auto got = recv(state->descriptor, scrap.data(), scrap.size(), 0);
      if (got > 0) {
        dropped += static_cast<std::size_t>(got);
      } else if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        auto& socket = state->socket;
        socket.async_wait(tcp::socket::wait_read, LingerOp{std::move(state), std::move(handler), dropped});
        return;
      } else {
        break;
      }
    }
    state->close();
    std::move(handler)(error_code{});
  }
};

TlsStream::TlsStream(tcp::socket socket, std::shared_ptr<TlsContext> context, Role role)
    : state_{std::make_shared<State>(std::move(socket), std::move(context))} {
  error_code ignored;
  state_->socket.non_blocking(true, ignored);
  state_->socket.set_option(tcp::no_delay{true}, ignored);
  state_->descriptor = state_->socket.native_handle();
  state_->ssl.reset(SSL_new(static_cast<SSL_CTX*>(state_->context->native())));
  if (!state_->ssl) throw std::bad_alloc{};
  SSL* ssl = state_->ssl.get();
  BIO* bio = make_socket_bio(&state_->descriptor);
  SSL_set_bio(ssl, bio, bio);
  SSL_set_app_data(ssl, &state_->refusal);
  role == Role::client ? SSL_set_connect_state(ssl) : SSL_set_accept_state(ssl);
}

TlsStream::~TlsStream() { close(); }

TlsStream::executor_type TlsStream::get_executor() noexcept { return state_->socket.get_executor(); }

std::string TlsStream::peer() const {
  error_code error;
  const auto endpoint = state_->socket.remote_endpoint(error);
  if (error) return "unknown";
  const auto address = endpoint.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  return address.to_string();
}

awaitable<error_code> TlsStream::handshake(std::string host) {
  const auto state = state_;
  SSL* ssl = state->ssl.get();
  if (!host.empty()) {
    X509_VERIFY_PARAM* parameters = SSL_get0_param(ssl);
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    error_code not_an_address;
    asio::ip::make_address(host, not_an_address);
    const bool set = not_an_address
                         ? X509_VERIFY_PARAM_set1_host(parameters, host.c_str(), host.size()) == 1 &&
                               SSL_set_tlsext_host_name(ssl, host.c_str()) == 1
                         : X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str()) == 1;
    if (!set) co_return asio::error::invalid_argument;
  }
  for (;;) {
    ERR_clear_error();
    errno = 0;
    const int result = SSL_do_handshake(ssl);
    if (result == 1) co_return error_code{};
    const Progress progress = state->judge(result);
    if (progress.need == Need::nothing) {
      if (progress.error == error_code{SSL_R_HTTP_REQUEST, tls_category()})
        send(state->descriptor, kPlainAnswer.data(), kPlainAnswer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      co_return state->outcome(progress.error);
    }
    const auto wait = progress.need == Need::readable ? tcp::socket::wait_read : tcp::socket::wait_write;
    const auto [error] = co_await state->socket.async_wait(wait, as_tuple_awaitable);
    if (error) co_return state->outcome(error);
  }
}

std::string TlsStream::diagnosis(error_code error) const {
  if (!state_->refusal.empty()) return state_->refusal;
  if (error == asio::error::timed_out) return "the TLS handshake took too long";
  if (error == asio::error::eof || error == asio::error::connection_reset)
    return "the other side ended the connection during the TLS handshake";
  if (error.category() == tls_category()) {
    switch (error.value()) {
      case SSL_R_HTTP_REQUEST:
      case SSL_R_HTTPS_PROXY_REQUEST:
        return "the client speaks plain HTTP; this port speaks TLS";
      case SSL_R_WRONG_VERSION_NUMBER:
        return "the other side does not speak TLS on this port";
      case SSL_R_UNSUPPORTED_PROTOCOL:
      case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
        return "the other side does not offer TLS 1.3";
      default:
        break;
    }
  }
  return "the TLS handshake failed: " + error.message();
}

void TlsStream::start_read(asio::mutable_buffer into, TransferHandler handler) {
  if (into.size() == 0) {
    auto answer = [handler = std::move(handler)]() mutable { std::move(handler)(error_code{}, 0); };
    return asio::post(state_->socket.get_executor(), std::move(answer));
  }
  state_->reading = into;
  WaitOp::run(state_, std::move(handler), false, false);
}

void TlsStream::start_write(const Gather& from, TransferHandler handler) {
  state_->writing = from;
  WaitOp::run(state_, std::move(handler), true, false);
}

void TlsStream::start_linger(LingerHandler handler) {
  if (state_->descriptor >= 0) {
    ERR_clear_error();
    SSL_shutdown(state_->ssl.get());  // the close notify leaves at once or not at all
    ERR_clear_error();
    error_code ignored;
    state_->socket.shutdown(tcp::socket::shutdown_send, ignored);
    limit_read(kLingerTime);
  }
  auto& state = *state_;
  asio::post(state.socket.get_executor(),
             [op = LingerOp{state_, std::move(handler)}]() mutable { op(error_code{}); });
}

awaitable<TlsStream::Transfer> TlsStream::read_some(asio::mutable_buffer into) {
  const auto state = state_;
  // What is there already is taken without a way through the loop, but others get their turn.
  if (++state->turns % 16 != 0) {
    const Progress progress = state->read(into);
    if (progress.need == Need::nothing) co_return Transfer{state->outcome(progress.error), progress.bytes};
  }
  const auto [error, bytes] = co_await async_read_some(into, as_tuple_awaitable);
  co_return Transfer{error, bytes};
}

awaitable<error_code> TlsStream::write_all(std::array<asio::const_buffer, 2> from) {
  while (from[0].size() + from[1].size() > 0) {
    const auto [error, bytes] = co_await async_write_some(from, as_tuple_awaitable);
    if (error) co_return error;
    const std::size_t first = std::min(bytes, from[0].size());
    from[0] += first;
    from[1] += bytes - first;
  }
  co_return error_code{};
}

awaitable<error_code> TlsStream::wait_readable() {
  const auto state = state_;
  if (state->descriptor < 0) co_return state->outcome(asio::error::operation_aborted);
  if (SSL_has_pending(state->ssl.get()) != 0) co_return error_code{};
  const auto [error] = co_await state->socket.async_wait(tcp::socket::wait_read, as_tuple_awaitable);
  co_return state->outcome(error);
}

awaitable<void> TlsStream::linger_and_close() { co_await async_linger(as_tuple_awaitable); }

void TlsStream::close() { state_->close(); }
bool TlsStream::is_open() const { return state_->descriptor >= 0; }

bool TlsStream::is_quiet() const {
  if (state_->descriptor < 0 || SSL_has_pending(state_->ssl.get()) != 0) return false;
  char byte = 0;
  return recv(state_->descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
         (errno == EAGAIN || errno == EWOULDBLOCK);
}

void TlsStream::limit_read(Duration limit) { limit_read_until(Steady::now() + limit); }
void TlsStream::limit_write(Duration limit) { limit_write_until(Steady::now() + limit); }

void TlsStream::limit_read_until(Steady::time_point until) {
  state_->read_until = until;
  State::arm(state_);
}
void TlsStream::limit_write_until(Steady::time_point until) {
  state_->write_until = until;
  State::arm(state_);
}
void TlsStream::lift_limits() { state_->read_until = state_->write_until = Steady::time_point::max(); }
void TlsStream::lift_write_limit() { state_->write_until = Steady::time_point::max(); }

}  // namespace vmc::net
