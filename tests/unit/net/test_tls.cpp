#include <catch2/catch.hpp>
#include <fstream>

#include <boost/asio/write.hpp>

#include "unit/net/support.hpp"

using namespace vmc;
using namespace vmc::net;
using namespace vmc::net::test;

namespace {

// What connecting to a server with this certificate says.
std::string verdict(std::shared_ptr<TlsContext> server, std::shared_ptr<TlsContext> client,
                    std::string host) {
  std::string text;
  Setup setup;
  setup.tls = std::move(server);
  with_server(setup, [&](Running& on) -> awaitable<void> {
    Address address = on.address;
    address.host = host;
    auto link = co_await connect_link(address, "vmc.test", client, kConnect);
    text = link ? "connected" : link.error().text();
  });
  return text;
}

bool says(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a certificate of the trusted authority is accepted for the host name and the address it names") {
  CHECK(verdict(server_tls(), client_tls(), "localhost") == "connected");
  CHECK(verdict(server_tls(), client_tls(), "127.0.0.1") == "connected");
}

TEST_CASE("a certificate of another authority is refused and its issuer named") {
  const auto text = verdict(server_tls("stranger.pem", "stranger.key"), client_tls(), "localhost");
  INFO(text);
  CHECK(says(text, "UNAVAILABLE"));
  CHECK(says(text, "not trusted"));
  CHECK(says(text, "stranger authority"));
}

TEST_CASE("the system's authorities do not vouch for a private one") {
  const auto text = verdict(server_tls(), make_client_tls({}).value(), "localhost");
  INFO(text);
  CHECK(says(text, "not trusted"));
}

TEST_CASE("an expired certificate is refused with its date") {
  const auto text = verdict(careless_server_tls("expired.pem"), client_tls(), "localhost");
  INFO(text);
  CHECK(says(text, "expired on 2001-01-01"));
}

TEST_CASE("a certificate for another host is refused and its names shown") {
  const auto text = verdict(server_tls("other_host.pem"), client_tls(), "localhost");
  INFO(text);
  CHECK(says(text, "another host"));
  CHECK(says(text, "elsewhere.example"));
  CHECK(says(verdict(server_tls("other_host.pem"), client_tls(), "127.0.0.1"), "another host"));
}

TEST_CASE("a pin alone decides: the pinned key is accepted, every other refused") {
  const auto pinned = make_client_tls({"", pin_of("server.pem")}).value();
  CHECK(verdict(server_tls(), pinned, "localhost") == "connected");
  const auto text = verdict(server_tls("stranger.pem", "stranger.key"), pinned, "localhost");
  INFO(text);
  CHECK(says(text, "not the pinned one"));
  const auto with_backup = make_client_tls({"", pin_of("stranger.pem") + "," + pin_of("server.pem")}).value();
  CHECK(verdict(server_tls(), with_backup, "localhost") == "connected");
}

TEST_CASE("settings that cannot work are refused with the file and the reason") {
  const auto message = [](auto result) { return result ? std::string{"accepted"} : result.error().message; };
  CHECK(says(message(make_server_tls({"/nonexistent/a.pem", file("server.key")})),
             "/nonexistent/a.pem: No such file"));
  CHECK(
      says(message(make_server_tls({file("server.key"), file("server.key")})), "no usable PEM certificate"));
  CHECK(says(message(make_server_tls({file("server.pem"), file("stranger.key")})), "does not fit"));
  CHECK(says(message(make_server_tls({file("expired.pem"), file("server.key")})), "expired on 2001-01-01"));
  CHECK(says(message(make_server_tls({file("server.pem"), certificates().string()})), "is not a file"));
  CHECK(says(message(make_client_tls({file("authority.pem"), pin_of("server.pem")})), "exclude each other"));
  CHECK(says(message(make_client_tls({"", "AAAA"})), "44 characters"));
  std::ofstream{certificates() / "empty.pem"} << "";
  CHECK(says(message(make_client_tls({file("empty.pem"), ""})), "no usable PEM certificate"));
}

TEST_CASE("a closed port, a name that does not resolve and a silent port are told apart") {
  on_loop([](asio::io_context& loop) -> awaitable<void> {
    tcp::acceptor silent{loop, tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
    std::uint16_t closed_port = 0;
    {
      tcp::acceptor gone{loop, tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
      closed_port = gone.local_endpoint().port();
    }
    ConnectSettings quick;
    quick.timeout = std::chrono::milliseconds{300};
    const Address closed{"127.0.0.1", closed_port, "/"};
    const Address nameless{"no-such-host.invalid", 443, "/"};
    const Address dumb{"127.0.0.1", silent.local_endpoint().port(), "/"};

    auto a = co_await connect_link(closed, "vmc.test", client_tls(), kConnect);
    auto b = co_await connect_link(nameless, "vmc.test", client_tls(), kConnect);
    auto c = co_await connect_link(dumb, "vmc.test", client_tls(), quick);

    CHECK(says(a.error().text(), "port closed"));
    CHECK(says(b.error().text(), "no-such-host.invalid"));
    CHECK(b.error().code == Code::unavailable);
    CHECK(says(c.error().text(), "TLS handshake took too long"));
  });
}

TEST_CASE("a port that speaks something else than TLS is recognised") {
  on_loop([](asio::io_context& loop) -> awaitable<void> {
    tcp::acceptor acceptor{loop, tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
    TaskGroup tasks{loop.get_executor(), TaskGroup::OnError::keep_going};
    auto banner = [&acceptor]() -> awaitable<void> {
      auto socket = co_await acceptor.async_accept(asio::use_awaitable);
      co_await asio::async_write(socket, asio::buffer("220 mail.example ESMTP\r\n", 24), asio::use_awaitable);
      std::array<char, 1024> scrap;
      co_await socket.async_read_some(asio::buffer(scrap), as_tuple_awaitable);
    };
    tasks.spawn("banner", banner());
    const Address address{"127.0.0.1", acceptor.local_endpoint().port(), "/"};
    auto link = co_await connect_link(address, "vmc.test", client_tls(), kConnect);
    CHECK(says(link.error().text(), "does not speak TLS"));
    tasks.cancel();
    co_await tasks.join();
  });
}

TEST_CASE("writing to a peer that went away is an error, not a signal") {
  on_loop([](asio::io_context& loop) -> awaitable<void> {
    tcp::acceptor acceptor{loop, tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
    TaskGroup tasks{loop.get_executor(), TaskGroup::OnError::keep_going};
    auto vanish = [&acceptor]() -> awaitable<void> {
      auto socket = co_await acceptor.async_accept(asio::use_awaitable);
      TlsStream stream{std::move(socket), server_tls(), TlsStream::Role::server};
      co_await stream.handshake();
    };
    tasks.spawn("vanish", vanish());
    auto stream = co_await tls_connection(acceptor.local_endpoint().port());
    co_await tasks.join();
    const Bytes data(1 << 20, 'x');
    const std::array<asio::const_buffer, 2> wire{asio::buffer(data), asio::buffer(data)};
    error_code error;
    for (int i = 0; i < 100 && !error; ++i) error = co_await stream->write_all(wire);
    CHECK(error);
  });
}

TEST_CASE("addresses are taken apart strictly") {
  const auto a = parse_address("wss://gate.example.com/agent?x=1").value();
  CHECK(a.host == "gate.example.com");
  CHECK(a.port == 443);
  CHECK(a.path == "/agent?x=1");
  const auto b = parse_address("https://[::1]:8443").value();
  CHECK(b.host == "::1");
  CHECK(b.port == 8443);
  CHECK(b.path == "/");
  for (const char* bad : {"ws://a/", "http://a/", "gate.example.com", "wss://", "wss://a:0/",
                          "wss://a:65536/", "wss://a:1x/", "wss://user:pw@a/", "wss://a b/", "wss://a/ b",
                          "wss://a/#x", "wss://[::1/", "wss://-a/", "wss://a?x"}) {
    INFO(bad);
    REQUIRE_FALSE(ok(parse_address(bad)));
    CHECK(parse_address(bad).error().code == Code::invalid_request);
  }
}
