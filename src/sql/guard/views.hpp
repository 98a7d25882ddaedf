// What views and columns reach that show what others hold, from their definitions.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "data/schema.hpp"
#include "sql/dialect.hpp"

namespace vmc::sql {

// Both fill in `reads`. Anything at all, {"*": {"*"}}, where a definition is not known, is not understood, or calls
// what is not known to be harmless.

// `definitions`: each view's query, by the name the schema calls the view.
Result<void> fill_reads(Dialect dialect, data::Schema& schema, const std::map<std::string, std::string>& definitions);

// The computed columns of each table, with their expressions.
using Computed = std::map<std::string, std::map<std::string, std::string>>;
Result<void> fill_computed(Dialect dialect, data::Schema& schema, const Computed& computed);

// The query of a view from what SQL Server keeps of it, the whole CREATE VIEW; nothing where it is not understood.
// `quoted_identifier`: the setting it was created with. Without it "a" was a string, and is one in the answer.
std::optional<std::string> mssql_view_query(std::string_view module, bool quoted_identifier);
// The expressions of the computed columns of a table, from SQLite's CREATE TABLE; "" for one that is not found.
std::map<std::string, std::string> sqlite_expressions(std::string_view create_table,
                                                      const std::vector<std::string>& columns);

}  // namespace vmc::sql
