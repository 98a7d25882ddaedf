// PostgreSQL's SQLSTATE as one of our errors. The server's own text may quote rows: it never goes further
// than the local debug log, and there only for classes that speak of connections and rights.
#pragma once

#include <libpq-fe.h>

#include <string>
#include <string_view>

#include "sources/source.hpp"

namespace vmc::sources::postgres {

struct Circumstances {
  Access access = Access::read;
  bool interrupted = false;
  std::string_view analysed;  // the statement, where it was only being analysed
};

Error from_state(std::string_view sqlstate, const Circumstances& when, std::string_view object = "");
Error from_result(const PGresult* result, const Circumstances& when);
// Why a connection could not be opened: name, port, TLS, password, database or privilege, and what to do.
Error from_connect(std::string_view libpq_text, const ServerSettings& settings, bool timed_out);

std::string sqlstate_of(const PGresult* result);

}  // namespace vmc::sources::postgres
