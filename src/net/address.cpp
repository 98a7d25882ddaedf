#include <algorithm>
#include <charconv>

#include <boost/asio/ip/address.hpp>

#include "net/client.hpp"

namespace vmc::net {
namespace {

constexpr std::size_t kUrlMax = 2048;

Error refuse(std::string_view why) {
  return fail(Code::invalid_request, "the address is not usable: " + std::string{why},
              "Write it like wss://host:8443/path or https://host.");
}

bool is_host_name(std::string_view text) {
  if (text.empty() || text.size() > 253 || text.front() == '-' || text.front() == '.') return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
  });
}

}  // namespace

Result<Address> parse_address(std::string_view url) {
  if (url.size() > kUrlMax) return refuse("it is too long");
  if (url.starts_with("ws://") || url.starts_with("http://"))
    return refuse("it is not encrypted; only wss:// and https:// are spoken");
  if (url.starts_with("wss://"))
    url.remove_prefix(6);
  else if (url.starts_with("https://"))
    url.remove_prefix(8);
  else
    return refuse("it begins neither with wss:// nor with https://");

  Address address;
  const auto authority_end = std::min(url.find_first_of("/?#"), url.size());
  std::string_view authority = url.substr(0, authority_end);
  const std::string_view rest = url.substr(authority_end);
  if (authority.find('@') != std::string_view::npos)
    return refuse("it carries a user name; credentials go elsewhere");

  if (authority.starts_with('[')) {
    const auto close = authority.find(']');
    if (close == std::string_view::npos) return refuse("a ']' is missing");
    address.host = authority.substr(1, close - 1);
    authority.remove_prefix(close + 1);
    boost::system::error_code error;
    asio::ip::make_address_v6(address.host, error);
    if (error) return refuse("what stands in brackets is no IPv6 address");
  } else {
    const auto colon = std::min(authority.find(':'), authority.size());
    address.host = authority.substr(0, colon);
    authority.remove_prefix(colon);
    if (!is_host_name(address.host)) return refuse("the host name is not valid");
  }
  if (!authority.empty()) {
    if (authority.front() != ':') return refuse("something unknown follows the host");
    authority.remove_prefix(1);
    const auto [end, error] =
        std::from_chars(authority.data(), authority.data() + authority.size(), address.port);
    if (error != std::errc{} || end != authority.data() + authority.size() || address.port == 0)
      return refuse("the port is not a number from 1 to 65535");
  }
  if (!rest.empty()) {
    if (rest.front() != '/') return refuse("a path must follow the host");
    const bool clean =
        std::all_of(rest.begin(), rest.end(), [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
    if (!clean) return refuse("the path holds characters that must be percent-encoded");
    address.path = rest;
  }
  return address;
}

}  // namespace vmc::net
