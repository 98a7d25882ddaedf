#include "unit/net/support.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>

namespace vmc::net::test {
namespace {

void must(bool done, const char* what) {
  if (!done) throw std::runtime_error{what};
}

EVP_PKEY* write_key(const std::filesystem::path& path) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  must(key != nullptr, "key");
  std::FILE* out = std::fopen(path.c_str(), "w");
  must(out != nullptr && PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr) == 1,
       "key file");
  std::fclose(out);
  return key;
}

struct Wanted {
  const char* common_name;
  const char* names;  // subjectAltName, empty: an authority
  const char* not_before;
  const char* not_after;
};

X509* write_certificate(const std::filesystem::path& path, const Wanted& wanted, EVP_PKEY* key, X509* issuer,
                        EVP_PKEY* issuer_key) {
  static long serial = 1;
  X509* made = X509_new();
  X509_set_version(made, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(made), serial++);
  ASN1_TIME_set_string(X509_getm_notBefore(made), wanted.not_before);
  ASN1_TIME_set_string(X509_getm_notAfter(made), wanted.not_after);
  X509_set_pubkey(made, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(wanted.common_name), -1, -1, 0);
  X509_set_issuer_name(made, X509_get_subject_name(issuer != nullptr ? issuer : made));
  const bool authority = wanted.names[0] == '\0';
  X509_EXTENSION* extension =
      X509V3_EXT_conf_nid(nullptr, nullptr, authority ? NID_basic_constraints : NID_subject_alt_name,
                          authority ? "critical,CA:TRUE" : wanted.names);
  must(extension != nullptr && X509_add_ext(made, extension, -1) == 1, "extension");
  X509_EXTENSION_free(extension);
  must(X509_sign(made, issuer_key, EVP_sha256()) > 0, "signature");
  std::FILE* out = std::fopen(path.c_str(), "w");
  must(out != nullptr && PEM_write_X509(out, made) == 1, "certificate file");
  std::fclose(out);
  return made;
}

struct Directory {
  std::filesystem::path path;
  Directory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "vmc_net_XXXXXX").string();
    must(mkdtemp(pattern.data()) != nullptr, "directory");
    path = pattern;
    constexpr const char* from = "20000101000000Z";
    constexpr const char* to = "20991231235959Z";
    constexpr const char* here = "DNS:localhost,IP:127.0.0.1";
    EVP_PKEY* root_key = write_key(path / "authority.key");
    X509* root = write_certificate(path / "authority.pem", {"vmc test authority", "", from, to}, root_key,
                                   nullptr, root_key);
    EVP_PKEY* key = write_key(path / "server.key");
    X509_free(write_certificate(path / "server.pem", {"server", here, from, to}, key, root, root_key));
    X509_free(write_certificate(path / "other_host.pem", {"server", "DNS:elsewhere.example", from, to}, key,
                                root, root_key));
    X509_free(write_certificate(path / "expired.pem", {"server", here, from, "20010101000000Z"}, key, root,
                                root_key));
    EVP_PKEY* strange_root_key = write_key(path / "strange_authority.key");
    X509* strange_root =
        write_certificate(path / "strange_authority.pem", {"stranger authority", "", from, to},
                          strange_root_key, nullptr, strange_root_key);
    EVP_PKEY* strange_key = write_key(path / "stranger.key");
    X509_free(write_certificate(path / "stranger.pem", {"stranger", here, from, to}, strange_key,
                                strange_root, strange_root_key));
    X509_free(root);
    X509_free(strange_root);
    for (auto* k : {root_key, key, strange_root_key, strange_key}) EVP_PKEY_free(k);
  }
  ~Directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
};

class CarelessContext final : public TlsContext {
 public:
  explicit CarelessContext(const char* certificate) : native_{SSL_CTX_new(TLS_server_method())} {
    must(SSL_CTX_use_certificate_chain_file(native_, file(certificate).c_str()) == 1, "certificate");
    must(SSL_CTX_use_PrivateKey_file(native_, file("server.key").c_str(), SSL_FILETYPE_PEM) == 1, "key");
  }
  ~CarelessContext() override { SSL_CTX_free(native_); }
  void* native() const override { return native_; }

 private:
  SSL_CTX* native_;
};

}  // namespace

const std::filesystem::path& certificates() {
  static const Directory directory;
  return directory.path;
}
std::string file(const char* name) { return (certificates() / name).string(); }

std::shared_ptr<TlsContext> server_tls(const char* certificate, const char* key) {
  return make_server_tls({file(certificate), file(key)}).value();
}
std::shared_ptr<TlsContext> client_tls(const char* authority) {
  return make_client_tls({file(authority), ""}).value();
}
std::shared_ptr<TlsContext> careless_server_tls(const char* certificate) {
  return std::make_shared<CarelessContext>(certificate);
}

