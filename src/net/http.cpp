#include "net/http.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "net/http_text.hpp"

namespace vmc::net {
namespace {

constexpr std::size_t kProblemMax = 64 * 1024;
constexpr std::size_t kMessageMax = 1000;  // of another side's words, in our messages

std::string find_header(const std::vector<std::pair<std::string, std::string>>& headers,
                        std::string_view name) {
  for (const auto& [key, value] : headers)
    if (same_token(key, name)) return value;
  return {};
}

Code code_of_status(int status) {
  switch (status) {
    case 401:
      return Code::auth_failed;
    case 403:
      return Code::forbidden;
    case 404:
      return Code::not_found;
    case 409:
      return Code::conflict;
    case 410:
      return Code::command_expired;
    case 429:
      return Code::rate_limited;
    case 502:
    case 503:
    case 504:
      return Code::unavailable;
    default:
      return status >= 400 && status < 500 ? Code::invalid_request : Code::internal;
  }
}

std::string text_field(const Json& body, const char* key) {
  const auto found = body.find(key);
  if (found == body.end() || !found->is_string()) return {};
  return found->get<std::string>().substr(0, kMessageMax);
}

}  // namespace

std::string Request::header(std::string_view name) const { return find_header(headers, name); }

std::string Request::bearer() const {
  const auto value = header("authorization");
  constexpr std::string_view scheme = "Bearer ";
  if (value.size() <= scheme.size() || !same_token(std::string_view{value}.substr(0, scheme.size()), scheme))
    return {};
  return value.substr(scheme.size());
}

std::string Response::header(std::string_view name) const { return find_header(headers, name); }

Response Response::json_text(int status, std::string_view text) {
  Response response;
  response.status = status;
  response.headers.emplace_back("Content-Type", "application/json");
  response.body.assign(text.begin(), text.end());
  return response;
}

Response Response::problem(const Error& error, std::string_view request_id) {
  const CodeInfo& known = info(error.code);
  Json body{{"type", fmt::format("urn:vmc:error:{}", known.name)},
            {"title", known.meaning},
            {"status", known.http_status},
            {"detail", error.message},
            {"code", known.name},
            {"hint", error.next()},
            {"retryable", known.retryable}};
  if (!request_id.empty()) body["request_id"] = request_id;
  Response response = json(known.http_status, body);
  response.headers.front().second = "application/problem+json";
  return response;
}

Error error_from(const Response& response) {
  Error error{code_of_status(response.status), fmt::format("the server answered HTTP {}", response.status)};
  if (response.body.size() > kProblemMax) return error;
  const auto body = parse_json(as_text(response.body), kProblemMax);
  if (!body || !body->is_object()) return error;
  const auto code = code_named(text_field(*body, "code"));
  if (code) error.code = *code;
  auto detail = text_field(*body, "detail");
  if (detail.empty()) detail = text_field(*body, "title");
  if (!detail.empty()) error.message = std::move(detail);
  auto hint = text_field(*body, "hint");
  if (hint != info(error.code).next) error.hint = std::move(hint);
  return error;
}

}  // namespace vmc::net
