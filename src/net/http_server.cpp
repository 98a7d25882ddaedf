#include "net/http_server.hpp"

#include <list>

#include <fmt/format.h>

#include "core/event.hpp"
#include "core/ids.hpp"
#include "core/log.hpp"
#include "core/task_group.hpp"
#include "net/http_input.hpp"
#include "net/http_text.hpp"
#include "net/route_table.hpp"
#include "net/websocket.hpp"

namespace vmc::net {
namespace {

constexpr int kAcceptBacklog = 4096;
constexpr Duration kAcceptBackoffMin = std::chrono::milliseconds{50};
constexpr Duration kAcceptBackoffMax = std::chrono::seconds{1};

using RequestParser = beast_http::request_parser<HttpBody>;

// body_timeout is for up to 1 MiB; longer bodies get as much again for each further one.
Duration transfer_time(Duration limit, std::size_t bytes) {
  return limit * static_cast<int>(1 + (bytes >> 20));
}

bool is_stop(asio::cancellation_type type) {
  return (type & asio::cancellation_type::terminal) != asio::cancellation_type::none;
}

std::string response_head(const Response& response, bool close, std::string_view request_id) {
  std::string head = fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason_phrase(response.status));
  for (const auto& [name, value] : response.headers) {
    if (same_token(name, "content-length") || same_token(name, "connection") ||
        same_token(name, "transfer-encoding") || same_token(name, "x-request-id") || same_token(name, "date"))
      continue;
    head += fmt::format("{}: {}\r\n", name, value);
  }
  if (response.status != 204 && response.status != 304)
    head += fmt::format("Content-Length: {}\r\n", response.body.size());
  head += fmt::format("Date: {}\r\nX-Request-Id: {}\r\n{}\r\n", http_date(), request_id,
                      close ? "Connection: close\r\n" : "");
  return head;
}

bool is_sound(const Response& response) {
  if (response.status < 200 || response.status > 599) return false;
  for (const auto& [name, value] : response.headers)
    if (!is_token(name) || !is_header_value(value)) return false;
  return true;
}

Response refusal(int status, Code code, std::string message, std::string_view request_id) {
  Response response = Response::problem(fail(code, std::move(message)), request_id);
  if (response.status == status) return response;
  Json body = Json::parse(as_text(response.body));
  body["status"] = status;
  const std::string text = body.dump();
  response.status = status;
  response.body.assign(text.begin(), text.end());
  return response;
}

struct Session {
  std::unique_ptr<TlsStream> stream;
  std::string peer;
  Steady::time_point accepted;
  bool idle = false;  // waits for a request: may be closed when the server drains
};

class Server final : public HttpServer {
 public:
  Server(ServerSettings settings, std::shared_ptr<TlsContext> tls, RouteTable routes, std::string link_path,
         std::string subprotocol, LinkHandler on_link, tcp::acceptor acceptor)
      : settings_{std::move(settings)},
        tls_{std::move(tls)},
        routes_{std::move(routes)},
        link_path_{std::move(link_path)},
        subprotocol_{std::move(subprotocol)},
        on_link_{std::move(on_link)},
        acceptor_{std::move(acceptor)},
        port_{acceptor_.local_endpoint().port()} {}

  std::uint16_t port() const override { return port_; }

  awaitable<void> run() override {
    co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
    co_await asio::this_coro::throw_if_cancelled(false);
    TaskGroup sessions{co_await asio::this_coro::executor, TaskGroup::OnError::keep_going};
    const auto stop = co_await accept_until_stopped(sessions);
    error_code ignored;
    acceptor_.close(ignored);
    draining_ = true;
    if (is_stop(stop)) {
      sessions.cancel();
    } else {
      for (Session* session : open_)
        if (session->idle) session->stream->close();
      sessions.drain();
    }
    co_await sessions.join();  // passes a second, harder stop on
  }

