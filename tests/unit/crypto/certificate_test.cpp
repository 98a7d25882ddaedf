#include <catch2/catch.hpp>

#include <openssl/pem.h>

#include "crypto/certificate.hpp"
#include "crypto/openssl_handle.hpp"
#include "support/show_result.hpp"

using namespace vmc;

namespace {

constexpr Micros kDay = 86'400'000'000;
constexpr Micros kNow = 1'700'000'000'000'000;

std::vector<crypto::Certificate> read_chain(const std::string& pem) {
  const crypto::Handle<BIO, BIO_free_all> in{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
  std::vector<crypto::Certificate> chain;
  while (X509* next = PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)) chain.emplace_back(next);
  return chain;
}

crypto::Key read_key(const std::string& pem) {
  const crypto::Handle<BIO, BIO_free_all> in{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
  return crypto::Key{PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr)};
}

// OpenSSL's verdict on the leaf as a TLS server called `name` at time `at`, trusting only `authority`.
int verdict(const std::string& authority, const std::string& chain_pem, const std::string& name, Micros at) {
  const auto roots = read_chain(authority), chain = read_chain(chain_pem);
  REQUIRE(roots.size() == 1);
  REQUIRE(!chain.empty());
  const crypto::Handle<X509_STORE, X509_STORE_free> store{X509_STORE_new()};
  X509_STORE_add_cert(store.get(), roots[0].get());
  const crypto::Handle<X509_STORE_CTX, X509_STORE_CTX_free> context{X509_STORE_CTX_new()};
  X509_STORE_CTX_init(context.get(), store.get(), chain[0].get(), nullptr);
  X509_STORE_CTX_set_default(context.get(), "ssl_server");
  auto* parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT);
  X509_VERIFY_PARAM_set_time(parameters, at / 1'000'000);
  if (X509_VERIFY_PARAM_set1_ip_asc(parameters, name.c_str()) != 1)
    X509_VERIFY_PARAM_set1_host(parameters, name.c_str(), name.size());
  X509_verify_cert(context.get());
  return X509_STORE_CTX_get_error(context.get());
}

}  // namespace

TEST_CASE("OpenSSL accepts the certificate for each of its names and for no other") {
  const auto made =
      crypto::make_certificate({{"vmc.example.com", "localhost", "127.0.0.1", "::1"}, kNow, kNow + kDay});
  REQUIRE(made);
  for (const auto* name : {"vmc.example.com", "localhost", "127.0.0.1", "::1"})
    CHECK(verdict(made->authority_pem, made->certificate_pem, name, kNow + 1'000'000) == X509_V_OK);
  CHECK(verdict(made->authority_pem, made->certificate_pem, "evil.example.com", kNow + 1'000'000) ==
        X509_V_ERR_HOSTNAME_MISMATCH);
  CHECK(verdict(made->authority_pem, made->certificate_pem, "127.0.0.2", kNow + 1'000'000) ==
        X509_V_ERR_IP_ADDRESS_MISMATCH);
}

TEST_CASE("OpenSSL refuses the certificate before and after its time") {
  const auto made = crypto::make_certificate({{"localhost"}, kNow, kNow + kDay});
  REQUIRE(made);
  CHECK(verdict(made->authority_pem, made->certificate_pem, "localhost", kNow - kDay) ==
        X509_V_ERR_CERT_NOT_YET_VALID);
  CHECK(verdict(made->authority_pem, made->certificate_pem, "localhost", kNow + 2 * kDay) ==
        X509_V_ERR_CERT_HAS_EXPIRED);
}

TEST_CASE("another authority does not vouch for the certificate") {
  const auto made = crypto::make_certificate({{"localhost"}, kNow, kNow + kDay});
  const auto other = crypto::make_certificate({{"localhost"}, kNow, kNow + kDay});
  REQUIRE((made && other));
  CHECK(verdict(other->authority_pem, made->certificate_pem, "localhost", kNow + 1'000'000) != X509_V_OK);
}

TEST_CASE("the chain is leaf then authority, and the private key is the leaf's") {
  const auto made = crypto::make_certificate({{"*.example.com"}, kNow, kNow + kDay});
  REQUIRE(made);
  const auto chain = read_chain(made->certificate_pem);
  REQUIRE(chain.size() == 2);
  const auto key = read_key(made->private_key_pem);
  REQUIRE(key);
  CHECK(X509_check_private_key(chain[0].get(), key.get()) == 1);
  CHECK(X509_check_private_key(chain[1].get(), key.get()) == 0);
  CHECK(X509_check_ca(chain[0].get()) == 0);
  CHECK(X509_check_ca(chain[1].get()) == 1);
  CHECK(verdict(made->authority_pem, made->certificate_pem, "a.example.com", kNow + 1'000'000) == X509_V_OK);
}

TEST_CASE("names that are neither DNS names nor addresses are refused") {
  for (const std::string name : {"", "a b", "a,DNS:evil.com", "-a.com", "a-.com", "a..b", ".a", "a.", "*",
                                 "a.*.com", "*.", "x\n", "\xc3\xa4.de", "300.1.1.1/8", "a_b.com"}) {
    CAPTURE(name);
    const auto made = crypto::make_certificate({{name}, kNow, kNow + kDay});
    REQUIRE_FALSE(made);
    CHECK(made.error().code == Code::invalid_request);
  }
  CHECK_FALSE(crypto::make_certificate({{std::string(64, 'a') + ".com"}, kNow, kNow + kDay}));
  CHECK_FALSE(crypto::make_certificate({{}, kNow, kNow + kDay}));
  CHECK_FALSE(crypto::make_certificate({{"localhost"}, kNow, kNow}));
  CHECK_FALSE(crypto::make_certificate({std::vector<std::string>(101, "localhost"), kNow, kNow + kDay}));
}

TEST_CASE("a name longer than a common name still gets its certificate") {
  const std::string name = std::string(60, 'a') + "." + std::string(60, 'b') + ".com";
  const auto made = crypto::make_certificate({{name}, kNow, kNow + kDay});
  REQUIRE(made);
  CHECK(verdict(made->authority_pem, made->certificate_pem, name, kNow + 1'000'000) == X509_V_OK);
}
