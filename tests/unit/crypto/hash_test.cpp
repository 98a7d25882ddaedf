#include <set>

#include <catch2/catch.hpp>

#include "crypto/hash.hpp"

using namespace vmc;
using namespace vmc::crypto;

namespace {
Bytes hex(std::string_view text) { return from_hex(text).value(); }
Bytes counting(int first, int count) {
  Bytes out;
  for (int i = 0; i < count; ++i) out.push_back(static_cast<std::uint8_t>(first + i));
  return out;
}
}  // namespace

TEST_CASE("SHA-256 has the vectors of FIPS 180") {
  CHECK(to_hex(sha256({})) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(to_hex(sha256(as_bytes("abc"))) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("HMAC-SHA-256 has the vectors of RFC 4231") {
  CHECK(to_hex(hmac_sha256(Bytes(20, 0x0b), as_bytes("Hi There"))) ==
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  CHECK(to_hex(hmac_sha256(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(to_hex(hmac_sha256(Bytes(131, 0xaa),
                           as_bytes("Test Using Larger Than Block-Size Key - Hash Key First"))) ==
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  CHECK(to_hex(hmac_sha256({}, {})) == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST_CASE("HKDF-SHA-256 has the vectors of RFC 5869") {
  const auto info1 = counting(0xf0, 10);
  CHECK(to_hex(hkdf_sha256(Bytes(22, 0x0b), counting(0, 13), as_text(info1), 42)) ==
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  const auto info2 = counting(0xb0, 80);
  CHECK(to_hex(hkdf_sha256(counting(0, 80), counting(0x60, 80), as_text(info2), 82)) ==
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da32"
        "75600c2f09"
        "b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87");
  CHECK(to_hex(hkdf_sha256(Bytes(22, 0x0b), {}, "", 42)) ==
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

TEST_CASE("HKDF separates purposes and stops at its longest output") {
  CHECK(hkdf_sha256(as_bytes("k"), {}, "a", 32) != hkdf_sha256(as_bytes("k"), {}, "b", 32));
  CHECK(hkdf_sha256({}, {}, "a", 255 * 32).size() == 255 * 32);
  CHECK_THROWS(hkdf_sha256(as_bytes("k"), {}, "a", 255 * 32 + 1));
}

TEST_CASE("PBKDF2-HMAC-SHA-256 has the vectors of RFC 7914") {
  CHECK(to_hex(pbkdf2_sha256(as_bytes("passwd"), as_bytes("salt"), 1, 64)) ==
        "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71"
        "b845b1e30bd"
        "509112041d3a19783");
  CHECK(to_hex(pbkdf2_sha256(as_bytes("Password"), as_bytes("NaCl"), 80000, 64)) ==
        "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56a1d425a1225833549adb841b51c9b3176a27"
        "2bdebba1d078"
        "478f62b397f33c8d");
}

TEST_CASE("comparison looks at length and every byte") {
  const auto a = hex("00112233");
  CHECK(equal_constant_time(a, hex("00112233")));
  CHECK_FALSE(equal_constant_time(a, hex("00112232")));
  CHECK_FALSE(equal_constant_time(a, hex("10112233")));
  CHECK_FALSE(equal_constant_time(a, hex("001122")));
  CHECK(equal_constant_time({}, {}));
}

TEST_CASE("random bytes have the length asked for and do not repeat") {
  std::set<Bytes> seen;
  for (int i = 0; i < 1000; ++i) CHECK(seen.insert(random_bytes(16)).second);
  CHECK(random_bytes(0).empty());
  CHECK(random_bytes(100'000).size() == 100'000);
}