 private:
  awaitable<asio::cancellation_type> accept_until_stopped(TaskGroup& sessions) {
    Duration backoff = kAcceptBackoffMin;
    for (;;) {
      co_await sessions.wait_below(std::max<std::size_t>(settings_.connections_max, 1));
      auto state = co_await asio::this_coro::cancellation_state;
      if (state.cancelled() != asio::cancellation_type::none) co_return state.cancelled();
      auto [error, socket] = co_await acceptor_.async_accept(as_tuple_awaitable);
      state = co_await asio::this_coro::cancellation_state;
      if (state.cancelled() != asio::cancellation_type::none) co_return state.cancelled();
      if (!error) {
        backoff = kAcceptBackoffMin;
        sessions.spawn("http session", serve(std::move(socket)));
        continue;
      }
      // Out of descriptors or memory: what ends meanwhile makes room.
      log::warn("http", "a connection could not be accepted",
                {{"error", error.message()}, {"open", sessions.size()}});
      co_await pause_for(backoff);
      backoff = std::min(backoff * 2, kAcceptBackoffMax);
    }
  }

  awaitable<void> serve(tcp::socket socket) {
    Session session;
    session.accepted = Steady::now();
    session.stream = std::make_unique<TlsStream>(std::move(socket), tls_, TlsStream::Role::server);
    session.peer = session.stream->peer();
    session.stream->limit_read_until(session.accepted + settings_.handshake_timeout);
    const auto place = open_.insert(open_.end(), &session);
    const struct Gone {
      std::list<Session*>& list;
      std::list<Session*>::iterator it;
      ~Gone() { list.erase(it); }
    } gone{open_, place};

    session.idle = true;
    const auto error = co_await session.stream->handshake();
    session.idle = false;
    if (error) {
      log::debug("http", "no TLS session",
                 {{"peer", session.peer}, {"error", session.stream->diagnosis(error)}});
      co_await session.stream->linger_and_close();
      co_return;
    }
    auto upgrade = co_await serve_requests(session);
    if (upgrade) co_await serve_link(session, std::move(*upgrade));
  }

  // Requests one after the other, until the connection ends or wants to become a link.
  awaitable<std::optional<UpgradeRequest>> serve_requests(Session& session) {
    TlsStream& stream = *session.stream;
    HttpInput input{stream};
    for (bool first = true;; first = false) {
      if (input.empty()) {
        input.release();
        if (draining_) break;
        if (!first) stream.limit_read(settings_.idle_timeout);
        session.idle = true;
        const auto waited = co_await stream.wait_readable();
        session.idle = false;
        if (waited) co_return std::nullopt;
      }
      if (!first) stream.limit_read(settings_.handshake_timeout);
      Turn turn;
      turn.id = new_id("req", system_clock().now());
      RequestParser parser;
      parser.eager(false);
      parser.header_limit(static_cast<std::uint32_t>(settings_.header_bytes));
      parser.body_limit(boost::none);
      const auto error = co_await input.read_head(parser);
      if (error) {
        const bool understood_nothing =
            error.category() == make_error_code(beast_http::error::bad_method).category();
        if (!understood_nothing) co_return std::nullopt;  // the connection ended, or the time was over
        const bool long_head = error == beast_http::error::header_limit;
        turn.response = refusal(long_head ? 431 : 400, Code::invalid_request,
                                long_head ? "the request's header fields are too long"
                                          : "this is not an HTTP request: " + error.message(),
                                turn.id);
        turn.close = true;
        co_await answer(stream, turn);
        co_await stream.linger_and_close();
        co_return std::nullopt;
      }
      stream.lift_limits();
      co_await handle(session, input, parser, turn);
      if (turn.upgrade) co_return std::move(turn.upgrade);
      if (turn.lost) co_return std::nullopt;
      turn.close = turn.close || draining_;
      if (!co_await answer(stream, turn)) co_return std::nullopt;
      if (turn.close) break;
    }
    co_await stream.linger_and_close();
    co_return std::nullopt;
  }

  // One request and its answer.
  struct Turn {
    std::string id;
    bool close = false;  // after the answer
    bool lost = false;   // the connection failed: no answer
    bool head = false;   // the answer has no body
    Response response;
    std::optional<UpgradeRequest> upgrade;
  };

  awaitable<void> handle(Session& session, HttpInput& input, RequestParser& parser, Turn& turn) {
    Request request;
    turn.close = !parser.keep_alive() || parser.get().version() < 11;
    auto admitted = admit(session, input, parser, request, turn);
    if (!admitted) {
      turn.close = turn.close || !parser.is_done();
      co_return;
    }
    if (turn.upgrade) co_return;
    const Route& route = **admitted;
    if (!parser.is_done() || parser.content_length().value_or(0) > 0) {
      if (!co_await read_body(session, input, parser, request, route.body_max, turn)) co_return;
    }
    turn.response = co_await call(route, std::move(request), turn.id);
  }

