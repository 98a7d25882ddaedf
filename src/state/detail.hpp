// What the files of this folder share: sealed columns, checks of names, and the writes that platform
// transactions make in the name of a tenant. Private to state/.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "state/platform.hpp"

namespace vmc::state::detail {

// AES-256-GCM under the tenant's key. Column, tenant and row id are authenticated with it, so that a sealed
// cell put into another row, column or tenant does not open.
struct CellName {
  std::string_view column, tenant, row_id;
};
Bytes seal_cell(ByteView tenant_key, const CellName& name, std::string_view plain);
Result<crypto::Secret> open_cell(ByteView tenant_key, const CellName& name, ByteView sealed);

// One line for people: UTF-8 without control characters, 1 to `bytes_max` bytes, no blank at either end.
bool is_plain_line(std::string_view text, std::size_t bytes_max);
// The longest prefix of at most `bytes_max` bytes that is whole UTF-8.
std::string clipped(std::string_view text, std::size_t bytes_max);

// FORBIDDEN unless the transaction is the platform's: what follows touches rows of every tenant.
Result<void> require_platform(const store::Tx& tx);

// wake_job() and add_notice() for any tenant; `owner` is the transaction's own, or comes from a row that a
// platform transaction has just changed.
void wake_job_of(store::Tx& tx, std::string_view owner, std::string_view execution_id, Micros now);
void add_notice_for(store::Tx& tx, std::string_view owner, std::string_view code, std::string_view message,
                    Micros now);

// Text of a column that may be NULL.
inline std::string text_or_empty(const store::Row& row, std::size_t i) {
  return row.null(i) ? std::string{} : row.text(i);
}
// NULL for an empty text.
inline std::optional<std::string> or_null(std::string_view text) {
  return text.empty() ? std::nullopt : std::optional{std::string{text}};
}
inline std::size_t bounded(std::size_t limit) { return limit < kListMax ? limit : kListMax; }

}  // namespace vmc::state::detail
