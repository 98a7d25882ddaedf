// What a statement may call, and what of SQLite's own inside it may read.
#pragma once

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vmc::sql::sqlite {

// What the SQLite of this process knows; versions and builds differ.
struct Library {
  std::string version;
  std::set<std::string, std::less<>> functions;
  std::set<std::string, std::less<>> modules;  // of virtual tables; some can be read without being created
};

// Folded names.
bool is_harmless_function(std::string_view name);
// Looks into all columns of the full-text table that is its first argument.
bool is_full_text_function(std::string_view name);

// A table that SQLite makes itself.
struct SystemTable {
  enum class Kind {
    rows,         // of its arguments: json_each
    schema,       // lists all tables: sqlite_schema, pragma_table_list
    description,  // of the table that is its argument: pragma_table_info
    references,   // of that table and of those it refers to: pragma_foreign_key_list
  };
  std::string_view name;
  Kind kind;
  std::span<const std::string_view> columns;  // what may be read; empty: all
};
// nullptr: none that may be read.
const SystemTable* find_system_table(std::string_view name);
std::span<const SystemTable> system_tables();
// A table function that reads files, code or what other statements do, where it is there at all.
bool is_foreign_module(std::string_view name);
// "sqlite_…", "pragma_…"; no table of the customer's own is called so, or it hides behind the system's.
bool is_system_name(std::string_view name);

}  // namespace vmc::sql::sqlite
