#include "net/route_table.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "core/text.hpp"
#include "net/http_text.hpp"

namespace vmc::net {
namespace {

bool is_parameter(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

}  // namespace

Result<RouteTable> RouteTable::make(std::vector<Route> routes) {
  RouteTable table;
  std::vector<std::string> seen;
  for (auto& route : routes) {
    const std::string name = route.method + " " + route.pattern;
    if (!is_token(route.method) || route.pattern.empty() || route.pattern.front() != '/' || !route.handler)
      return fail(Code::invalid_request, fmt::format("route '{}' is not valid", name));
    Entry entry;
    entry.segments = split(std::string_view{route.pattern}.substr(1), '/');
    std::string meaning = route.method;
    for (const auto& segment : entry.segments) {
      const bool parameter = is_parameter(segment);
      if (!parameter && segment.find_first_of("{}") != std::string::npos)
        return fail(Code::invalid_request, fmt::format("route '{}': a brace inside a segment", name));
      entry.shape += parameter ? 'p' : 'l';
      meaning += "/" + (parameter ? std::string{"{}"} : segment);
    }
    if (std::find(seen.begin(), seen.end(), meaning) != seen.end())
      return fail(Code::invalid_request, fmt::format("route '{}' stands in the table twice", name));
    seen.push_back(std::move(meaning));
    entry.route = std::move(route);
    table.entries_.push_back(std::move(entry));
  }
  const auto literal_first = [](const Entry& a, const Entry& b) { return a.shape < b.shape; };
  std::stable_sort(table.entries_.begin(), table.entries_.end(), literal_first);
  return table;
}

RouteTable::Match RouteTable::find(const std::string& method,
                                   const std::vector<std::string>& segments) const {
  Match match;
  const std::string wanted = method == "HEAD" ? "GET" : method;
  for (const auto& entry : entries_) {
    if (entry.segments.size() != segments.size()) continue;
    bool fits = true;
    for (std::size_t i = 0; fits && i < segments.size(); ++i)
      fits = entry.shape[i] == 'p' ? !segments[i].empty() : entry.segments[i] == segments[i];
    if (!fits) continue;
    if (entry.route.method == wanted) {
      match.route = &entry.route;
      for (std::size_t i = 0; i < segments.size(); ++i)
        if (entry.shape[i] == 'p') {
          const auto& name = entry.segments[i];
          match.parameters[name.substr(1, name.size() - 2)] = segments[i];
        }
      return match;
    }
    match.allowed += (match.allowed.empty() ? "" : ", ") + entry.route.method;
    if (entry.route.method == "GET") match.allowed += ", HEAD";
  }
  return match;
}

}  // namespace vmc::net
