#include "crypto/api_key.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>
#include <boost/crc.hpp>

#include "core/text.hpp"

namespace vmc::crypto {
namespace {

constexpr std::string_view kAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";  // no i, l, o, u
constexpr std::size_t kIdChars = 8;
constexpr std::size_t kRandomChars = 26;  // 128 bits, 5 a character; the last character carries 3
constexpr std::size_t kSecretBytes = 16;
constexpr std::size_t kTenantMax = 32;
constexpr std::size_t kTextMax = 128;

bool is_tenant(std::string_view text) {
  const auto ok = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !text.empty() && text.size() <= kTenantMax && std::all_of(text.begin(), text.end(), ok);
}

void write_base32(ByteView bytes, std::uint8_t* out, std::size_t chars) {
  unsigned pool = 0, bits = 0;
  std::size_t next = 0;
  for (std::size_t i = 0; i < chars; ++i) {
    if (bits < 5) {
      pool = pool << 8 | (next < bytes.size() ? bytes[next] : 0u);
      ++next;
      bits += 8;
    }
    bits -= 5;
    out[i] = static_cast<std::uint8_t>(kAlphabet[pool >> bits & 31]);
  }
}

std::string checksum(std::string_view text) {
  boost::crc_32_type crc;
  crc.process_bytes(text.data(), text.size());
  return fmt::format("{:08x}", crc.checksum());
}

Error refuse(std::string_view what) {
  return fail(Code::invalid_request, fmt::format("the API key is not complete: {}", what),
              "Copy the whole key, from 'vmc_' to its last character.");
}

}  // namespace

NewApiKey make_api_key(std::string_view tenant) {
  if (!is_tenant(tenant)) throw std::invalid_argument{"not a tenant name"};
  const auto prefix = fmt::format("vmc_{}_", tenant);
  const std::size_t before_checksum = prefix.size() + kIdChars + kRandomChars;
  NewApiKey key;
  key.text = Secret{before_checksum + 1 + 8};
  std::uint8_t* out = std::copy(prefix.begin(), prefix.end(), key.text.data());

  const auto id = random_bytes(kIdChars * 5 / 8);
  write_base32(id, out, kIdChars);
  Secret random{kSecretBytes};
  random_bytes({random.data(), random.size()});
  write_base32(random.view(), out + kIdChars, kRandomChars);

  const auto sum = "_" + checksum(key.text.text().substr(0, before_checksum));
  std::copy(sum.begin(), sum.end(), key.text.data() + before_checksum);
  key.parts = {std::string{tenant}, std::string{as_text({out, kIdChars})}};
  return key;
}

Result<ApiKeyParts> parse_api_key(std::string_view text) {
  if (text.size() > kTextMax) return refuse("it is too long");
  if (!text.starts_with("vmc_")) return refuse("it must begin with 'vmc_'");
  const auto body = text.substr(4);
  const auto first = body.find('_'), last = body.rfind('_');
  if (first == std::string_view::npos || first == last)
    return refuse("it must have four parts joined by '_'");
  const auto tenant = body.substr(0, first);
  const auto random = body.substr(first + 1, last - first - 1);
  const auto in_alphabet = [](char c) { return kAlphabet.find(c) != std::string_view::npos; };
  if (!is_tenant(tenant)) return refuse("its second part is not a tenant name");
  if (random.size() != kIdChars + kRandomChars || !std::all_of(random.begin(), random.end(), in_alphabet))
    return refuse("its third part must have 34 characters of 0-9 and a-z without i, l, o and u");
  if (checksum(text.substr(0, text.size() - (body.size() - last))) != body.substr(last + 1))
    return refuse("its checksum does not match, so a character is wrong or missing");
  return ApiKeyParts{std::string{tenant}, std::string{random.substr(0, kIdChars)}};
}

Digest api_key_hash(ByteView salt, std::string_view key_text) {
  return hmac_sha256(salt, as_bytes(key_text));
}

}  // namespace vmc::crypto
