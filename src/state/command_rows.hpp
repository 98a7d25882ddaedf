// How commands and their outcomes stand in a row: sealed JSON. Private to state/.
#pragma once

#include "state/commands.hpp"

namespace vmc::state::detail {

inline constexpr std::size_t kOutcomeBytesMax = 1u << 20;

Bytes seal_command(ByteView tenant_key, std::string_view tenant, std::string_view command_id,
                   std::string_view json);
Result<wire::Command> open_command(ByteView tenant_key, std::string_view tenant, std::string_view command_id,
                                   ByteView sealed);
Result<Bytes> seal_outcome(ByteView tenant_key, std::string_view tenant, std::string_view command_id,
                           const Outcome& outcome);

// What a finished command's row says: `sealed` for done and failed, the status alone for expired and
// cancelled.
struct FinishedRow {
  std::string_view tenant, command_id, status;
  std::int64_t attempt_epoch = 0;
  const store::Row& row;
  std::size_t sealed_at = 0;  // column of sealed_result in `row`
};
Result<Outcome> outcome_of(ByteView tenant_key, const FinishedRow& finished);

}  // namespace vmc::state::detail
