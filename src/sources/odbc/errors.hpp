// SQLSTATEs and the native errors beside them as our errors. A driver's own text may quote rows: it goes no
// further than the local debug log, and there only while a connection is opened.
#pragma once

#include <string>

#include "sources/odbc/driver_manager.hpp"
#include "sources/source.hpp"

namespace vmc::sources::odbc {

// The first complaint of a handle.
struct Said {
  std::string state;  // five characters; empty: nothing was said
  int native = 0;
  std::string text;
};
Said said(SQLSMALLINT kind, SQLHANDLE handle);

// The call was stopped: by its limit on the server, or by SQLCancel.
bool was_stopped(const Said& said);
// The connection is gone.
bool is_lost(const Said& said);
Error from_state(const Said& said);
Error loads_refused();
// Why a connection could not be opened: driver, name, port, TLS, password or database, and what to do.
Error from_open(const Said& said, const OdbcSettings& settings);

}  // namespace vmc::sources::odbc
