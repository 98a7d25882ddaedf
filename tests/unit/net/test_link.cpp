#include <malloc.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <fstream>

#include "core/event.hpp"
#include "unit/net/support.hpp"

using namespace vmc;
using namespace vmc::net;
using namespace vmc::net::test;

namespace {

constexpr Duration kLong = std::chrono::seconds{30};

// Upgrades by hand, so that frames can be sent that our own client never sends.
awaitable<std::unique_ptr<TlsStream>> raw_link(std::uint16_t port) {
  auto stream = co_await tls_connection(port);
  std::string request =
      "GET /link HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Protocol: vmc.test\r\n\r\n";
  co_await send_text(*stream, std::move(request));
  const auto answer = co_await read_until(*stream, "\r\n\r\n");
  if (answer.find(" 101 ") == std::string::npos) throw std::runtime_error{answer};
  co_return stream;
}

// A masked frame (mask 0) of up to 125 bytes.
std::string frame(std::uint8_t first, std::string_view payload) {
  std::string bytes;
  bytes += static_cast<char>(first);
  bytes += static_cast<char>(0x80 | payload.size());
  bytes.append(4, '\0');
  bytes += payload;
  return bytes;
}

// What the server's side of a link hears first.
struct FirstWord {
  std::optional<Result<std::string>> heard;
  std::size_t message_max = 1000;
  LinkHandler handler() {
    return [this](std::unique_ptr<Link> link) -> awaitable<void> { co_await listen(std::move(link)); };
  }
  awaitable<void> listen(std::unique_ptr<Link> link) {
    link->set_message_limit(message_max);
    auto message = co_await link->receive(kLong);
    heard = std::move(message);
  }
};

// Sends `bytes` over a hand-made link; returns the server's verdict and what it answered before closing.
std::pair<Result<std::string>, std::string> reaction(std::string bytes) {
  FirstWord first;
  std::string answer;
  Setup setup;
  setup.on_link = first.handler();
  with_server(setup, [&](Running& on) -> awaitable<void> {
    auto stream = co_await raw_link(on.server.port());
    co_await send_text(*stream, bytes);
    answer = co_await read_until(*stream, "");
  });
  return {std::move(first.heard).value(), answer};
}

int close_code(const std::string& answer) {
  if (answer.size() < 4 || static_cast<unsigned char>(answer[0]) != 0x88) return 0;
  return static_cast<unsigned char>(answer[2]) * 256 + static_cast<unsigned char>(answer[3]);
}

}  // namespace

TEST_CASE("messages go there and back in order") {
  with_server({}, [](Running& on) -> awaitable<void> {
    auto link = (co_await open(on)).value();
    for (int i = 0; i < 200; ++i) {
      const auto got = co_await link->send("message " + std::to_string(i));
      REQUIRE(ok(got));
    }
    for (int i = 0; i < 200; ++i) {
      const auto message = co_await link->receive(kLong);
      REQUIRE(ok(message));
      CHECK(*message == "message " + std::to_string(i));
    }
    CHECK(link->peer() == "127.0.0.1");
    co_await link->close(1000, "done");
    {
      const auto got = co_await link->receive(kLong);
      CHECK(got.error().code == Code::unavailable);
    }
    {
      const auto got = co_await link->send("late");
      CHECK(got.error().code == Code::unavailable);
    }
  });
}

TEST_CASE("messages of concurrent senders arrive whole and in the order of the calls") {
  with_server({}, [](Running& on) -> awaitable<void> {
    auto link = (co_await open(on)).value();
    TaskGroup senders{on.loop.get_executor(), TaskGroup::OnError::fail_group};
    auto send = [&link](int i) -> awaitable<void> {
      const std::string text(static_cast<std::size_t>(1 + i * 997), static_cast<char>('a' + i % 26));
      const auto sent = co_await link->send(text);
      if (!sent) throw std::runtime_error{sent.error().message};
    };
    for (int i = 0; i < 50; ++i) senders.spawn("sender", send(i));
    for (int i = 0; i < 50; ++i) {
      const auto message = co_await link->receive(kLong);
      REQUIRE(ok(message));
      CHECK(message->size() == static_cast<std::size_t>(1 + i * 997));
      CHECK(message->find_first_not_of(static_cast<char>('a' + i % 26)) == std::string::npos);
    }
    co_await senders.join();
  });
}

