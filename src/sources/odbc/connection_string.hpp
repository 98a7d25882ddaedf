// The string a driver is given. It holds the password, so it lives in secret memory and is never logged.
#pragma once

#include <string_view>

#include "crypto/secret.hpp"
#include "sources/odbc/server.hpp"
#include "sources/source.hpp"

namespace vmc::sources::odbc {

// INVALID_REQUEST names the key: no "key=value;…", or a key that names a password, a file to keep it in, or
// what has a setting of its own.
Result<void> check_options(std::string_view options);

// INVALID_REQUEST says what is missing or cannot be carried.
Result<void> check(const OdbcSettings& settings);

// As UTF-16 with a terminator. Of `needs` stands behind what the owner says what the owner has not said.
// INVALID_REQUEST: a value holds what would end it for this driver.
Result<crypto::Secret> connection_string(const OdbcSettings& settings, std::string_view password,
                                         const DriverNeeds& needs);

}  // namespace vmc::sources::odbc
