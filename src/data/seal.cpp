#include "data/seal.hpp"

#include "crypto/aead.hpp"

namespace vmc::data {
namespace {

constexpr std::uint8_t kLabelVersion = 1;

// Big-endian, as in network formats; independent of the machine.
template <class T>
void put_number(Bytes& out, T value) {
  for (int shift = static_cast<int>(sizeof value) * 8 - 8; shift >= 0; shift -= 8)
    out.push_back(static_cast<std::uint8_t>(value >> shift));
}

void put_text(Bytes& out, std::string_view text) {
  put_number(out, static_cast<std::uint64_t>(text.size()));
  out.insert(out.end(), text.begin(), text.end());
}

}  // namespace

Bytes label_bytes(const ChunkLabel& label) {
  Bytes out;
  out.reserve(64 + label.tenant.size() + label.connector.size() + label.command.size());
  out.push_back(kLabelVersion);
  put_text(out, label.tenant);
  put_text(out, label.connector);
  put_text(out, label.command);
  put_number(out, static_cast<std::uint64_t>(label.attempt_epoch));
  put_number(out, label.index);
  out.push_back(label.last ? 1 : 0);
  return out;
}

Bytes seal_chunk(ByteView data_key, const ChunkLabel& label, ByteView chunk) {
  return crypto::seal(data_key, label_bytes(label), chunk);
}

Result<Bytes> open_chunk(ByteView data_key, const ChunkLabel& label, ByteView sealed) {
  return crypto::open(data_key, label_bytes(label), sealed);
}

crypto::Digest chunk_mac(ByteView session_key, const ChunkLabel& label, ByteView sealed) {
  Bytes message = label_bytes(label);
  put_number(message, static_cast<std::uint64_t>(sealed.size()));
  const auto digest = crypto::sha256(sealed);
  message.insert(message.end(), digest.begin(), digest.end());
  return crypto::hmac_sha256(session_key, message);
}

}  // namespace vmc::data
