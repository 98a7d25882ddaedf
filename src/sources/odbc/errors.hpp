// SQLSTATEs and the native errors beside them as our errors. A driver's own text may quote rows: it goes no
// further than the local debug log, and there only while a connection is opened.
#pragma once

#include <string>
#include <vector>

#include "sources/odbc/driver_manager.hpp"
#include "sources/source.hpp"

namespace vmc::sources::odbc {

// A complaint of a handle.
struct Said {
  std::string state;  // five characters; empty: nothing was said
  int native = 0;
  std::string text;
};
// The first.
Said said(SQLSMALLINT kind, SQLHANDLE handle);
// Some drivers tell the cause behind its consequence: all of them, up to a bound, one at least.
std::vector<Said> all_said(SQLSMALLINT kind, SQLHANDLE handle);

// The call was stopped: by its limit on the server, or by SQLCancel.
bool was_stopped(const Said& said);
// Something failed, and the driver has no word for it, or a warning's state.
bool is_silent(const Said& said);
// The connection is gone.
bool is_lost(const Said& said);
Error from_state(const Said& said, Access access);
Error connection_lost(const Said& said);
// Why a connection could not be opened: driver, name, port, TLS, password or database, and what to do.
Error from_open(const std::vector<Said>& complaints, const OdbcSettings& settings);

}  // namespace vmc::sources::odbc
