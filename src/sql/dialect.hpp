// Per dialect: quoting and the rendering of intents. Pure: model in, text and parameters out.
#pragma once

#include <string>
#include <vector>

#include "data/intent.hpp"
#include "data/schema.hpp"

namespace vmc::sql {

enum class Dialect { sqlite, postgres };

struct Statement {
  std::string text;                    // parameters as ?1… (SQLite) or $1… (PostgreSQL)
  std::vector<data::Value> params;
};

// Identifiers are quoted whole; a NUL or an over-long name is refused (COMMAND_MALFORMED).
Result<std::string> quote(Dialect dialect, std::string_view identifier);
// "schema.table" or "table" -> quoted; the split is at the first dot when `table` is not itself a known name.
Result<std::string> quote_table(Dialect dialect, std::string_view table);

// SELECT for an intent over a known table. SCHEMA_ACCESS_DENIED for a column the table info lacks: what was
// not approved does not exist. Every value is a parameter, cast to its column's type.
Result<Statement> render(Dialect dialect, const data::Intent& intent, const data::TableInfo& table);
// The last key of every `rows_per_part` rows in key order, and the last key of all.
Result<Statement> render_split(Dialect dialect, const data::Intent& intent, const data::TableInfo& table,
                               const std::vector<std::string>& key, std::int64_t rows_per_part);

}  // namespace vmc::sql
