#include "crypto/machine.hpp"

#include <fstream>

#include "core/text.hpp"

namespace vmc::crypto {
namespace {

std::string first_line(const char* file) {
  std::ifstream in{file};
  std::string line;
  std::getline(in, line);
  return std::string{trim(line)};
}

// The value of NAME=value or NAME="value".
std::string os_release(std::string_view name) {
  std::ifstream in{"/etc/os-release"};
  for (std::string line; std::getline(in, line);) {
    const auto equals = line.find('=');
    if (equals == std::string::npos || std::string_view{line}.substr(0, equals) != name) continue;
    auto value = trim(std::string_view{line}.substr(equals + 1));
    if (value.size() >= 2 && value.front() == value.back() && (value.front() == '"' || value.front() == '\''))
      value = value.substr(1, value.size() - 2);
    return std::string{value};
  }
  return {};
}

// First boots write this word before there is an id.
std::string machine_id() {
  auto id = first_line("/etc/machine-id");
  return id == "uninitialized" ? std::string{} : id;
}

}  // namespace

MachineFacts machine_facts() {
  return {machine_id(), first_line("/sys/class/dmi/id/product_uuid"),
          std::string{trim(os_release("ID") + " " + os_release("VERSION_ID"))}};
}

}  // namespace vmc::crypto
