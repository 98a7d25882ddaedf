#include <set>

#include <catch2/catch.hpp>

#include "crypto/api_key.hpp"
#include "support/show_result.hpp"

using namespace vmc;

TEST_CASE("a new API key has the documented form and parses") {
  const auto key = crypto::make_api_key("acme-2");
  const std::string text{key.text.text()};

  CHECK(text.size() == std::string{"vmc_acme-2_"}.size() + 34 + 1 + 8);
  CHECK(text.substr(0, 11) == "vmc_acme-2_");
  CHECK(text.find_first_of("ilou", 11) == std::string::npos);
  const auto parts = crypto::parse_api_key(text);
  REQUIRE(parts);
  CHECK(parts->tenant == "acme-2");
  CHECK(parts->key_id == key.parts.key_id);
  CHECK(parts->key_id == text.substr(11, 8));
}

TEST_CASE("the checksum is the CRC-32 that secret scanners compute") {
  // zlib.crc32(b"vmc_t_" + b"0" * 34)
  const auto bad = crypto::parse_api_key("vmc_t_0000000000000000000000000000000000_00000000");
  CHECK_FALSE(bad);
  CHECK(crypto::parse_api_key("vmc_t_0000000000000000000000000000000000_68ea0d5e"));
}

TEST_CASE("keys do not repeat, neither their ids nor their random parts") {
  std::set<std::string> ids, randoms;
  for (int i = 0; i < 1000; ++i) {
    const auto key = crypto::make_api_key("t");
    CHECK(ids.insert(key.parts.key_id).second);
    CHECK(randoms.emplace(key.text.text().substr(14, 26)).second);
  }
}

TEST_CASE("every single wrong, missing, doubled or swapped character is noticed") {
  const std::string text{crypto::make_api_key("acme").text.text()};
  const std::string_view alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABC_-. \n";
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (char c : alphabet) {
      auto typo = text;
      typo[i] = c;
      if (typo != text) REQUIRE_FALSE(crypto::parse_api_key(typo));
    }
    auto missing = text;
    missing.erase(i, 1);
    REQUIRE_FALSE(crypto::parse_api_key(missing));
    auto doubled = text;
    doubled.insert(i, 1, text[i]);
    REQUIRE_FALSE(crypto::parse_api_key(doubled));
    if (i > 0 && text[i] != text[i - 1]) {
      auto swapped = text;
      std::swap(swapped[i], swapped[i - 1]);
      REQUIRE_FALSE(crypto::parse_api_key(swapped));
    }
  }
}

TEST_CASE("what is no key is refused with a reason that does not repeat it") {
  for (const std::string text : {"", "vmc_", "vmc_hunter2", "vmc__x_y", "vmc_a_b_c_d",
                                 "vmc_ACME_hunter2_00000000", "hunter2_hunter2_hunter2_"}) {
    const auto parts = crypto::parse_api_key(text);
    REQUIRE_FALSE(parts);
    CHECK(parts.error().code == Code::invalid_request);
    CHECK(parts.error().text().find("hunter2") == std::string::npos);
  }
  CHECK_FALSE(crypto::parse_api_key(std::string(1'000'000, 'v')));
}

TEST_CASE("a tenant name that cannot stand in a key is a bug") {
  CHECK_THROWS(crypto::make_api_key(""));
  CHECK_THROWS(crypto::make_api_key("Acme"));
  CHECK_THROWS(crypto::make_api_key("a_b"));
  CHECK_THROWS(crypto::make_api_key(std::string(33, 'a')));
  CHECK_NOTHROW(crypto::make_api_key(std::string(32, 'a')));
}

TEST_CASE("the stored hash depends on salt and key") {
  const auto hash = crypto::api_key_hash(as_bytes("salt"), "key");
  CHECK(hash == crypto::api_key_hash(as_bytes("salt"), "key"));
  CHECK(hash != crypto::api_key_hash(as_bytes("Salt"), "key"));
  CHECK(hash != crypto::api_key_hash(as_bytes("salt"), "Key"));
}
