// SQL Server's types: what the catalogue calls them, what a result says they are, and what they are to us.
//
// datetime and smalldatetime are instants at their own precision (a datetime's ticks read as .000, .003, .007, as the
// server shows them). A datetimeoffset is its instant; two that differ in the offset only are equal to the server too.
// Times with seven digits of a second travel as text, because a microsecond cannot hold them.
#pragma once

#include <optional>
#include <string>

#include "data/type.hpp"

namespace vmc::sources::mssql {

struct CatalogueType {
  std::string name;    // of the base type: "nvarchar"
  int max_length = 0;  // bytes; -1: max
  int precision = 0;
  int scale = 0;
};

// "nvarchar(20)", "decimal(12,2)", "datetime2(6)"
std::string declared_name(const CatalogueType& type);
// How its values travel; nothing when they have no one form we could carry (sql_variant, spatial types).
std::optional<data::Type> type_of(const CatalogueType& type);
// Of a column of a result, by what DB-Library says of it.
std::optional<data::Type> type_of_result(int dbtype, int precision, int scale);

inline constexpr std::int64_t kDayMicros = 86'400'000'000;
bool fits_date(std::int32_t days);  // year 1 to 9999
bool fits_instant(std::int64_t micros);
bool fits_float(double value);               // neither NaN, infinity nor below the smallest normal number
bool is_datetime_tick(std::int64_t micros);  // would a datetime keep it as it is?

}  // namespace vmc::sources::mssql