TEST_CASE("a message of 4 MiB passes") {
  with_server({}, [](Running& on) -> awaitable<void> {
    auto link = (co_await open(on)).value();
    std::string big(4u << 20, 'x');
    for (std::size_t i = 0; i < big.size(); i += 4099) big[i] = static_cast<char>('a' + i % 26);
    {
      const auto got = co_await link->send(big);
      REQUIRE(ok(got));
    }
    const auto back = co_await link->receive(kLong);
    REQUIRE(ok(back));
    CHECK(*back == big);
  });
}

TEST_CASE("a message above the limit ends the link with code 1009") {
  FirstWord first;
  Setup setup;
  setup.on_link = first.handler();
  std::string told;
  with_server(setup, [&](Running& on) -> awaitable<void> {
    auto link = (co_await open(on)).value();
    co_await link->send(std::string(100'000, 'x'));
    told = (co_await link->receive(kLong)).error().message;
  });
  REQUIRE(first.heard);
  CHECK(first.heard->error().code == Code::command_malformed);
  CHECK(first.heard->error().message == "the message is longer than 1000 bytes");
  INFO(told);
  CHECK(told.find("1009") != std::string::npos);
}

TEST_CASE("a message in fragments counts as a whole") {
  std::string fragments = frame(0x01, std::string(100, 'a'));
  for (int i = 0; i < 20; ++i) fragments += frame(0x00, std::string(100, 'b'));
  const auto [heard, answer] = reaction(fragments);
  CHECK(heard.error().code == Code::command_malformed);
  CHECK(close_code(answer) == 1009);

  const auto [fits, _] = reaction(frame(0x01, "two ") + frame(0x80, "halves"));
  REQUIRE(ok(fits));
  CHECK(*fits == "two halves");
}

TEST_CASE("what is not a text message of the protocol is refused") {
  struct Case {
    const char* what;
    std::string bytes;
    int code;
  };
  const std::vector<Case> cases{
      {"binary", frame(0x82, "data"), 1003},
      {"not UTF-8", frame(0x81, "\xff\xfe"), 1007},
      {"unmasked", std::string{"\x81\x02hi", 4}, 1002},
      {"reserved bit", frame(0xc1, "x"), 1002},
      {"unknown opcode", frame(0x83, "x"), 1002},
      {"continuation of nothing", frame(0x80, "x"), 1002},
      {"fragmented ping", frame(0x09, "x"), 1002},
  };
  for (const auto& one : cases) {
    INFO(one.what);
    const auto [heard, answer] = reaction(one.bytes);
    REQUIRE_FALSE(ok(heard));
    CHECK(heard.error().code == Code::command_malformed);
    CHECK(close_code(answer) == one.code);
  }
}

TEST_CASE("a ping is answered with its payload") {
  with_server({}, [](Running& on) -> awaitable<void> {
    auto stream = co_await raw_link(on.server.port());
    co_await send_text(*stream, frame(0x89, "are you there"));
    const auto pong = co_await read_until(*stream, "are you there");
    CHECK(pong == std::string{"\x8a\x0d"} + "are you there");
  });
}

TEST_CASE("silence is reported and the link stays usable") {
  with_server({}, [](Running& on) -> awaitable<void> {
    auto link = (co_await open(on)).value();
    const auto nothing = co_await link->receive(std::chrono::milliseconds{20});
    CHECK(nothing.error().code == Code::unavailable);
    CHECK(nothing.error().message == "no message for 0.02 s");
    {
      const auto got = co_await link->send("still here");
      REQUIRE(ok(got));
    }
    const auto back = co_await link->receive(kLong);
    REQUIRE(ok(back));
    CHECK(*back == "still here");
  });
}

TEST_CASE("a receiver that is told to stop can still say goodbye") {
  std::string told;
  Setup setup;
  setup.on_link = [](std::unique_ptr<Link> link) -> awaitable<void> {
    co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
    co_await asio::this_coro::throw_if_cancelled(false);
    const auto message = co_await link->receive(kLong);
    co_await asio::this_coro::reset_cancellation_state();
    const bool stopped = !message && message.error().code == Code::cancelled;
    co_await link->close(1001, stopped ? "going away" : "unexpected");
  };
  on_loop([&](asio::io_context& loop) -> awaitable<void> {
    auto server =
        make_http_server(loop, any_port(), server_tls(), {}, "/link", "vmc.test", setup.on_link).value();
    TaskGroup tasks{loop.get_executor(), TaskGroup::OnError::keep_going};
    tasks.spawn("server", server->run());
    const Address address{"localhost", server->port(), "/link"};
    auto link = co_await connect_link(address, "vmc.test", client_tls(), kConnect);
    REQUIRE(ok(link));
    tasks.drain();
    told = (co_await (*link)->receive(kLong)).error().message;
    co_await tasks.join();
  });
  CHECK(told == "the peer closed the link (code 1001: going away)");
}

TEST_CASE("abort ends the calls that wait") {
  with_server({}, [](Running& on) -> awaitable<void> {
    auto link = (co_await open(on)).value();
    std::optional<Result<std::string>> heard;
    auto wait = [&]() -> awaitable<void> {
      auto message = co_await link->receive(kLong);
      heard = std::move(message);
    };
    on.tasks.spawn("receiver", wait());
    co_await asio::post(on.loop, asio::use_awaitable);
    link->abort();
    while (!heard) co_await asio::post(on.loop, asio::use_awaitable);
    CHECK(heard->error().code == Code::unavailable);
    {
      const auto got = co_await link->send("x");
      CHECK(got.error().code == Code::unavailable);
    }
  });
}

TEST_CASE("a peer that takes nothing is given up after the write timeout") {
  std::optional<Error> gave_up;
  Setup setup;
  setup.settings.link.write_timeout = std::chrono::milliseconds{50};
  setup.on_link = [&](std::unique_ptr<Link> link) -> awaitable<void> {
    for (;;) {
      const auto sent = co_await link->send(std::string(1 << 20, 'x'));
      if (!sent) {
        gave_up = sent.error();
        co_return;
      }
    }
  };
  with_server(setup, [&](Running& on) -> awaitable<void> {
    auto stream = co_await raw_link(on.server.port());
    while (!gave_up) co_await pause_for(std::chrono::milliseconds{5});
  });
  CHECK(gave_up->code == Code::unavailable);
  CHECK(gave_up->message == "the peer took nothing for too long");
}

TEST_CASE("the send queue of a link has a bound") {
  Setup setup;
  setup.on_link = [](std::unique_ptr<Link> link) -> awaitable<void> {
    co_await pause_for(kLong);  // reads nothing
    link->abort();
  };
  with_server(setup, [](Running& on) -> awaitable<void> {
    auto link = (co_await open(on, 64u << 20)).value();
    TaskGroup senders{on.loop.get_executor(), TaskGroup::OnError::keep_going};
    int refused = 0;
    auto send = [&]() -> awaitable<void> {
      const auto sent = co_await link->send(std::string(16u << 20, 'x'));
      if (!sent && sent.error().code == Code::queue_full) ++refused;
    };
    for (int i = 0; i < 6; ++i) senders.spawn("sender", send());
    while (refused == 0) co_await asio::post(on.loop, asio::use_awaitable);
    link->abort();
    co_await senders.join();
    CHECK(refused == 2);
  });
}

TEST_CASE("only the right subprotocol is upgraded") {
  with_server({}, [](Running& on) -> awaitable<void> {
    auto other = co_await connect_link(on.address, "vmc.other", client_tls(), kConnect);
    REQUIRE_FALSE(ok(other));
    CHECK(other.error().code == Code::unavailable);
    CHECK(other.error().message.find("refused the upgrade of /link to a WebSocket: HTTP 400") !=
          std::string::npos);

    Address elsewhere = on.address;
    elsewhere.path = "/other";
    auto missing = co_await connect_link(elsewhere, "vmc.test", client_tls(), kConnect);
    REQUIRE_FALSE(ok(missing));
    CHECK(missing.error().message.find("HTTP 404") != std::string::npos);
  });
}

TEST_CASE("200 links live on one loop and cost little when idle") {
  constexpr std::size_t kLinks = 200;
  with_server({}, [](Running& on) -> awaitable<void> {
    std::vector<std::unique_ptr<Link>> links;
    links.push_back((co_await open(on)).value());
    const auto tls = client_tls();
    const auto before = mallinfo2().uordblks;
    const ConnectSettings settings;
    while (links.size() <= kLinks) {
      auto link = co_await connect_link(on.address, "vmc.test", tls, settings);
      REQUIRE(ok(link));
      links.push_back(std::move(*link));
    }
    for (auto& link : links) {
      const auto got = co_await link->send("hello");
      REQUIRE(ok(got));
    }
    for (auto& link : links) {
      const auto got = co_await link->receive(kLong);
      CHECK(got.value() == "hello");
    }
    const auto per_end = (mallinfo2().uordblks - before) / kLinks / 2;
    std::printf("idle link: %zu bytes of heap an end\n", per_end);
    CHECK(per_end < 72 * 1024 / 2);
  });
}
