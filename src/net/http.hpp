// HTTP in plain structs, for server and client.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/bytes.hpp"
#include "core/json.hpp"
#include "core/result.hpp"

namespace vmc::net {

struct Request {
  std::string method;                                // "GET"
  std::string path;                                  // decoded, without the query
  std::map<std::string, std::string> query;          // decoded
  std::map<std::string, std::string> parameters;     // from the route's {name} segments
  std::vector<std::pair<std::string, std::string>> headers;  // on a server with our own X-Request-Id
  Bytes body;
  std::string peer;                                  // the client's address, without port

  std::string header(std::string_view name) const;   // case-insensitive; "" when absent
  std::string bearer() const;                        // token of "Authorization: Bearer …", or ""
};

struct Response {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  Bytes body;

  std::string header(std::string_view name) const;
  static Response json(int status, const Json& body) { return json_text(status, to_text(body)); }
  static Response json_text(int status, std::string_view text);
  // application/problem+json (RFC 9457) with code, hint, retryable and the code's HTTP status.
  static Response problem(const Error& error, std::string_view request_id = "");
};

// The error a problem+json (or any failed) response stands for.
Error error_from(const Response& response);

}  // namespace vmc::net
