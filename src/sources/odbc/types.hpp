// What a driver calls a column's type, and what it is to us.
#pragma once

#include <optional>
#include <string>

#include "data/type.hpp"
#include "sources/odbc/server.hpp"

namespace vmc::sources::odbc {

struct DriverType {
  int code = 0;      // SQL_VARCHAR …, as SQLColumns says in DATA_TYPE
  std::string name;  // as the server calls it
  std::int64_t size = 0;
  std::optional<int> digits = {};
};

// "varchar(20)", "numeric(12,2)", "timestamp"
std::string declared_name(Family family, const DriverType& type);
// How its values travel; nothing for a type of the driver's own that no standard describes.
std::optional<data::Type> type_of(Family family, const DriverType& type);

// An exact number of so many digits, so many of them behind the point: as a decimal, or as a number without
// bound.
data::Type exact_number(std::int64_t precision, int scale);

}  // namespace vmc::sources::odbc
