#include <catch2/catch.hpp>
#include <random>

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "core/event.hpp"
#include "net/http_text.hpp"
#include "net/route_table.hpp"
#include "unit/net/support.hpp"

using namespace vmc;
using namespace vmc::net;
using namespace vmc::net::test;

namespace {

constexpr Duration kLong = std::chrono::seconds{30};

Response plain(int status, std::string_view text) {
  Response response;
  response.status = status;
  response.body.assign(text.begin(), text.end());
  return response;
}

awaitable<Response> mirror(Request request) {
  co_return Response::json(200, Json{{"method", request.method},
                                     {"path", request.path},
                                     {"id", request.parameters["id"]},
                                     {"query", request.query},
                                     {"size", request.body.size()},
                                     {"peer", request.peer},
                                     {"request_id", request.header("x-request-id")},
                                     {"bearer", request.bearer()}});
}
awaitable<Response> body_back(Request request) {
  Response response;
  response.body = std::move(request.body);
  co_return response;
}
awaitable<Response> broken(Request) {
  throw std::runtime_error{"a bug"};
  co_return Response{};
}
awaitable<Response> forged(Request) {
  Response response;
  response.headers.emplace_back("X-Note", "a\r\nSet-Cookie: b");
  co_return response;
}

std::vector<Route> routes() {
  return {{"GET", "/things/{id}", 1u << 20, mirror, ""},
          {"PUT", "/things/{id}", 1u << 20, mirror, ""},
          {"GET", "/things/all", 1u << 20, mirror, ""},
          {"POST", "/small", 10, mirror, ""},
          {"PUT", "/body", 8u << 20, body_back, ""},
          {"GET", "/broken", 0, broken, ""},
          {"GET", "/forged", 0, forged, ""}};
}

Setup with_routes() {
  Setup setup;
  setup.routes = routes();
  return setup;
}

Request request(std::string method, std::string path, std::string_view body = "") {
  Request r;
  r.method = std::move(method);
  r.path = std::move(path);
  r.body.assign(body.begin(), body.end());
  return r;
}

Json body_of(const Response& response) { return Json::parse(as_text(response.body)); }

// The status line of what the server answers to these bytes.
std::string status_line(const std::string& bytes) {
  std::string answer;
  with_server(with_routes(),
              [&](Running& on) -> awaitable<void> { answer = co_await dialogue(on.server.port(), bytes); });
  return answer.substr(0, answer.find("\r\n"));
}

}  // namespace

TEST_CASE("a request reaches its route with path, parameters, query, headers and body") {
  with_server(with_routes(), [](Running& on) -> awaitable<void> {
    auto client = make_http_client(on.loop, on.address, client_tls());
    auto r = request("PUT", "/things/a b\xc3\xa4/", "12345");
    r.path = "/things/a b\xc3\xa4";
    r.query = {{"from", "1&2"}, {"to", "x y"}};
    r.headers.emplace_back("Authorization", "Bearer secret");
    const auto answer = (co_await client->send(r, kLong)).value();
    const auto json = body_of(answer);
    CHECK(answer.status == 200);
    CHECK(json["method"] == "PUT");
    CHECK(json["id"] == "a b\xc3\xa4");
    CHECK(json["query"] == Json{{"from", "1&2"}, {"to", "x y"}});
    CHECK(json["size"] == 5);
    CHECK(json["peer"] == "127.0.0.1");
    CHECK(json["bearer"] == "secret");
    CHECK(json["request_id"] == answer.header("X-Request-Id"));
    CHECK(answer.header("x-request-id").substr(0, 4) == "req_");
  });
}

