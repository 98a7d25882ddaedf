// What a statement of PostgreSQL may call, compare with, look up and show.
#pragma once

#include <string_view>

namespace vmc::sql::postgres {

bool is_harmless_function(std::string_view name);  // of pg_catalog
bool is_telling_function(std::string_view name);   // a harmless one that looks up tables and columns
bool is_builtin_type(std::string_view name);       // without a schema; "_int4" too
bool is_builtin_operator(std::string_view name);
bool is_readable_catalogue(std::string_view schema, std::string_view relation);
bool is_readable_setting(std::string_view name);  // lower case
bool is_known_field(std::string_view name);       // of the records that harmless functions return
bool is_catalogue_column(std::string_view name);  // of the readable system tables
bool is_row_function(std::string_view name);      // x.f is f(x) for any row x

}  // namespace vmc::sql::postgres
