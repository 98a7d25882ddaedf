// SQL Server's error numbers as our errors. The server's own text may quote rows: it never goes further than the local
// debug log, and there only for numbers that speak of connections and rights.
#pragma once

#include "sources/mssql/dblib.hpp"

namespace vmc::sources::mssql {

struct Circumstances {
  Access access = Access::read;
  bool written_by_hand = false;  // the statement came with the call: what is wrong with it may be said
};

Error from_number(const Said& said, const Circumstances& when);
// Why a connection could not be opened: name, port, TLS, password, database or privilege, and what to do.
Error from_open(const Said& said, const ServerSettings& settings);

}  // namespace vmc::sources::mssql
