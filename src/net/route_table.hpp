// Which route a path means. Literal segments win over {name} segments, from left to right.
#pragma once

#include <string>
#include <vector>

#include "net/http_server.hpp"

namespace vmc::net {

class RouteTable {
 public:
  // INVALID_REQUEST for a bad pattern, and for two routes that mean the same.
  static Result<RouteTable> make(std::vector<Route> routes);

  struct Match {
    const Route* route = nullptr;  // null: no such path, or not with this method
    std::map<std::string, std::string> parameters;
    std::string allowed;  // "GET, HEAD" when the path exists; for 405
  };
  // HEAD is answered by GET routes.
  Match find(const std::string& method, const std::vector<std::string>& segments) const;

 private:
  struct Entry {
    Route route;
    std::vector<std::string> segments;  // "{id}" stands for itself
    std::string shape;                  // "l" literal, "p" parameter, a segment each
  };
  std::vector<Entry> entries_;  // best match first
};

}  // namespace vmc::net
