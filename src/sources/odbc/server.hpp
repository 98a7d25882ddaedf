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
  std::vector<const char*> opening = {};           // once, outside a transaction
  std::vector<const char*> opening_to_read = {};   // behind them, where nothing will be loaded
  std::vector<const char*> beginning = {};         // at the start of a transaction that reads, before anything else
  std::vector<const char*> beginning_to_load = {};
  const char* read_only = nullptr;                 // the one of them that keeps it read-only
  const char* standard_schema = "";         // of bare table names
  const char* current_schema = nullptr;     // the question for it, where the login decides
  // What ends the statement of session {} from another connection, and the question for the session; without: SQLCancel.
  const char *stop = nullptr, *session = nullptr;
  // Its driver's SQLCancel stops whatever runs on the connection, and closes the statement it is given: it gets a spare one.
  bool stops_by_spare = false;
  // Its driver keeps all rows of a statement in memory that has parameters or is in a transaction of the driver's own; what
  // reads has literals then, and begins and ends its transaction by statements.
  const char* end_reading = nullptr;
  const char* writable = nullptr;           // the question for tables that the user may write, roles and all
  bool sizes_hold = true;                   // a text is never longer than its column says
  bool integers_as_text = false;            // its driver knows no 64-bit integers
  bool texts_as_bytes = false;  // its driver cuts a text at a NUL when it makes UTF-16 of it; the bytes are UTF-8
  // Of vmc_applied, as the database's own source has it where there is one.
  // {0} to {4} are its columns' names in the server's quotes.
  const char* applied_columns =
      " ({0} VARCHAR(255) NOT NULL, {1} BIGINT NOT NULL, {2} BIGINT NOT NULL, {3} BIGINT NOT NULL, {4} TIMESTAMP NOT NULL, "
      "PRIMARY KEY ({0}, {1}))";
  bool writes_first = false;  // a transaction that has read may no longer wait to write
  // Questions with schema and table: YES when the table's rows can be rolled back; tables whose rows a DELETE of all its
  // rows changes by their foreign keys (without the question: what the driver tells of them); a row when it takes those of
  // tables that inherit from it.
  const char *transactional = nullptr, *reaches = nullptr, *has_heirs = nullptr;
  bool rows_together = false;           // an INSERT may have several rows of VALUES
  // {0} is a new table without rows, {1} its columns, {2} the table that has them.
  const char* create_alike = "CREATE TABLE {0} AS (SELECT {1} FROM {2}) WITH NO DATA";
  // Its name, the new table's schema and name, columns; nothing where the new table has the other's keys.
  const char* create_index = "CREATE INDEX {0} ON {1}.{2} ({3})";
  std::vector<const char*> before_swap = {};  // so that nobody writes to the table {} until the commit
  const char* delete_all = "DELETE FROM {}";
  const char* after_exchange = nullptr;  // checks what was put off
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
