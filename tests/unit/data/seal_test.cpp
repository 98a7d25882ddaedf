#include "data/seal.hpp"
#include "crypto/aead.hpp"
#include "data/chunk.hpp"
#include "support/show_result.hpp"

using namespace vmc;
using namespace vmc::data;

namespace {

const ChunkLabel kLabel{"tenant", "connector", "cmd_1", 3, 7, false};

// Every label that differs from kLabel in one thing.
std::vector<ChunkLabel> others() {
  std::vector<ChunkLabel> labels(7, kLabel);
  labels[0].tenant = "tenanT";
  labels[1].connector = "";
  labels[2].command = "cmd_2";
  labels[3].attempt_epoch = 4;
  labels[4].index = 8;
  labels[5].last = true;
  labels[6].tenant = "tenantc";  // the same letters, cut elsewhere
  labels[6].connector = "onnector";
  return labels;
}

}  // namespace

TEST_CASE("two labels never have the same bytes") {
  for (const auto& other : others()) CHECK(label_bytes(other) != label_bytes(kLabel));
}

TEST_CASE("a sealed chunk opens under its own label and no other") {
  const Bytes key(crypto::kKeySize, 9), chunk{1, 2, 3};
  const Bytes sealed = seal_chunk(key, kLabel, chunk);
  CHECK(open_chunk(key, kLabel, sealed).value() == chunk);
  for (const auto& other : others()) {
    const auto opened = open_chunk(key, other, sealed);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == Code::buffer_integrity);
  }
}

TEST_CASE("a sealed chunk with one bit changed does not open") {
  const Bytes key(crypto::kKeySize, 9), chunk{1, 2, 3};
  Bytes sealed = seal_chunk(key, kLabel, chunk);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    sealed[i] ^= 1;
    CHECK_FALSE(open_chunk(key, kLabel, sealed));
    sealed[i] ^= 1;
  }
}

TEST_CASE("the gateway's check depends on key, label and every byte") {
  const Bytes key(32, 1), other_key(32, 2), sealed{1, 2, 3, 4};
  const auto mac = chunk_mac(key, kLabel, sealed);
  CHECK(chunk_mac(key, kLabel, sealed) == mac);
  CHECK(chunk_mac(other_key, kLabel, sealed) != mac);
  CHECK(chunk_mac(key, kLabel, ByteView{sealed}.first(3)) != mac);
  for (const auto& other : others()) CHECK(chunk_mac(key, other, sealed) != mac);
}
