// The parts of a MySQL session that fill a file each.
#pragma once

#include "sources/mysql/statement.hpp"

namespace vmc::sources::mysql {

Result<data::Schema> discover(Connection& db);
Result<RightsReport> rights(Connection& db);
Result<LoadOutcome> load(Connection& db, const LoadRequest& request, const data::TableInfo& table,
                         const BatchSource& rows);

// "schema.table" or "table" as the catalogue is asked for it; the schema is a null for the connection's own database.
struct CatalogueName {
  std::optional<std::string> schema;
  std::string table;
};
CatalogueName catalogue_name(const std::string& table);
// `text` with the parameters schema and table, of a table in the catalogue.
Result<Cells> ask_of_table(Connection& db, const std::string& text, const std::string& table);

}  // namespace vmc::sources::mysql
