#include "cli/name_list.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "cli/agent_home.hpp"
#include "core/config_edit.hpp"
#include "core/text.hpp"

namespace vmc::cli {

Result<std::vector<std::string>> changed_names(const NameList& change, std::vector<std::string> kept, std::string_view what) {
  for (const auto& name : change.names) {
    const auto known = std::find(kept.begin(), kept.end(), name);
    if (name.empty()) return fail(Code::invalid_request, fmt::format("an empty name is none of the {}", what));
    if (change.remove && known == kept.end())
      return fail(Code::not_found, fmt::format("'{}' is not among the {} of '{}'", name, what, change.connection),
                  fmt::format("They are: {}.", kept.empty() ? "none" : join(kept, ", ")));
    if (change.remove)
      kept.erase(known);
    else if (known == kept.end())
      kept.push_back(name);
  }
  return kept;
}

Result<std::filesystem::path> keep_names(const Session& session, const std::string& connection, const char* key,
                                         const std::vector<std::string>& names) {
  VMC_TRY(home, home_of(session));
  std::vector<std::string> list;
  for (const auto& name : names) list.push_back(config::quoted(name));
  const config::Change change{"connections", connection, key, fmt::format("[{}]", join(list, ", "))};
  VMC_TRY(file, config::change_file(agent_config(session), change));
  VMC_CHECK(agent::announce_settings(home));
  return file;
}

}  // namespace vmc::cli
