// libpq, loaded when the first connection needs it: it brings two dozen libraries with it (LDAP, Kerberos, GnuTLS),
// which a program that has no PostgreSQL to talk to neither needs nor must have installed.
#pragma once

#include <libpq-fe.h>

#include "core/result.hpp"

namespace vmc::sources::postgres {

// Before anything else of libpq is called. UNAVAILABLE when it is not installed.
Result<void> load_libpq();

}  // namespace vmc::sources::postgres
