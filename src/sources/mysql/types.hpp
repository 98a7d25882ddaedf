// What MySQL's types are to us, from the catalogue and from a result's description.
#pragma once

#include <mysql.h>

#include <string>
#include <string_view>
#include <vector>

#include "data/type.hpp"

namespace vmc::sources::mysql {

inline constexpr unsigned kBinary = 63;  // the character set that is none

// Of a column as the catalogue spells it: "decimal", "decimal(12,2) unsigned".
//   tinyint(1): boolean, as BOOLEAN is declared; any value but 0 and 1 is then refused
//   bigint unsigned, bit(64): decimal(20,0); decimal of more than 38 digits: number
//   year, bit(n): int64; enum, set: text; geometry: bytes (as the server keeps it: SRID, then WKB)
data::Type type_of(std::string_view data_type, std::string_view column_type);
// Of a statement's output.
data::Type type_of(const MYSQL_FIELD& field);
bool is_binary(const MYSQL_FIELD& field);
// The server says more of a type than the protocol's number (MariaDB 10.5): "json", "uuid", "inet6"; else empty.
std::string_view extended_name(const MYSQL_FIELD& field);

// "enum('a','b')" -> a, b.
std::vector<std::string> members_of(std::string_view column_type);
// "varchar(20)" -> {20}; "decimal(12,2)" -> {12, 2}.
std::vector<int> numbers_of(std::string_view column_type);

}  // namespace vmc::sources::mysql
