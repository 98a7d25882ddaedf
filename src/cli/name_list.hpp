// A list of names in a connection's settings that a verb adds to or takes from: private parts, tables to be written.
#pragma once

#include <filesystem>

#include "cli/session.hpp"

namespace vmc::cli {

struct NameList {
  std::string connection;
  std::vector<std::string> names;
  bool remove = false;
};

// `kept` with the change. `what`: how the list is called, for the error that a name to be removed is not in it.
Result<std::vector<std::string>> changed_names(const NameList& change, std::vector<std::string> kept, std::string_view what);
// Writes them into the configuration under `key` and tells a running agent. The file.
Result<std::filesystem::path> keep_names(const Session& session, const std::string& connection, const char* key,
                                         const std::vector<std::string>& names);

}  // namespace vmc::cli
