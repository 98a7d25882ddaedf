#include <catch2/catch.hpp>

#include "crypto/aead.hpp"
#include "crypto/hash.hpp"
#include "support/show_result.hpp"

using namespace vmc;

TEST_CASE("what was sealed opens again, also when it is empty") {
  const auto key = crypto::random_bytes(32);
  for (std::size_t size : {0u, 1u, 15u, 16u, 17u, 100'000u}) {
    const auto plain = crypto::random_bytes(size);
    const auto sealed = crypto::seal(key, as_bytes("place"), plain);
    CHECK(sealed.size() == size + crypto::kSealOverhead);
    CHECK(*crypto::open(key, as_bytes("place"), sealed) == plain);
    CHECK(*crypto::open(key, {}, crypto::seal(key, {}, plain)) == plain);
  }
}

TEST_CASE("AES-256-GCM agrees with the published test case 16") {
  const auto key = from_hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308").value();
  const auto associated = from_hex("feedfacedeadbeeffeedfacedeadbeefabaddad2").value();
  const auto sealed = from_hex(
                          "cafebabefacedbaddecaf888"
                          "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7"
                          "b08b1056828838c5f61e6393ba7a0abcc9f662"
                          "76fc6ece0f4e1768cddf8853bb2d551b")
                          .value();
  const auto plain = crypto::open(key, associated, sealed);
  REQUIRE(plain);
  CHECK(to_hex(*plain) ==
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16a"
        "edf5aa0de657ba637b39");
}

TEST_CASE("every flipped bit of a sealed text is noticed") {
  const auto key = crypto::random_bytes(32);
  const auto plain = as_bytes("thirty-one bytes of nothing....");
  auto sealed = crypto::seal(key, as_bytes("place"), plain);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      sealed[i] ^= static_cast<std::uint8_t>(1 << bit);
      const auto opened = crypto::open(key, as_bytes("place"), sealed);
      REQUIRE_FALSE(opened);
      REQUIRE(opened.error().code == Code::buffer_integrity);
      sealed[i] ^= static_cast<std::uint8_t>(1 << bit);
    }
  }
  CHECK(crypto::open(key, as_bytes("place"), sealed));
}

TEST_CASE("every truncation, another key and another place are noticed") {
  const auto key = crypto::random_bytes(32);
  const auto sealed = crypto::seal(key, as_bytes("place"), as_bytes("secret"));
  for (std::size_t size = 0; size < sealed.size(); ++size)
    CHECK_FALSE(crypto::open(key, as_bytes("place"), ByteView{sealed}.first(size)));
  CHECK_FALSE(crypto::open(crypto::random_bytes(32), as_bytes("place"), sealed));
  CHECK_FALSE(crypto::open(key, as_bytes("Place"), sealed));
  CHECK_FALSE(crypto::open(key, {}, sealed));
}

TEST_CASE("the same text is never sealed to the same bytes") {
  const auto key = crypto::random_bytes(32);
  CHECK(crypto::seal(key, {}, as_bytes("x")) != crypto::seal(key, {}, as_bytes("x")));
}

TEST_CASE("a key of another length is a bug") {
  CHECK_THROWS_AS(crypto::seal(Bytes(16), {}, {}), std::invalid_argument);
  CHECK_THROWS_AS(crypto::open(Bytes(33), {}, Bytes(28)), std::invalid_argument);
}
