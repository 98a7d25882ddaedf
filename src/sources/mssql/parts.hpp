// The parts of the SQL Server source that work on an open connection.
#pragma once

#include "sources/mssql/connection.hpp"
#include "sources/mssql/types.hpp"

namespace vmc::sources::mssql {

Result<data::Schema> discover(Connection& db);
Result<bool> ignores_case(Connection& db);  // in names; a database's collation changes only with nobody in it
Result<RightsReport> rights(Connection& db);
Result<LoadOutcome> load(Connection& db, const LoadRequest& request, const data::TableInfo& table,
                         const BatchSource& rows);
Result<LoadOutcome> swap(Connection& db, LoadRequest request, const data::TableInfo& table, std::int64_t rows);
Result<void> drop_aside(Connection& db, LoadRequest request);

// SCHEMA_ACCESS_DENIED unless it is still what was approved.
Result<void> check_unchanged(Connection& db, const data::TableInfo& table);
// By its text, or for a login that may not see that by the time it was altered.
std::string print_of_view(const std::optional<std::string>& definition, const std::string& modified);

// Of a cell of our own questions.
std::string text_of(const Cells& cells, std::size_t column);
std::int64_t number_of(const Cells& cells, std::size_t column);

}  // namespace vmc::sources::mssql
