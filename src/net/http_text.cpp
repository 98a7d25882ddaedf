#include "net/http_text.hpp"

#include <algorithm>
#include <array>
#include <ctime>

#include "core/text.hpp"

namespace vmc::net {
namespace {

constexpr std::size_t kSegmentsMax = 32;
constexpr std::size_t kQueryMax = 64;  // pairs

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char l = lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

Error refuse(std::string_view why) {
  return fail(Code::invalid_request, "the request target is not valid: " + std::string{why});
}

Result<std::string> decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return refuse("bad percent-encoding");
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return refuse("a control character");
    out += c;
  }
  if (!is_utf8(out)) return refuse("not UTF-8");
  return out;
}

void encode_into(std::string& out, std::string_view text, std::string_view also_plain) {
  static constexpr char digits[] = "0123456789ABCDEF";
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view{"-._~"}.find(c) != std::string_view::npos ||
                       also_plain.find(c) != std::string_view::npos;
    if (plain) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
}

Result<void> parse_query(std::string_view text, std::map<std::string, std::string>& query) {
  for (const auto& pair : split(text, '&')) {
    if (pair.empty()) continue;
    const std::string_view view = pair;
    const auto equals = std::min(view.find('='), view.size());
    VMC_TRY(name, decode(view.substr(0, equals), true));
    VMC_TRY(value, decode(equals < view.size() ? view.substr(equals + 1) : std::string_view{}, true));
    if (!query.emplace(std::move(name), std::move(value)).second)
      return refuse("a query name is given twice");
    if (query.size() > kQueryMax) return refuse("too many query names");
  }
  return {};
}

}  // namespace

bool same_token(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

bool has_token(std::string_view list, std::string_view token) {
  for (const auto& part : split(list, ','))
    if (same_token(trim(part), token)) return true;
  return false;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
  });
}

bool is_header_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) || c == '\t';
  });
}

Result<Target> parse_target(std::string_view text) {
  if (text.empty() || text.front() != '/') return refuse("it does not begin with '/'");
  Target target;
  const auto question = std::min(text.find('?'), text.size());
  for (const auto& raw : split(text.substr(1, question - 1), '/')) {
    VMC_TRY(segment, decode(raw, false));
    if (segment == "." || segment == "..") return refuse("'.' or '..' in the path");
    target.path += '/';
    target.path += segment;
    target.segments.push_back(std::move(segment));
    if (target.segments.size() > kSegmentsMax) return refuse("too many path segments");
  }
  if (question < text.size()) VMC_CHECK(parse_query(text.substr(question + 1), target.query));
  return target;
}

std::string make_target(std::string_view path, const std::map<std::string, std::string>& query) {
  std::string out;
  encode_into(out, path.empty() ? std::string_view{"/"} : path, "/!$&'()*+,;=:@");
  char separator = '?';
  for (const auto& [name, value] : query) {
    out += std::exchange(separator, '&');
    encode_into(out, name, "");
    out += '=';
    encode_into(out, value, "");
  }
  return out;
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 422:
      return "Unprocessable Content";
    case 426:
      return "Upgrade Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "Status";
  }
}

std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 40> text{};
  const auto size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text.data(), size};
}

}  // namespace vmc::net
