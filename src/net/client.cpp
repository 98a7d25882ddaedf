#include "net/client.hpp"

#include <fmt/format.h>

#include "core/log.hpp"
#include "net/connect.hpp"
#include "net/http_input.hpp"
#include "net/http_text.hpp"
#include "net/websocket.hpp"

namespace vmc::net {
namespace {

constexpr Duration kIdleReuseMax = std::chrono::seconds{60};  // less than servers keep idle connections
constexpr std::size_t kAnswerHeadMax = 64 * 1024;
constexpr int kInterimAnswersMax = 8;  // 1xx

using ResponseParser = beast_http::response_parser<HttpBody>;

bool may_repeat(const std::string& method) { return method == "GET" || method == "PUT" || method == "HEAD"; }

// The request line and headers; INVALID_REQUEST when a field could be read as more than one line.
Result<std::string> request_head(const Request& request, const Address& address) {
  if (!is_token(request.method)) return fail(Code::invalid_request, "the HTTP method is not valid");
  std::string head =
      fmt::format("{} {} HTTP/1.1\r\n", request.method, make_target(request.path, request.query));
  bool host = false;
  for (const auto& [name, value] : request.headers) {
    if (!is_token(name) || !is_header_value(value))
      return fail(Code::invalid_request,
                  fmt::format("the HTTP header '{}' is not valid", is_token(name) ? name : "?"));
    if (same_token(name, "content-length") || same_token(name, "transfer-encoding") ||
        same_token(name, "connection"))
      continue;
    host = host || same_token(name, "host");
    head += fmt::format("{}: {}\r\n", name, value);
  }
  if (!host) head += fmt::format("Host: {}\r\n", host_header(address));
  const bool carries = !request.body.empty() || request.method == "POST" || request.method == "PUT";
  if (carries) head += fmt::format("Content-Length: {}\r\n", request.body.size());
  head += "\r\n";
  return head;
}

// One answer, or why there is none; `nothing_arrived` tells whether the request may have been lost unread.
struct Exchange {
  std::optional<Response> response;
  error_code error;
  bool nothing_arrived = true;
  bool keep = false;
};

class Client final : public HttpClient {
 public:
  Client(Address address, std::shared_ptr<TlsContext> tls, HttpClientSettings settings)
      : address_{std::move(address)}, tls_{std::move(tls)}, settings_{settings} {}

  awaitable<Result<Response>> send(Request request, Duration timeout) override {
    VMC_CO_TRY(head, request_head(request, address_));
    const auto deadline = Steady::now() + timeout;
    for (;;) {
      auto stream = take_idle();
      const bool reused = stream != nullptr;
      if (!reused) {
        auto connected = co_await connect_tls(address_, tls_,
                                              std::min(deadline, Steady::now() + settings_.connect_timeout));
        if (!connected) co_return connected.error();
        stream = std::move(*connected);
      }
      stream->limit_read_until(deadline);
      stream->limit_write_until(deadline);
      auto exchange = co_await converse(*stream, head, request);
      if (exchange.response) {
        stream->lift_limits();
        if (exchange.keep) put_idle(std::move(stream));
        co_return std::move(*exchange.response);
      }
      if (exchange.error == asio::error::operation_aborted)
        co_return fail(Code::cancelled, "the request was cancelled");
      const bool gone = exchange.error != asio::error::timed_out;
      if (reused && gone && exchange.nothing_arrived && may_repeat(request.method)) continue;
      co_return failure(exchange.error);
    }
  }

 private:
  struct Idle {
    std::unique_ptr<TlsStream> stream;
    Steady::time_point since;
  };

  std::unique_ptr<TlsStream> take_idle() {
    while (!idle_.empty()) {
      Idle newest = std::move(idle_.back());
      idle_.pop_back();
      if (Steady::now() - newest.since < kIdleReuseMax && newest.stream->is_quiet())
        return std::move(newest.stream);
    }
    return nullptr;
  }

  void put_idle(std::unique_ptr<TlsStream> stream) {
    if (idle_.size() >= settings_.idle_connections) return;
    idle_.push_back(Idle{std::move(stream), Steady::now()});
  }

  awaitable<Exchange> converse(TlsStream& stream, const std::string& head, const Request& request) {
    Exchange exchange;
    const std::array<asio::const_buffer, 2> wire{asio::buffer(head), asio::buffer(request.body)};
    const auto sent = co_await stream.write_all(wire);
    if (sent == asio::error::operation_aborted || sent == asio::error::timed_out) {
      exchange.error = sent;
      co_return exchange;
    }
    // A server may refuse a body and close before it has read it all: its answer counts, so read it anyway.
    HttpInput input{stream};
    std::optional<ResponseParser> parser;
    for (int interim = 0;; ++interim) {
      parser.emplace();
      parser->eager(false);
      parser->header_limit(kAnswerHeadMax);
      parser->body_limit(boost::none);
      if (request.method == "HEAD") parser->skip(true);
      exchange.error = co_await input.read_head(*parser);
      if (parser->got_some() || !input.empty()) exchange.nothing_arrived = false;
      if (exchange.error) co_return exchange;
      const int status = parser->get().result_int();
      if (status >= 200 || status == 101) break;
      if (interim >= kInterimAnswersMax) {
        exchange.error = beast_http::error::bad_status;
        co_return exchange;
      }
    }
    Response response;
    response.status = static_cast<int>(parser->get().result_int());
    for (const auto& field : parser->get())
      response.headers.emplace_back(std::string{field.name_string()}, std::string{field.value()});
    exchange.keep = parser->keep_alive() && !sent && response.status != 101;
    const bool bodyless = request.method == "HEAD" || response.status == 204 || response.status == 304 ||
                          response.status == 101;
    if (!bodyless) exchange.error = co_await input.read_body(*parser, response.body, settings_.response_max);
    if (exchange.error) co_return exchange;
    exchange.keep = exchange.keep && input.empty() && stream.is_open();
    exchange.response = std::move(response);
    co_return exchange;
  }

  Error failure(error_code error) const {
    if (error == asio::error::timed_out)
      return fail(Code::unavailable, fmt::format("{} did not answer in time", place(address_)));
    if (error == beast_http::error::body_limit)
      return fail(Code::unavailable, fmt::format("the answer of {} is longer than {} bytes", place(address_),
                                                 settings_.response_max));
    if (error == asio::error::eof || error == asio::error::connection_reset)
      return fail(Code::unavailable,
                  fmt::format("{} ended the connection before its answer was complete", place(address_)));
    return fail(Code::unavailable,
                fmt::format("no usable answer from {}: {}", place(address_), error.message()));
  }

  Address address_;
  std::shared_ptr<TlsContext> tls_;
  HttpClientSettings settings_;
  std::vector<Idle> idle_;
};

}  // namespace

awaitable<Result<std::unique_ptr<Link>>> connect_link(Address address, std::string subprotocol,
                                                      std::shared_ptr<TlsContext> tls,
                                                      ConnectSettings settings) {
  const auto deadline = Steady::now() + settings.timeout;
  auto stream = co_await connect_tls(address, std::move(tls), deadline);
  if (!stream) co_return stream.error();
  co_return co_await open_link(std::move(*stream), host_header(address), address.path, std::move(subprotocol),
                               settings.link, deadline);
}

std::unique_ptr<HttpClient> make_http_client(asio::io_context&, Address address,
                                             std::shared_ptr<TlsContext> tls, HttpClientSettings settings) {
  return std::make_unique<Client>(std::move(address), std::move(tls), settings);
}

}  // namespace vmc::net
