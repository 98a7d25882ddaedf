// The parts of the ODBC source that work on an open connection.
#pragma once

#include "core/text.hpp"
#include "sources/odbc/statement.hpp"

namespace vmc::sources::odbc {

inline constexpr std::size_t kKeyParamsAtOnce = 200;  // the least that servers are known to take is some hundreds

// By the catalogue functions every driver has; Oracle and HANA by their own catalogues.
Result<data::Schema> discover(Connection& db);
Result<RightsReport> rights(Connection& db);
// In statements that any server knows. Each row is read back by its key before the commit, in mode replace from where it
// lies aside: what the driver, a column or a trigger would change of it is INVALID_REQUEST, and nothing is loaded.
Result<LoadOutcome> load(Connection& db, const LoadRequest& request, const data::TableInfo& table,
                         const BatchSource& rows);
Result<LoadOutcome> swap(Connection& db, LoadRequest request, const data::TableInfo& table, std::int64_t rows);
Result<void> drop_aside(Connection& db, LoadRequest request);

// For the catalogue functions, in the connection's own catalogue: names, or patterns.
inline About tables_named(const Connection& db, const std::string& schema, const std::string& table) {
  About about;
  if (!db.catalogue().empty()) about.catalogue = db.catalogue();
  if (db.has_schemas() && !schema.empty()) about.schema = schema;
  about.table = table;
  return about;
}

// A catalogue's name is a pattern to the catalogue functions: the one of "my_shop" is that of "my2shop" too.
inline bool is_elsewhere(const Connection& db, const std::string& catalogue) {
  return !catalogue.empty() && !db.catalogue().empty() && lowered(catalogue) != lowered(db.catalogue());
}

// Of a cell.
inline std::string text_of(const Cells& cells, std::size_t column) { return cells[column].value_or(""); }
std::int64_t number_of(const Cells& cells, std::size_t column);
std::optional<std::int64_t> maybe_number(const Cells& cells, std::size_t column);

}  // namespace vmc::sources::odbc