TEST_CASE("an encoded slash stays inside its segment and a literal segment wins over a parameter") {
  with_server(with_routes(), [](Running& on) -> awaitable<void> {
    const auto answer = co_await dialogue(on.server.port(),
                                          "GET /things/a%2Fb HTTP/1.1\r\nHost: x\r\n\r\nGET /things/all "
                                          "HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    CHECK(answer.find(R"("id":"a/b")") != std::string::npos);
    CHECK(answer.find(R"("id":"")") != std::string::npos);
  });
}

TEST_CASE("kept-alive connections are used again") {
  int connections = 0;
  with_server(with_routes(), [&](Running& on) -> awaitable<void> {
    // A relay that counts what the client opens.
    tcp::acceptor relay{on.loop, tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
    const auto target = on.server.port();
    auto pump = [](tcp::socket& from, tcp::socket& to) -> awaitable<void> {
      std::array<char, 4096> piece;
      for (;;) {
        const auto [error, n] = co_await from.async_read_some(asio::buffer(piece), as_tuple_awaitable);
        if (error) break;
        co_await asio::async_write(to, asio::buffer(piece, n), as_tuple_awaitable);
      }
      error_code ignored;
      to.shutdown(tcp::socket::shutdown_send, ignored);
    };
    auto carry = [&](tcp::socket near) -> awaitable<void> {
      auto far = co_await raw_connection(target);
      TaskGroup both{on.loop.get_executor(), TaskGroup::OnError::keep_going};
      both.spawn("there", pump(near, far));
      both.spawn("back", pump(far, near));
      co_await both.join();
    };
    auto accept = [&]() -> awaitable<void> {
      for (;;) {
        auto socket = co_await relay.async_accept(asio::use_awaitable);
        ++connections;
        on.tasks.spawn("carry", carry(std::move(socket)));
      }
    };
    on.tasks.spawn("relay", accept());
    const Address address{"127.0.0.1", relay.local_endpoint().port(), "/"};
    auto client = make_http_client(on.loop, address, client_tls());
    for (int i = 0; i < 5; ++i) {
      const auto answer = co_await client->send(request("GET", "/things/1"), kLong);
      REQUIRE(ok(answer));
      CHECK(answer->status == 200);
    }
    on.tasks.cancel();
    co_await on.tasks.join();
  });
  CHECK(connections == 1);
}

TEST_CASE("a request on a connection the server has closed meanwhile is sent again on a new one") {
  auto setup = with_routes();
  setup.settings.idle_timeout = std::chrono::milliseconds{20};
  with_server(setup, [](Running& on) -> awaitable<void> {
    auto client = make_http_client(on.loop, on.address, client_tls());
    for (int i = 0; i < 3; ++i) {
      const auto answer = co_await client->send(request("GET", "/things/1"), kLong);
      REQUIRE(ok(answer));
      CHECK(answer->status == 200);
      co_await pause_for(std::chrono::milliseconds{60});
    }
  });
}

TEST_CASE("a GET is repeated when its kept-alive connection ends without an answer, a POST is not") {
  on_loop([](asio::io_context& loop) -> awaitable<void> {
    // Answers one request a connection, then closes on the second without a word.
    tcp::acceptor acceptor{loop, tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
    TaskGroup tasks{loop.get_executor(), TaskGroup::OnError::keep_going};
    const auto tls = server_tls();
    int connections = 0;
    auto serve = [&]() -> awaitable<void> {
      for (;;) {
        auto socket = co_await acceptor.async_accept(asio::use_awaitable);
        ++connections;
        TlsStream stream{std::move(socket), tls, TlsStream::Role::server};
        co_await stream.handshake();
        co_await read_until(stream, "\r\n\r\n");
        co_await send_text(stream, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        co_await read_until(stream, "\r\n\r\n");
      }
    };
    tasks.spawn("server", serve());
    const Address address{"127.0.0.1", acceptor.local_endpoint().port(), "/"};
    auto client = make_http_client(loop, address, client_tls());
    {
      const auto got = co_await client->send(request("GET", "/"), kLong);
      REQUIRE(ok(got));
    }
    {
      const auto got = co_await client->send(request("GET", "/"), kLong);
      REQUIRE(ok(got));
    }
    CHECK(connections == 2);
    const auto post = co_await client->send(request("POST", "/"), kLong);
    REQUIRE_FALSE(ok(post));
    CHECK(post.error().code == Code::unavailable);
    CHECK(connections == 2);
    tasks.cancel();
    co_await tasks.join();
  });
}

TEST_CASE("answers of any framing are understood, and too long or broken ones refused") {
  on_loop([](asio::io_context& loop) -> awaitable<void> {
    tcp::acceptor acceptor{loop, tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
    TaskGroup tasks{loop.get_executor(), TaskGroup::OnError::keep_going};
    const auto tls = server_tls();
    std::string say;
    bool hang = false;
    auto serve = [&]() -> awaitable<void> {
      for (;;) {
        auto socket = co_await acceptor.async_accept(asio::use_awaitable);
        TlsStream stream{std::move(socket), tls, TlsStream::Role::server};
        co_await stream.handshake();
        co_await read_until(stream, "\r\n\r\n");
        co_await send_text(stream, say);
        if (hang) co_await read_until(stream, "never");
        co_await stream.linger_and_close();
      }
    };
    tasks.spawn("server", serve());
    const Address address{"127.0.0.1", acceptor.local_endpoint().port(), "/"};
    HttpClientSettings settings;
    settings.response_max = 100;
    auto client = make_http_client(loop, address, client_tls(), settings);

    say = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n";
    {
      const auto got = co_await client->send(request("GET", "/"), kLong);
      CHECK(as_text(got.value().body) == "abcdefg");
    }
    say = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end";
    {
      const auto got = co_await client->send(request("GET", "/"), kLong);
      CHECK(as_text(got.value().body) == "until the end");
    }
    say = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\nx";
    {
      const auto got = co_await client->send(request("PUT", "/", "y"), kLong);
      CHECK(got.value().status == 201);
    }

    say = "HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n";
    {
      const auto got = co_await client->send(request("GET", "/"), kLong);
      CHECK(got.error().message.find("longer than 100") != std::string::npos);
    }
    say = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n80\r\n" + std::string(128, 'x') +
          "\r\n0\r\n\r\n";
    {
      const auto got = co_await client->send(request("GET", "/"), kLong);
      CHECK(got.error().message.find("longer than 100") != std::string::npos);
    }
    say = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort";
    {
      const auto got = co_await client->send(request("GET", "/"), kLong);
      CHECK(got.error().message.find("before its answer was complete") != std::string::npos);
    }
    say = "SSH-2.0-OpenSSH\r\n\r\n";
    {
      const auto got = co_await client->send(request("GET", "/"), kLong);
      CHECK(got.error().message.find("no usable answer") != std::string::npos);
    }
    say = "HTTP/1.1 200 OK\r\n";
    hang = true;
    {
      const auto got = co_await client->send(request("GET", "/"), std::chrono::milliseconds{200});
      CHECK(got.error().message.find("in time") != std::string::npos);
    }
    tasks.cancel();
    co_await tasks.join();
  });
}

TEST_CASE("bodies travel whole, in one piece and in chunks") {
  with_server(with_routes(), [](Running& on) -> awaitable<void> {
    auto client = make_http_client(on.loop, on.address, client_tls());
    for (std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{65'536}, std::size_t{1'048'577},
                             std::size_t{8u << 20}}) {
      auto put = request("PUT", "/body");
      put.body.resize(size);
      for (std::size_t i = 0; i < size; ++i) put.body[i] = static_cast<std::uint8_t>(i * 31 + i / 251);
      const auto answer = co_await client->send(put, kLong);
      REQUIRE(ok(answer));
      CHECK((answer->body == put.body));
    }
    const auto chunked = co_await dialogue(
        on.server.port(),
        "PUT /body HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5\r\nhello\r\n7\r\n, world\r\n0\r\nHost: trailer\r\n\r\n");
    CHECK(chunked.find("\r\n\r\nhello, world") != std::string::npos);
  });
}

TEST_CASE("a body above the route's limit is refused with 413, announced or not") {
  with_server(with_routes(), [](Running& on) -> awaitable<void> {
    auto client = make_http_client(on.loop, on.address, client_tls());
    const auto announced = (co_await client->send(request("POST", "/small", "12345678901"), kLong)).value();
    CHECK(announced.status == 413);
    CHECK(body_of(announced)["code"] == "INVALID_REQUEST");
    CHECK(body_of(announced)["status"] == 413);
    const auto large = co_await client->send(request("POST", "/small", std::string(2u << 20, 'x')), kLong);
    REQUIRE(ok(large));
    CHECK(large->status == 413);
    {
      const auto got = co_await client->send(request("POST", "/small", "1234567890"), kLong);
      CHECK(got.value().status == 200);
    }
    const auto chunked =
        co_await dialogue(on.server.port(),
                          "POST /small HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                          "8\r\n12345678\r\n8\r\n12345678\r\n0\r\n\r\n");
    CHECK(chunked.substr(0, 12) == "HTTP/1.1 413");
  });
}

TEST_CASE("a client that expects 100-continue gets it before the body, or a refusal instead") {
  with_server(with_routes(), [](Running& on) -> awaitable<void> {
    auto stream = co_await tls_connection(on.server.port());
    co_await send_text(
        *stream, "POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    {
      const auto got = co_await read_until(*stream, "\r\n\r\n");
      CHECK(got == "HTTP/1.1 100 Continue\r\n\r\n");
    }
    co_await send_text(*stream, "abc");
    {
      const auto got = co_await read_until(*stream, "\"size\":3");
      CHECK(got.substr(0, 15) == "HTTP/1.1 200 OK");
    }
    co_await send_text(
        *stream, "POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\nExpect: 100-continue\r\n\r\n");
    {
      const auto got = co_await read_until(*stream, "\r\n\r\n");
      CHECK(got.substr(0, 12) == "HTTP/1.1 413");
    }
  });
}

TEST_CASE("unknown paths and methods are answered with problem details") {
  with_server(with_routes(), [](Running& on) -> awaitable<void> {
    auto client = make_http_client(on.loop, on.address, client_tls());
    const auto missing = (co_await client->send(request("GET", "/nothing"), kLong)).value();
    CHECK(missing.status == 404);
    CHECK(missing.header("Content-Type") == "application/problem+json");
    const auto problem = body_of(missing);
    for (const char* field :
         {"type", "title", "status", "detail", "code", "hint", "retryable", "request_id"}) {
      INFO(field);
      CHECK(problem.contains(field));
    }
    CHECK(problem["request_id"] == missing.header("X-Request-Id"));
    const auto refused = (co_await client->send(request("DELETE", "/things/1"), kLong)).value();
    CHECK(refused.status == 405);
    CHECK(refused.header("Allow") == "GET, HEAD, PUT");
  });
}

TEST_CASE("HEAD is answered by the GET route without its body") {
  with_server(with_routes(), [](Running& on) -> awaitable<void> {
    const auto answer = co_await dialogue(on.server.port(),
                                          "HEAD /things/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    CHECK(answer.substr(0, 15) == "HTTP/1.1 200 OK");
    CHECK(answer.find("Content-Length: 0") == std::string::npos);
    CHECK(answer.substr(answer.size() - 4) == "\r\n\r\n");
    auto client = make_http_client(on.loop, on.address, client_tls());
    {
      const auto got = co_await client->send(request("HEAD", "/things/1"), kLong);
      CHECK(got.value().body.empty());
    }
    {
      const auto got = co_await client->send(request("GET", "/things/1"), kLong);
      CHECK(got.value().status == 200);
    }
  });
}

TEST_CASE("a handler that throws costs an answer of 500, not the session") {
  with_server(with_routes(), [](Running& on) -> awaitable<void> {
    auto client = make_http_client(on.loop, on.address, client_tls());
    for (const char* path : {"/broken", "/forged"}) {
      const auto answer = (co_await client->send(request("GET", path), kLong)).value();
      CHECK(answer.status == 500);
      CHECK(answer.header("Connection").empty());
      const auto error = error_from(answer);
      CHECK(error.code == Code::internal);
      CHECK(error.message == "the request could not be handled");
    }
    {
      const auto got = co_await client->send(request("GET", "/things/1"), kLong);
      CHECK(got.value().status == 200);
    }
  });
}

TEST_CASE("requests that could be read in two ways are refused") {
  CHECK(status_line("GET /things/1 HTTP/1.1\r\n\r\n") == "HTTP/1.1 400 Bad Request");
  CHECK(status_line("GET /things/1 HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n") ==
        "HTTP/1.1 400 Bad Request");
  CHECK(status_line("PUT /body HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: "
                    "chunked\r\n\r\n0\r\n\r\n") == "HTTP/1.1 400 Bad Request");
  CHECK(status_line("PUT /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: "
                    "3\r\n\r\n0\r\n\r\n") == "HTTP/1.1 400 Bad Request");
  CHECK(status_line("PUT /body HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc") ==
        "HTTP/1.1 400 Bad Request");
  CHECK(status_line("PUT /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n") ==
        "HTTP/1.1 501 Not Implemented");
  CHECK(status_line("PUT /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\nabc") ==
        "HTTP/1.1 501 Not Implemented");
  CHECK(status_line("GET /things/../body HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n") ==
        "HTTP/1.1 400 Bad Request");
  CHECK(status_line("GET /things/%2e%2e HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n") ==
        "HTTP/1.1 400 Bad Request");
  CHECK(status_line("GET /things/%00 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n") ==
        "HTTP/1.1 400 Bad Request");
  CHECK(status_line("GET /things/1?a=1&a=2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n") ==
        "HTTP/1.1 400 Bad Request");
  CHECK(status_line("nonsense\r\n\r\n") == "HTTP/1.1 400 Bad Request");
  CHECK(status_line("GET /things/1 HTTP/1.1\r\nHost: a\r\nX-Long: " + std::string(9000, 'x') + "\r\n\r\n") ==
        "HTTP/1.1 431 Request Header Fields Too Large");
  CHECK(status_line("GET /link HTTP/1.1\r\nHost: a\r\n\r\n") == "HTTP/1.1 426 Upgrade Required");
}

TEST_CASE("a client that does not speak TLS, or speaks too slowly, is sent away") {
  Setup setup = with_routes();
  setup.settings.handshake_timeout = std::chrono::milliseconds{50};
  with_server(setup, [](Running& on) -> awaitable<void> {
    std::array<char, 4096> piece;

    auto silent = co_await raw_connection(on.server.port());
    const auto [ended, n] = co_await silent.async_read_some(asio::buffer(piece), as_tuple_awaitable);
    CHECK(ended);
    CHECK(n == 0);

    auto mute = co_await tls_connection(on.server.port());  // TLS, but never a request
    {
      const auto got = co_await read_until(*mute, "");
      CHECK(got.empty());
    }

    auto half = co_await tls_connection(on.server.port());
    co_await send_text(*half, "GET /things/1 HTTP/1.1\r\nHo");
    {
      const auto got = co_await read_until(*half, "");
      CHECK(got.empty());
    }

    auto plain_http = co_await raw_connection(on.server.port());
    co_await asio::async_write(
        plain_http, asio::buffer(std::string_view{"GET / HTTP/1.1\r\nHost: x\r\n\r\n"}), asio::use_awaitable);
    const auto [error, size] = co_await asio::async_read(plain_http, asio::buffer(piece), as_tuple_awaitable);
    CHECK(error);
    CHECK(std::string_view{piece.data(), size}.find("This port speaks HTTPS") != std::string_view::npos);

    auto garbage = co_await raw_connection(on.server.port());
    co_await asio::async_write(garbage, asio::buffer(std::string(1000, '\x5a')), asio::use_awaitable);
    const auto [over, some] = co_await asio::async_read(garbage, asio::buffer(piece), as_tuple_awaitable);
    CHECK(over);

    auto client = make_http_client(on.loop, on.address, client_tls());
    {
      const auto got = co_await client->send(request("GET", "/things/1"), kLong);
      CHECK(got.value().status == 200);
    }
  });
}

TEST_CASE("a body that does not arrive in time ends the connection") {
  Setup setup = with_routes();
  setup.settings.body_timeout = std::chrono::milliseconds{50};
  with_server(setup, [](Running& on) -> awaitable<void> {
    auto stream = co_await tls_connection(on.server.port());
    co_await send_text(*stream, "PUT /body HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc");
    {
      const auto got = co_await read_until(*stream, "");
      CHECK(got.empty());
    }
  });
}

TEST_CASE("connections above the limit wait for a place") {
  Setup setup = with_routes();
  setup.settings.connections_max = 1;
  with_server(setup, [](Running& on) -> awaitable<void> {
    auto first = make_http_client(on.loop, on.address, client_tls());
    {
      const auto got = co_await first->send(request("GET", "/things/1"), kLong);
      CHECK(got.value().status == 200);
    }
    auto second = make_http_client(on.loop, on.address, client_tls());
    const auto blocked = co_await second->send(request("GET", "/things/1"), std::chrono::milliseconds{100});
    CHECK(blocked.error().code == Code::unavailable);
    first.reset();
    {
      const auto got = co_await second->send(request("GET", "/things/1"), kLong);
      CHECK(got.value().status == 200);
    }
  });
}

TEST_CASE("draining lets a running request finish and then ends the server") {
  on_loop([](asio::io_context& loop) -> awaitable<void> {
    Event started{loop.get_executor()};
    Event go_on{loop.get_executor()};
    auto slow = [&](Request) -> awaitable<Response> {
      started.notify();
      co_await go_on.wait_for(kLong);
      co_return plain(200, "finished");
    };
    std::vector<Route> table{{"GET", "/slow", 0, slow, ""}, {"GET", "/things/{id}", 0, mirror, ""}};
    auto server = make_http_server(loop, any_port(), server_tls(), table, "", "", {}).value();
    TaskGroup tasks{loop.get_executor(), TaskGroup::OnError::keep_going};
    tasks.spawn("server", server->run());
    const Address address{"localhost", server->port(), "/"};

    auto idle = make_http_client(loop, address, client_tls());
    {
      const auto got = co_await idle->send(request("GET", "/things/1"), kLong);
      REQUIRE(ok(got));
    }  // leaves an idle connection behind
    std::optional<Result<Response>> answer;
    TaskGroup clients{loop.get_executor(), TaskGroup::OnError::keep_going};
    auto ask = [&]() -> awaitable<void> {
      auto client = make_http_client(loop, address, client_tls());
      auto got = co_await client->send(request("GET", "/slow"), kLong);
      answer = std::move(got);
    };
    clients.spawn("client", ask());
    {
      const auto got = co_await started.wait_for(kLong);
      REQUIRE(got);
    }

    tasks.drain();
    const auto late = co_await idle->send(request("GET", "/things/1"), kLong);
    go_on.notify();
    co_await tasks.join();
    co_await clients.join();

    CHECK_FALSE(ok(late));
    REQUIRE(ok(answer));
    REQUIRE(ok(*answer));
    CHECK(as_text((*answer)->body) == "finished");
    CHECK((*answer)->header("Connection") == "close");
  });
}

TEST_CASE("cancelling ends handshakes, requests and links at once") {
  on_loop([](asio::io_context& loop) -> awaitable<void> {
    Event started{loop.get_executor()};
    auto slow = [&](Request) -> awaitable<Response> {
      started.notify();
      co_await pause_for(kLong);
      co_return plain(200, "too late");
    };
    std::vector<Route> table{{"GET", "/slow", 0, slow, ""}};
    auto server = make_http_server(loop, any_port(), server_tls(), table, "/link", "vmc.test", echo).value();
    TaskGroup tasks{loop.get_executor(), TaskGroup::OnError::keep_going};
    tasks.spawn("server", server->run());
    const Address address{"localhost", server->port(), "/link"};
    auto silent = co_await raw_connection(server->port());
    auto link = (co_await connect_link(address, "vmc.test", client_tls(), kConnect)).value();
    auto stream = co_await tls_connection(server->port());
    co_await send_text(*stream, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
    {
      const auto got = co_await started.wait_for(kLong);
      REQUIRE(got);
    }

    tasks.cancel();
    co_await tasks.join();

    {
      const auto got = co_await read_until(*stream, "");
      CHECK(got.empty());
    }
    {
      const auto got = co_await link->receive(kLong);
      CHECK(got.error().code == Code::unavailable);
    }
  });
}

TEST_CASE("a request can be cancelled") {
  on_loop([](asio::io_context& loop) -> awaitable<void> {
    tcp::acceptor silent{loop, tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
    TaskGroup tasks{loop.get_executor(), TaskGroup::OnError::keep_going};
    std::optional<Result<Response>> answer;
    const Address address{"127.0.0.1", silent.local_endpoint().port(), "/"};
    auto ask = [&]() -> awaitable<void> {
      co_await asio::this_coro::throw_if_cancelled(false);
      auto client = make_http_client(loop, address, client_tls());
      auto got = co_await client->send(request("GET", "/"), kLong);
      answer = std::move(got);
    };
    tasks.spawn("client", ask());
    co_await silent.async_accept(asio::use_awaitable);
    tasks.cancel();
    co_await tasks.join();
    REQUIRE(ok(answer));
    CHECK(answer->error().code == Code::cancelled);
  });
}

TEST_CASE("a port in use is reported") {
  on_loop([](asio::io_context& loop) -> awaitable<void> {
    auto first = make_http_server(loop, any_port(), server_tls(), {}, "", "", {}).value();
    ServerSettings same;
    same.port = first->port();
    const auto second = make_http_server(loop, same, server_tls(), {}, "", "", {});
    REQUIRE_FALSE(ok(second));
    CHECK(second.error().code == Code::unavailable);
    CHECK(second.error().message.find("Address already in use") != std::string::npos);
    ServerSettings nowhere;
    nowhere.address = "localhost";
    CHECK(make_http_server(loop, nowhere, server_tls(), {}, "", "", {}).error().code ==
          Code::invalid_request);
    co_return;
  });
}

TEST_CASE("random bytes on 500 connections do not hurt the server") {
  Setup setup = with_routes();
  setup.settings.handshake_timeout = std::chrono::milliseconds{300};
  with_server(setup, [](Running& on) -> awaitable<void> {
    std::mt19937 random{20260131};
    const auto tls = client_tls();
    TaskGroup attackers{on.loop.get_executor(), TaskGroup::OnError::keep_going};
    int ended = 0;
    auto bytes_for = [&](int i) {
      static const std::vector<std::string> beginnings{
          "",
          "GET / HTTP/1.1\r\n",
          "PUT /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
          "\x16\x03\x01",
          "PUT /body HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n",
          "GET /link HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: "
          "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: "
          "vmc.test\r\n\r\n"};
      std::string bytes = beginnings[static_cast<std::size_t>(i) % beginnings.size()];
      for (auto n = random() % 1500; n > 0; --n) bytes += static_cast<char>(random());
      return bytes;
    };
    auto attack = [&](std::string bytes, bool inside_tls) -> awaitable<void> {
      auto socket = co_await raw_connection(on.server.port());
      if (inside_tls) {
        TlsStream stream{std::move(socket), tls, TlsStream::Role::client};
        const auto failed = co_await stream.handshake("localhost");
        if (!failed) {
          const std::array<asio::const_buffer, 2> wire{asio::buffer(bytes), asio::const_buffer{}};
          co_await stream.write_all(wire);
          stream.limit_read(std::chrono::milliseconds{400});
          co_await read_until(stream, "");
        }
      } else {
        co_await asio::async_write(socket, asio::buffer(bytes), as_tuple_awaitable);
        std::array<char, 1024> piece;
        for (bool over = false; !over;) {
          const auto [error, n] = co_await socket.async_read_some(asio::buffer(piece), as_tuple_awaitable);
          over = static_cast<bool>(error);
        }
      }
      ++ended;
    };
    for (int i = 0; i < 500; ++i) {
      co_await attackers.wait_below(50);
      attackers.spawn("attacker", attack(bytes_for(i), i % 3 != 0));
    }
    co_await attackers.join();
    CHECK(ended == 500);
    auto client = make_http_client(on.loop, on.address, tls);
    {
      const auto got = co_await client->send(request("GET", "/things/1"), kLong);
      CHECK(got.value().status == 200);
    }
  });
}

TEST_CASE("an error survives the way through a problem answer") {
  for (const auto& known : all_codes()) {
    const Error sent{known.code, "what happened", "what to do"};
    const auto response = Response::problem(sent, "req_1");
    CHECK(response.status == known.http_status);
    const auto received = error_from(response);
    CHECK(received.code == sent.code);
    CHECK(received.message == sent.message);
    CHECK(received.hint == sent.hint);
  }
  CHECK(error_from(plain(503, "<html>")).code == Code::unavailable);
  CHECK(error_from(plain(429, "{}")).code == Code::rate_limited);
  CHECK(error_from(plain(404, R"({"code":7,"detail":[]})")).code == Code::not_found);
  CHECK(error_from(plain(500, std::string(100'000, '['))).code == Code::internal);
}

TEST_CASE("a request that would split its own head is not sent") {
  on_loop([](asio::io_context& loop) -> awaitable<void> {
    auto client = make_http_client(loop, Address{"localhost", 1, "/"}, client_tls());
    auto bad_value = request("GET", "/");
    bad_value.headers.emplace_back("X-A", "b\r\nX-C: d");
    {
      const auto got = co_await client->send(bad_value, kLong);
      CHECK(got.error().code == Code::invalid_request);
    }
    auto bad_name = request("GET", "/");
    bad_name.headers.emplace_back("X A", "b");
    {
      const auto got = co_await client->send(bad_name, kLong);
      CHECK(got.error().code == Code::invalid_request);
    }
    {
      const auto got = co_await client->send(request("GET /x HTTP/1.1\r\n", "/"), kLong);
      CHECK(got.error().code == Code::invalid_request);
    }
  });
}

TEST_CASE("a route table with a mistake is refused") {
  const auto verdict = [](std::vector<Route> table) {
    return RouteTable::make(std::move(table)).has_value();
  };
  CHECK(verdict({{"GET", "/a", 0, mirror, ""}, {"PUT", "/a", 0, mirror, ""}}));
  CHECK_FALSE(verdict({{"GET", "/a/{x}", 0, mirror, ""}, {"GET", "/a/{y}", 0, mirror, ""}}));
  CHECK_FALSE(verdict({{"GET", "a", 0, mirror, ""}}));
  CHECK_FALSE(verdict({{"GET", "/a{x}", 0, mirror, ""}}));
  CHECK_FALSE(verdict({{"GET", "/a", 0, Handler{}, ""}}));
}

TEST_CASE("targets come back from their encoded form") {
  const std::map<std::string, std::string> query{{"a b", "ä&=+%"}, {"empty", ""}};
  const auto text = make_target("/x y/ü%2F", query);
  const auto target = parse_target(text).value();
  CHECK(target.path == "/x y/ü%2F");
  CHECK(target.query == query);
  for (const char* bad : {"", "x", "/%", "/%g0", "/%4", "/a/../b", "/.", "/%ff", "/%0a", "*"}) {
    INFO(bad);
    CHECK_FALSE(ok(parse_target(bad)));
  }
}
