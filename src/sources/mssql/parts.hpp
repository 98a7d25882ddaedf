// The parts of the SQL Server source that work on an open connection.
#pragma once

#include "sources/mssql/connection.hpp"
#include "sources/mssql/types.hpp"

namespace vmc::sources::mssql {

Result<data::Schema> discover(Connection& db);
Result<RightsReport> rights(Connection& db);
Result<LoadOutcome> load(Connection& db, const LoadRequest& request, const data::TableInfo& table,
                         const BatchSource& rows);
Result<LoadOutcome> swap(Connection& db, LoadRequest request, const data::TableInfo& table, std::int64_t rows);
Result<void> drop_aside(Connection& db, LoadRequest request);

// Of a cell of our own questions.
std::string text_of(const Cells& cells, std::size_t column);
std::int64_t number_of(const Cells& cells, std::size_t column);

}  // namespace vmc::sources::mssql
