// What a statement may reach, as far as names tell: private parts, tables outside of the schema, SQLite's own tables.
//
// Names are searched as SQLite does, whose rules are loose: an alias may stand twice in one FROM, a qualified name that
// its table lacks is searched further out, a CTE sees what is around the place where it is used. Wherever a name may
// be a private column's it counts as one. With a schema the compiler judges again what is left; without one this is
// all that knows names.
#pragma once

#include "sql/guard/catalogue.hpp"
#include "sql/guard/sqlite/functions.hpp"
#include "sql/guard/sqlite/parser.hpp"

namespace vmc::sql::sqlite {

Verdict survey(const Statement& statement, const Catalogue& catalogue, const Library& library);

// Has it a private part?
bool is_touchy(const Catalogue::Table& table);

}  // namespace vmc::sql::sqlite