  // Judges the head and finds the route; a refusal or an upgrade is left in `turn`.
  std::optional<const Route*> admit(Session& session, const HttpInput& input, const RequestParser& parser,
                                    Request& request, Turn& turn) {
    const auto& message = parser.get();
    const auto refuse = [&](int status, Code code, std::string why) {
      turn.response = refusal(status, code, std::move(why), turn.id);
      turn.close = turn.close || status == 400 || status == 501;  // who misread one thing may misread the next
      return std::nullopt;
    };
    request.method = std::string{message.method_string()};
    request.peer = session.peer;
    turn.head = request.method == "HEAD";
    std::size_t hosts = 0;
    for (const auto& field : message) {
      std::string name{field.name_string()};
      if (same_token(name, "host")) ++hosts;
      if (same_token(name, "x-request-id")) continue;
      request.headers.emplace_back(std::move(name), std::string{field.value()});
    }
    request.headers.emplace_back("X-Request-Id", turn.id);
    if (hosts > 1 || (hosts == 0 && message.version() >= 11))
      return refuse(400, Code::invalid_request, "the request must name exactly one Host");
    const bool transfer_encoding = !request.header("transfer-encoding").empty();
    if (transfer_encoding && (!parser.chunked() || message.version() < 11 ||
                              !same_token(request.header("transfer-encoding"), "chunked"))) {
      turn.close = true;
      return refuse(501, Code::invalid_request, "the only transfer encoding understood is chunked");
    }
    const std::string raw_target{message.target()};
    auto target = parse_target(raw_target);
    if (!target) return refuse(400, target.error().code, target.error().message);
    request.path = std::move(target->path);
    request.query = std::move(target->query);

    if (!link_path_.empty() && request.path == link_path_ && request.method == "GET") {
      turn.close = true;
      if (!has_token(request.header("upgrade"), "websocket"))
        return refuse(426, Code::invalid_request, "this path speaks WebSocket only");
      if (!has_token(request.header("sec-websocket-protocol"), subprotocol_))
        return refuse(400, Code::invalid_request,
                      fmt::format("the WebSocket subprotocol must be {}", subprotocol_));
      if (!input.empty() || !parser.is_done())
        return refuse(400, Code::invalid_request, "nothing may follow an upgrade request before its answer");
      if (draining_) return refuse(503, Code::unavailable, "the server is stopping");
      turn.upgrade = UpgradeRequest{raw_target, std::move(request.headers)};
      return nullptr;
    }

    auto match = routes_.find(request.method, target->segments);
    if (match.route != nullptr) {
      request.parameters = std::move(match.parameters);
      return match.route;
    }
    if (match.allowed.empty())
      return refuse(404, Code::not_found, fmt::format("there is nothing at {}", request.path));
    refuse(
        405, Code::invalid_request,
        fmt::format("{} cannot be done with {}; allowed: {}", request.method, request.path, match.allowed));
    turn.response.headers.emplace_back("Allow", match.allowed);
    return std::nullopt;
  }

  // False when the turn ends here, with a refusal or a lost connection.
  awaitable<bool> read_body(Session& session, HttpInput& input, RequestParser& parser, Request& request,
                            std::size_t limit, Turn& turn) {
    TlsStream& stream = *session.stream;
    const auto length = parser.content_length();
    error_code error;
    if (length && *length > limit) {
      error = beast_http::error::body_limit;
    } else {
      stream.limit_read(
          transfer_time(settings_.body_timeout, static_cast<std::size_t>(length.value_or(limit))));
      if (same_token(request.header("expect"), "100-continue") && input.empty()) {
        static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
        const std::array<asio::const_buffer, 2> wire{asio::buffer(go_on), asio::const_buffer{}};
        stream.limit_write(settings_.body_timeout);
        error = co_await stream.write_all(wire);
      }
      if (!error) error = co_await input.read_body(parser, request.body, limit);
      stream.lift_limits();
    }
    if (!error) co_return true;
    turn.close = true;
    if (error == beast_http::error::body_limit) {
      turn.response = refusal(413, Code::invalid_request,
                              fmt::format("the body is longer than {} bytes", limit), turn.id);
    } else if (error.category() == make_error_code(beast_http::error::bad_method).category()) {
      turn.response =
          refusal(400, Code::invalid_request, "the body is not valid: " + error.message(), turn.id);
    } else {
      turn.lost = true;
    }
    co_return false;
  }

