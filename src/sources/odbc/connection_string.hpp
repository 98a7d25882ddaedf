// The string a driver is given. It holds the password, so it lives in secret memory and is never logged.
#pragma once

#include <string_view>

#include "crypto/secret.hpp"
#include "sources/source.hpp"

namespace vmc::sources::odbc {

// INVALID_REQUEST names the key: no "key=value;…", or a key that names a password, a file to keep it in, or
// what has a setting of its own.
Result<void> check_options(std::string_view options);

// INVALID_REQUEST says what is missing or cannot be carried.
Result<void> check(const OdbcSettings& settings);

// As UTF-16 with a terminator. `needs` stands behind what the owner says, whose word is the first and counts.
crypto::Secret connection_string(const OdbcSettings& settings, std::string_view password,
                                 std::string_view needs);

}  // namespace vmc::sources::odbc
