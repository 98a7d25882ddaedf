// MariaDB Connector/C, loaded when the first connection needs it: a program that has no MySQL or MariaDB to talk to
// neither needs it nor must have it installed.
#pragma once

#include <mysql.h>

#include "core/result.hpp"

namespace vmc::sources::mysql {

// Before anything else of the library is called. UNAVAILABLE when it is not installed.
Result<void> load_libmariadb();

}  // namespace vmc::sources::mysql
