// What is known of a server behind a driver: which family it is of, what keeps its sessions read-only, and
// what its driver must be told to stream rows and to lose nothing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sql/dialect.hpp"

namespace vmc::sources::odbc {

using Family = sql::OdbcServer::Family;

// By SQL_DBMS_NAME.
Family family_named(std::string_view dbms);

struct Customs {
  std::vector<const char*> opening = {};    // once, outside a transaction
  std::vector<const char*> beginning = {};  // at the start of each transaction, before anything else
  const char* read_only = nullptr;          // the one of them that keeps it read-only
  const char* standard_schema = "";         // of bare table names
  const char* current_schema = nullptr;     // the question for it, where the login decides
  const char* writable = nullptr;           // the question for tables that the user may write, roles and all
  bool sizes_hold = true;                   // a text is never longer than its column says
  bool integers_as_text = false;            // its driver knows no 64-bit integers
  bool texts_as_bytes = false;  // its driver cuts a text at a NUL when it makes UTF-16 of it; the bytes are UTF-8
  // Its driver rounds doubles and cuts texts: the statements write digits, and texts and bytes in hexadecimal.
  bool written_out = false;
};
const Customs& customs_of(Family family);

// Holds the server's own tables, though drivers call them tables like others.
bool is_system_schema(std::string_view schema);

// What is known of a driver by its file's or its own name.
struct DriverNeeds {
  std::string_view options = {};  // "KEY=value;…"
  bool doubles_braces = true;  // a closing brace within braces, as ODBC has it; otherwise only "};" ends them
  bool only_to_open = false;   // of no use for a connection that is open
};
DriverNeeds driver_needs(std::string_view driver);

}  // namespace vmc::sources::odbc
