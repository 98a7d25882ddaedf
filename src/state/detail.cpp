#include "state/detail.hpp"

#include "core/ids.hpp"
#include "core/text.hpp"
#include "crypto/aead.hpp"
#include "state/connectors.hpp"

namespace vmc::state::detail {
namespace {

constexpr std::uint8_t kCellVersion = 1;
constexpr std::size_t kMessageMax = 1000;

void add_part(Bytes& out, std::string_view part) {
  const auto size = static_cast<std::uint32_t>(part.size());
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(size >> shift));
  out.insert(out.end(), part.begin(), part.end());
}

Bytes associated_data(const CellName& name) {
  Bytes out{kCellVersion};
  add_part(out, name.column);
  add_part(out, name.tenant);
  add_part(out, name.row_id);
  return out;
}

}  // namespace

Bytes seal_cell(ByteView tenant_key, const CellName& name, std::string_view plain) {
  return crypto::seal(tenant_key, associated_data(name), as_bytes(plain));
}

Result<crypto::Secret> open_cell(ByteView tenant_key, const CellName& name, ByteView sealed) {
  auto opened = crypto::open(tenant_key, associated_data(name), sealed);
  if (!opened) {
    return fail(Code::buffer_integrity, std::string{"stored "}
                                            .append(name.column)
                                            .append(" of ")
                                            .append(name.row_id)
                                            .append(" does not open with the tenant's key"));
  }
  crypto::Secret plain{*opened};
  crypto::wipe(*opened);
  return plain;
}

bool is_plain_line(std::string_view text, std::size_t bytes_max) {
  if (text.empty() || text.size() > bytes_max || !is_utf8(text) || trim(text) != text) return false;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  }
  return true;
}

std::string clipped(std::string_view text, std::size_t bytes_max) {
  if (text.size() > bytes_max) {
    text = text.substr(0, bytes_max);
    for (int i = 0; i < 4 && !is_utf8(text); ++i) text.remove_suffix(1);
  }
  return is_utf8(text) ? std::string{text} : std::string{};
}

Result<void> require_platform(const store::Tx& tx) {
  if (tx.tenant() == store::kPlatform) return {};
  return fail(Code::forbidden, "only a platform transaction may look across tenants");
}

void wake_job_of(store::Tx& tx, std::string_view owner, std::string_view execution_id, Micros now) {
  // A held job keeps its time, which is the end of its lease; `woken` makes park_job() due at once.
  tx.exec(
      "UPDATE jobs SET woken = 1, run_at = CASE WHEN held = 0 AND run_at > :now THEN :now ELSE run_at END "
      "WHERE tenant = :owner AND execution_id = :execution",
      {{"owner", owner}, {"execution", execution_id}, {"now", now}});
}

void add_notice_for(store::Tx& tx, std::string_view owner, std::string_view code, std::string_view message,
                    Micros now) {
  tx.exec(
      "INSERT INTO notices (tenant, notice_id, time, code, message) VALUES (:owner, :id, :now, :code, "
      ":message)",
      {{"owner", owner},
       {"id", new_id("ntc", now)},
       {"now", now},
       {"code", code},
       {"message", clipped(message, kMessageMax)}});
  // The time of the first one too many; those of that time and older go.
  tx.exec(
      "DELETE FROM notices WHERE tenant = :owner AND time < :now AND time <= "
      "(SELECT time FROM notices WHERE tenant = :owner ORDER BY time DESC LIMIT 1 OFFSET :kept)",
      {{"owner", owner}, {"now", now}, {"kept", kNoticesPerTenantMax}});
}

}  // namespace vmc::state::detail
