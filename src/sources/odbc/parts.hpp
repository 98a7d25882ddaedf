// The parts of the ODBC source that work on an open connection.
#pragma once

#include "sources/odbc/statement.hpp"

namespace vmc::sources::odbc {

// By the catalogue functions every driver has; Oracle and HANA by their own catalogues.
Result<data::Schema> discover(Connection& db);
Result<RightsReport> rights(Connection& db);

// Of a cell.
inline std::string text_of(const Cells& cells, std::size_t column) { return cells[column].value_or(""); }
std::int64_t number_of(const Cells& cells, std::size_t column);
std::optional<std::int64_t> maybe_number(const Cells& cells, std::size_t column);

}  // namespace vmc::sources::odbc
