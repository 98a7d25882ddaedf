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
  std::string state = {};  // SQLSTATE
  std::string words = {};  // the server's own
  int system = 0;          // while connecting: the socket's error
  bool timed_out = false;
  bool no_tls = false;  // asked for and not offered
};

struct Circumstances {
  Access access = Access::read;
  bool interrupted = false;
  std::string_view analysed;  // the statement, where it was only being analysed
};

namespace error {
inline constexpr unsigned interrupted = 1317, statement_timeout = 1969, execution_timeout = 3024;
}  // namespace error

bool is_lost(unsigned number);  // the connection is gone
Error from_failure(const Failure& failure, const Circumstances& when);
// Why a connection could not be opened: name, port, TLS, user, password, database or privilege, and what to do.
Error from_connect(const Failure& failure, const ServerSettings& settings);

}  // namespace vmc::sources::mysql
