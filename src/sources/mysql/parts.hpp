// The parts of a MySQL session that fill a file each.
#pragma once

#include "sources/load_plan.hpp"
#include "sources/mysql/statement.hpp"

namespace vmc::sources::mysql {

Result<data::Schema> discover(Connection& db);
Result<bool> ignores_case(Connection& db);  // in the names of tables and aliases
Result<RightsReport> rights(Connection& db);
Result<LoadOutcome> load(Connection& db, const LoadRequest& request, const data::TableInfo& table,
                         const BatchSource& rows);
Result<LoadOutcome> swap(Connection& db, LoadRequest request, const data::TableInfo& table, std::int64_t rows);
Result<void> drop_aside(Connection& db, LoadRequest request);

// `text` with the parameters schema and table, of a table in the catalogue; a schema that is not given is a null, for
// the connection's own database.
Result<Cells> ask_of_table(Connection& db, const std::string& text, const TableName& name);

}  // namespace vmc::sources::mysql
