// MySQL's error numbers as one of our errors. The server's own text may quote rows: it never goes further than the
// local debug log, and there only for numbers that speak of connections and rights.
#pragma once

#include <string>
#include <string_view>

#include "sources/source.hpp"

namespace vmc::sources::mysql {

// What the library told of a failed call.
struct Failure {
  unsigned number = 0;
  std::string state;  // SQLSTATE
  std::string words;  // the server's own
};

struct Circumstances {
  Access access = Access::read;
  bool interrupted = false;
  std::string_view analysed;  // the statement, where it was only being analysed
};

namespace error {
inline constexpr unsigned access_denied = 1045, database_denied = 1044, duplicate = 1062, interrupted = 1317,
                          statement_timeout = 1969, execution_timeout = 3024, local_infile_off = 3948,
                          local_infile_denied = 1148, local_infile_not_offered = 4166;
}  // namespace error

bool is_lost(unsigned number);  // the connection is gone
Error from_failure(const Failure& failure, const Circumstances& when);
// Why a connection could not be opened: name, port, TLS, user, password, database or privilege, and what to do.
Error from_connect(const Failure& failure, const MysqlSourceSettings& settings, bool timed_out);
bool offers_no_tls(const Failure& failure);

}  // namespace vmc::sources::mysql