  // An exception is a bug of the handler: it is logged and answered, and the session goes on.
  awaitable<Response> call(const Route& route, Request request, const std::string& id) {
    std::exception_ptr thrown;
    std::optional<Response> response;
    try {
      response = co_await route.handler(std::move(request));
    } catch (...) {
      thrown = std::current_exception();
    }
    // A handler may have opted in to the gentle stop; the next one starts as usual.
    const auto state = co_await asio::this_coro::cancellation_state;
    if (is_stop(state.cancelled())) {
      if (thrown) std::rethrow_exception(thrown);
    } else {
      co_await asio::this_coro::reset_cancellation_state();
    }
    co_await asio::this_coro::throw_if_cancelled(true);
    if (response && is_sound(*response)) co_return std::move(*response);
    log::error("http", "a handler failed",
               {{"route", route.method + " " + route.pattern},
                {"request_id", id},
                {"error", thrown ? describe(thrown) : "the response holds what HTTP does not allow"}});
    co_return Response::problem(fail(Code::internal, "the request could not be handled"), id);
  }

  awaitable<bool> answer(TlsStream& stream, const Turn& turn) {
    const std::string head = response_head(turn.response, turn.close, turn.id);
    const bool bodyless = turn.head || turn.response.status == 204 || turn.response.status == 304;
    const std::array<asio::const_buffer, 2> wire{
        asio::buffer(head),
        bodyless ? asio::const_buffer{} : asio::const_buffer{asio::buffer(turn.response.body)}};
    stream.limit_write(transfer_time(settings_.body_timeout, turn.response.body.size()));
    const auto error = co_await stream.write_all(wire);
    stream.lift_limits();
    co_return !error;
  }

  awaitable<void> serve_link(Session& session, UpgradeRequest upgrade) {
    // From here on the link owns the connection; drain reaches the handler as a total cancellation.
    const auto deadline = Steady::now() + settings_.handshake_timeout;
    auto link = co_await accept_link(std::move(session.stream), std::move(upgrade), subprotocol_,
                                     settings_.link, deadline);
    if (!link) {
      log::debug("http", "no link", {{"peer", session.peer}, {"error", link.error().message}});
      co_return;
    }
    std::exception_ptr thrown;
    try {
      auto task = on_link_(std::move(*link));
      co_await std::move(task);
    } catch (...) {
      thrown = std::current_exception();
    }
    if (thrown && !is_cancellation(thrown))
      log::error("http", "a link's session failed", {{"peer", session.peer}, {"error", describe(thrown)}});
  }

  ServerSettings settings_;
  std::shared_ptr<TlsContext> tls_;
  RouteTable routes_;
  std::string link_path_;
  std::string subprotocol_;
  LinkHandler on_link_;
  tcp::acceptor acceptor_;
  std::uint16_t port_;
  std::list<Session*> open_;
  bool draining_ = false;
};

Result<tcp::acceptor> bind(asio::io_context& loop, const ServerSettings& settings) {
  error_code error;
  const auto address = asio::ip::make_address(settings.address, error);
  if (error)
    return fail(Code::invalid_request,
                fmt::format("'{}' is not an IP address to listen on", settings.address));
  const tcp::endpoint endpoint{address, settings.port};
  tcp::acceptor acceptor{loop};
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address{true}, error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(kAcceptBacklog, error);
  if (error)
    return fail(
        Code::unavailable,
        fmt::format("cannot listen on {} port {}: {}", settings.address, settings.port, error.message()),
        "Choose another port, or stop what uses it.");
  return acceptor;
}

}  // namespace

Result<std::unique_ptr<HttpServer>> make_http_server(asio::io_context& loop, const ServerSettings& settings,
                                                     std::shared_ptr<TlsContext> tls,
                                                     std::vector<Route> routes, std::string link_path,
                                                     std::string subprotocol, LinkHandler on_link) {
  VMC_TRY(table, RouteTable::make(std::move(routes)));
  VMC_TRY(acceptor, bind(loop, settings));
  return std::unique_ptr<HttpServer>{std::make_unique<Server>(settings, std::move(tls), std::move(table),
                                                              std::move(link_path), std::move(subprotocol),
                                                              std::move(on_link), std::move(acceptor))};
}

}  // namespace vmc::net
