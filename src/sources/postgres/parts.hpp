// The parts of a PostgreSQL session that fill a file each.
#pragma once

#include "sources/postgres/connection.hpp"
#include "sources/postgres/copy_writer.hpp"

namespace vmc::sources::postgres {

Result<data::Schema> discover(Connection& db);
Result<RightsReport> rights(Connection& db);
Result<LoadOutcome> load(Connection& db, const LoadRequest& request, const data::TableInfo& table,
                         const BatchSource& rows);
Result<LoadOutcome> swap(Connection& db, LoadRequest request, const data::TableInfo& table, std::int64_t rows);
Result<void> drop_aside(Connection& db, LoadRequest request);

// The named columns of a table as the catalogue has them now; NOT_FOUND for what is gone.
Result<std::vector<TargetColumn>> catalogue_columns(Connection& db, const std::string& table,
                                                    const std::vector<std::string>& names);

// WRITE_OPERATION_REJECTED when a statement that calls functions or operators of these names may mean others than the
// server's own. `functions`: those of the customer's that may be called. Only while the search path has nothing but the
// catalogue.
Result<void> check_calls(Connection& db, const data::Calls& calls, const std::vector<std::string>& functions);

// SCHEMA_ACCESS_DENIED unless they are still what was approved. Afterwards the transaction's search path has nothing
// but the catalogue.
Result<void> check_unchanged(Connection& db, const std::vector<const data::TableInfo*>& reached);

// Column `column` of text row `row`; "" for NULL.
std::string cell(const PgResult& result, int row, int column);
std::int64_t cell_number(const PgResult& result, int row, int column);
bool cell_true(const PgResult& result, int row, int column);

}  // namespace vmc::sources::postgres
