#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>

// MariaDB's ODBC driver keeps no order between SQLCancel and the call it ends, as ODBC would have it; the library is not
// ours, and its locks are not seen.
extern "C" const char* __tsan_default_suppressions() { return "race:libmaodbc.so\nmutex:libmaodbc.so\ncalled_from_lib:libmaodbc.so\n"; }
