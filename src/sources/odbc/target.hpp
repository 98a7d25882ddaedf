// A load's table and what stands beside it, in its schema.
#pragma once

#include "sources/load_plan.hpp"
#include "sources/odbc/statement.hpp"

namespace vmc::sources::odbc {

// The login's own where the table is named without one; empty: the server has none.
std::string schema_of(const Connection& db, const LoadRequest& request);
// A question with the table's schema and name as its parameters.
Result<Table> ask_of_table(Connection& db, const char* question, const LoadRequest& request);

// The tables of its schema whose names are like this: "vmc_aside_%".
Result<std::vector<std::string>> tables_like(Connection& db, const LoadRequest& request, const std::string& pattern);
Result<bool> is_there(Connection& db, const LoadRequest& request, const std::string& name);

// INVALID_REQUEST where a failed load would leave something behind.
Result<void> check_transactions(Connection& db, const LoadRequest& request);

// In a transaction of its own.
Result<void> run_alone(Connection& db, const LoadRequest& request, const std::vector<std::string>& statements);
// WRITE_NOT_PERMITTED with this advice when that is what a CREATE failed of; else the failure.
Error creation_failed(const Error& failure, const std::string& table, std::string hint);

}  // namespace vmc::sources::odbc
