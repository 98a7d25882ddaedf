// The text of HTTP: targets, percent-encoding, header lines. What cannot be understood is refused.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace vmc::net {

bool same_token(std::string_view a, std::string_view b);        // ASCII, case-insensitive
bool has_token(std::string_view list, std::string_view token);  // in a comma-separated list
bool is_token(std::string_view text);                           // RFC 9110 token: methods, header names
bool is_header_value(std::string_view text);                    // no line ends, no NUL

struct Target {
  std::vector<std::string> segments;         // decoded; "/a/b" has two, "/a/" has "a" and ""
  std::string path;                          // decoded
  std::map<std::string, std::string> query;  // decoded
};
// Refuses bad percent-encoding, control characters, "." and ".." segments and a query name given twice.
Result<Target> parse_target(std::string_view target);

// The reverse: a decoded path and query as they stand in a request line.
std::string make_target(std::string_view path, const std::map<std::string, std::string>& query);

std::string_view reason_phrase(int status);
std::string http_date();  // now, as in the Date header

}  // namespace vmc::net
