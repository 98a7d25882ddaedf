#include <catch2/catch.hpp>

#include "crypto/signature.hpp"
#include "support/show_result.hpp"

using namespace vmc;

namespace {
Bytes hex(std::string_view text) { return from_hex(text).value(); }

struct Vector {
  std::string_view private_key, public_key, message, signature;
};
// RFC 8032, section 7.1, tests 1 to 3
constexpr Vector kVectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f"
     "0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2ea"
     "eb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e"
     "9716ed28dc027beceea1ec40a"},
};
}  // namespace

TEST_CASE("Ed25519 has the vectors of RFC 8032") {
  for (const auto& vector : kVectors) {
    CAPTURE(vector.message);
    const auto keys = crypto::key_pair_from(hex(vector.private_key));
    REQUIRE(keys);
    CHECK(to_hex(keys->public_key) == vector.public_key);
    CHECK(to_hex(crypto::sign(*keys, hex(vector.message))) == vector.signature);
    CHECK(crypto::verify(hex(vector.public_key), hex(vector.message), hex(vector.signature)));
  }
}

TEST_CASE("a signature fits one key and one message only") {
  const auto keys = crypto::make_key_pair(), other = crypto::make_key_pair();
  auto signature = crypto::sign(keys, as_bytes("message"));

  CHECK(crypto::verify(keys.public_key, as_bytes("message"), signature));
  CHECK_FALSE(crypto::verify(other.public_key, as_bytes("message"), signature));
  CHECK_FALSE(crypto::verify(keys.public_key, as_bytes("massage"), signature));
  for (auto& byte : signature) {
    byte ^= 1;
    REQUIRE_FALSE(crypto::verify(keys.public_key, as_bytes("message"), signature));
    byte ^= 1;
  }
}

TEST_CASE("malformed keys and signatures are refused, never a crash") {
  const auto keys = crypto::make_key_pair();
  const auto signature = crypto::sign(keys, {});
  for (std::size_t size = 0; size < 100; ++size) {
    if (size != 32) CHECK_FALSE(crypto::verify(Bytes(size, 0xff), {}, signature));
    if (size != 64) CHECK_FALSE(crypto::verify(keys.public_key, {}, Bytes(size, 0xff)));
    CHECK(crypto::key_pair_from(Bytes(size)).has_value() == (size == 32));
  }
  CHECK_FALSE(crypto::verify(Bytes(32, 0xff), {}, signature));
  CHECK_FALSE(crypto::verify(Bytes(32, 0), {}, Bytes(64, 0)));
}
