// The part of the servers' own tables, generated tables and settings that a statement may read. All take folded names.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace vmc::sql::mysql {

// mysql, performance_schema, sys and their like; not information_schema.
bool is_system_schema(std::string_view schema);
// A table of information_schema that tells no more than a schema does.
bool is_open_catalogue_table(std::string_view table);
// A setting whose value gives nothing away: "time_zone".
bool is_open_variable(std::string_view name);

inline constexpr std::uint64_t kSequenceRowsMax = 1'000'000;
// The rows of MariaDB's generated tables, "seq_1_to_24_step_2"; nothing for any other name.
std::optional<std::uint64_t> sequence_rows(std::string_view table);

}  // namespace vmc::sql::mysql
