// Changes one value in a configuration file and leaves every other byte as its owner wrote it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace vmc::config {

// A TOML basic string that reads as this text.
std::string quoted(std::string_view text);

struct Change {
  std::string_view list;  // [[connections]]
  std::string_view id;    // with this id
  std::string_view key;   // this key
  std::string value;      // as TOML
};

// NOT_FOUND when the text has no such entry; CONFLICT when it is written in a way that cannot be changed safely.
Result<std::string> with_change(std::string_view text, const Change& change);
// In the file itself or in conf.d/*.toml beside it, wherever the entry stands; at once or not at all. Which file it
// was.
Result<std::filesystem::path> change_file(const std::filesystem::path& file, const Change& change);

}  // namespace vmc::config
