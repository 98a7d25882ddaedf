// The rows' way into a table: the temporary one beside the target, or the target itself.
#pragma once

#include "sources/mysql/target.hpp"

namespace vmc::sources::mysql {

inline constexpr const char* kStage = "vmc_staging_load";     // in the connection's own database
inline constexpr const char* kLastRows = "vmc_staging_last";  // of each key the last staged row
inline constexpr const char* kStageOrdinal = "`vmc row`";

// Outside the transaction: some servers take no temporary table within one. Gone with the session's reset.
Result<void> create_stage(Connection& db, const LoadRequest& request, const Target& target);
// How many rows came. Every warning of the server is a failure: with LOAD DATA LOCAL it only warns of what it cut.
Result<std::int64_t> write_rows(Connection& db, const std::string& table, const LoadRequest& request,
                                const LoadPlan& plan, const Target& target, const BatchSource& rows);

}  // namespace vmc::sources::mysql