std::string pin_of(const char* certificate) {
  std::FILE* in = std::fopen(file(certificate).c_str(), "r");
  X509* read = PEM_read_X509(in, nullptr, nullptr, nullptr);
  std::fclose(in);
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(X509_get0_pubkey(read), &der);
  Bytes digest(32);
  EVP_Digest(der, static_cast<std::size_t>(size), digest.data(), nullptr, EVP_sha256(), nullptr);
  OPENSSL_free(der);
  X509_free(read);
  return to_base64(digest);
}

void on_loop(std::function<awaitable<void>(asio::io_context&)> body) {
  asio::io_context loop;
  bool finished = false;
  std::exception_ptr thrown;
  asio::co_spawn(loop, body(loop), [&](std::exception_ptr error) {
    finished = true;
    thrown = error;
    loop.stop();
  });
  loop.run_for(std::chrono::seconds{30});
  if (!finished) {
    std::fputs("the test did not end within 30 s\n", stderr);
    std::abort();  // parts of it are still running: nothing can be cleaned up
  }
  if (thrown) std::rethrow_exception(thrown);
}

void with_server(Setup setup, std::function<awaitable<void>(Running&)> body) {
  on_loop([&](asio::io_context& loop) -> awaitable<void> {
    LinkHandler on_link = setup.on_link ? setup.on_link : LinkHandler{echo};
    auto made = make_http_server(loop, setup.settings, setup.tls ? setup.tls : server_tls(), setup.routes,
                                 "/link", "vmc.test", on_link);
    auto server = std::move(made).value();
    TaskGroup tasks{loop.get_executor(), TaskGroup::OnError::keep_going};
    tasks.spawn("server", server->run());
    Running running{loop, *server, tasks, Address{"localhost", server->port(), "/link"}};
    std::exception_ptr thrown;
    try {
      co_await body(running);
    } catch (...) {
      thrown = std::current_exception();
    }
    tasks.cancel();
    co_await tasks.join();
    if (thrown) std::rethrow_exception(thrown);
  });
}

ServerSettings any_port() {
  ServerSettings settings;
  settings.port = 0;
  return settings;
}

awaitable<void> echo(std::unique_ptr<Link> link) {
  for (;;) {
    auto message = co_await link->receive(std::chrono::seconds{30});
    if (!message) co_return;
    auto sent = co_await link->send(std::move(*message));
    if (!sent) co_return;
  }
}

awaitable<Result<std::unique_ptr<Link>>> open(Running& on, std::size_t message_max) {
  ConnectSettings settings;
  settings.link.message_bytes = message_max;
  co_return co_await connect_link(on.address, "vmc.test", client_tls(), settings);
}

awaitable<tcp::socket> raw_connection(std::uint16_t port) {
  tcp::socket socket{co_await asio::this_coro::executor};
  const tcp::endpoint endpoint{asio::ip::address_v4::loopback(), port};
  const auto [error] = co_await socket.async_connect(endpoint, as_tuple_awaitable);
  if (error) throw std::runtime_error{"connect: " + error.message()};
  co_return socket;
}

awaitable<std::unique_ptr<TlsStream>> tls_connection(std::uint16_t port) {
  auto socket = co_await raw_connection(port);
  auto stream = std::make_unique<TlsStream>(std::move(socket), client_tls(), TlsStream::Role::client);
  const auto error = co_await stream->handshake("localhost");
  if (error) throw std::runtime_error{"handshake: " + stream->diagnosis(error)};
  co_return stream;
}

awaitable<void> send_text(TlsStream& stream, std::string text) {
  const std::array<asio::const_buffer, 2> wire{asio::buffer(text), asio::const_buffer{}};
  const auto error = co_await stream.write_all(wire);
  if (error) throw std::runtime_error{"write: " + error.message()};
}

awaitable<std::string> read_until(TlsStream& stream, std::string end) {
  std::string got;
  std::array<char, 4096> piece;
  while (end.empty() || got.find(end) == std::string::npos) {
    const auto transfer = co_await stream.read_some(asio::buffer(piece));
    got.append(piece.data(), transfer.bytes);
    if (transfer.error) break;
  }
  co_return got;
}

awaitable<std::string> dialogue(std::uint16_t port, std::string text) {
  auto stream = co_await tls_connection(port);
  co_await send_text(*stream, std::move(text));
  co_return co_await read_until(*stream, "");
}

}  // namespace vmc::net::test
