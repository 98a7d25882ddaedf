// DB-Library's forms of decimals and uniqueidentifiers.
#pragma once

#include <array>
#include <optional>

#include "core/bytes.hpp"
#include "data/type.hpp"
#include "sources/mssql/dblib.hpp"

namespace vmc::sources::mssql {

// Nothing when it has more than 38 digits.
std::optional<data::Int128> from_numeric(const DBNUMERIC& value);
DBNUMERIC to_numeric(data::Int128 unscaled, data::Type type);

// The first three groups of a uniqueidentifier stand in the machine's byte order; swapping is its own inverse.
std::array<std::uint8_t, 16> swapped_uuid(const unsigned char* sixteen);

}  // namespace vmc::sources::mssql
